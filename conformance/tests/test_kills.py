"""
A writer that is killed has kept what it said it has, as the kit sees it.
"""

import sys

import pytest
from lab_workbook_conformance import certify
from lab_workbook_conformance.levels import kills

from conformance.programs import PROGRAMS

WRONG = [sys.executable, "-m", "lab_workbook_conformance.wrong"]


def report_on(command):
    return certify.run(command, cases=kills.cases(), levels=["core"])


def test_the_right_one_keeps_every_row():
    """
    Whatever had returned is there, and its reader calls the experiment neither finished nor running.
    """
    report = report_on(WRONG)

    assert report.counts == {"passed": 2}


@pytest.mark.parametrize("program", PROGRAMS[:2], ids=lambda program: program.slug)
def test_our_writers_keep_every_row(program):
    """
    The promise holds of our writers too, in Python and in Lua.
    """
    if not program.is_here:
        pytest.skip(f"{program.command[0]} is not installed")

    assert report_on(program.command).counts == {"passed": 2}


def test_rows_that_wait_in_memory_are_found():
    """
    A writer that acknowledges a row before it has written it breaks `series.kept`.
    """
    assert report_on([*WRONG, "series.kept"]).broken == {"series.kept"}


def test_a_row_that_is_not_whole_yet_is_found():
    """
    A writer that writes the first byte of a row later has not kept it.
    """
    assert report_on([*WRONG, "series.append"]).broken == {"series.kept"}
