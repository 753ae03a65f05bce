"""
Each of our writers and readers speaks the protocol, on each of its runtimes, as the kit sees it from outside.
"""

import pytest
from lab_workbook_conformance import certify

from conformance.programs import OURS

# What lupa carries stands in for an interpreter that is not installed; `make certify` tries both.
TWINS = {f"{each.name}, in lupa": each for each in OURS} | {"LuaJIT 2.1, in lupa": OURS[1]}
# A language whose integers end at 64 bits has none that a cell cannot hold, or that no double comes near.
BEYOND = {"series.beyond", "json.numbers"}
# One of each family; `make certify` tries all of them, at all levels.
ALWAYS = {"python", "luajit", "lua-5.3"}
PROGRAMS = [pytest.param(each, marks=[] if each.slug in ALWAYS else [pytest.mark.soak]) for each in OURS]


def name_of(program):
    return program.slug


@pytest.fixture(params=PROGRAMS, ids=name_of)
def program(request):
    """A program that this machine can run."""
    if not request.param.is_here:
        pytest.skip(f"{request.param.command[0]} is not installed")
    if request.param.name in TWINS and TWINS[request.param.name].is_here:
        pytest.skip(f"{TWINS[request.param.name].name} is here as a program of its own")
    return request.param


def test_a_program_of_ours_speaks_the_protocol(program):
    """
    No rule is broken, and nothing is left out but what the language does not have.
    """
    report = certify.run(program.command, levels=["core"])

    assert report.broken == set()
    assert report.exit_code == 0, report.counts
    left_out = {result.case for result in report.results if result.verdict == "unsupported"}
    assert all(BEYOND & set(case.rules) for case in left_out), left_out
