"""The state machine of a spool that two hosts share, searched to its end."""

import functools

import pytest

from tests.ownership.model import SAFEGUARDS, any_fault, explore, lost_row, proof, silence, two_ends


def test_where_silence_is_death_a_row_is_lost_in_a_few_steps():
    found = explore(silence, rows=1, fault=lost_row)

    assert found.fault == "row 1 is lost"
    assert len(found.way) == 5
    assert found.way[0] == "W writes a row"
    assert found.way[-1] == "P removes the spool"


def test_where_silence_is_death_two_processes_believe_in_different_ends():
    found = explore(silence, rows=1, fault=two_ends)

    assert "End(outcome='finished', rows=0)" in found.fault
    assert "End(outcome='interrupted', rows=0)" in found.fault


@pytest.mark.parametrize("rows", [1, 2])
def test_where_death_needs_a_proof_there_is_no_fault(rows):
    """
    All states are searched, those after a person's wrong word about a living script among them.
    """
    found = explore(proof, rows=rows, fault=any_fault)

    assert (found.fault, found.way) == ("", [])
    assert found.states > 10_000


def test_the_lock_only_saves_work():
    """
    Two uploaders that both believe to hold it lose nothing.
    """
    found = explore(functools.partial(proof, without="lock"), rows=1, fault=any_fault)

    assert (found.fault, found.way) == ("", [])


@pytest.mark.parametrize("safeguard", SAFEGUARDS)
def test_without_any_of_its_safeguards_a_fault_is_found(safeguard):
    found = explore(functools.partial(proof, without=safeguard), rows=1, fault=any_fault)

    assert found.fault
