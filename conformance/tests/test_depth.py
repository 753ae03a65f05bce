"""
Depth: what chance makes up finds who is wrong, shrinks, comes again by its seed, and leaves nothing behind.
"""

import json
import sys

import pytest
from lab_workbook_conformance import certify
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.levels import depth

from conformance.programs import PROGRAMS

WRONG = [sys.executable, "-m", "lab_workbook_conformance.wrong"]


def broken(command, name, examples=100):
    """The rules that the property of this name finds broken."""
    cases = [case for case in depth.cases(examples) if case.name == name]
    return certify.run(command, cases=cases, levels=["core"]).broken


def test_the_right_one_holds():
    """
    The example that everybody copies keeps every property.
    """
    report = certify.run(WRONG, cases=depth.cases(15), levels=["core"])

    assert report.counts == {"passed": len(depth.PROPERTIES)}


def test_our_python_writer_and_reader_hold():
    """
    Our own keep every property, too; `make certify` tries the others.
    """
    report = certify.run(PROGRAMS[0].command, cases=depth.cases(15), levels=["core"])

    assert report.counts == {"passed": len(depth.PROPERTIES)}


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("series.text", "depth.experiments"),
        ("text.mended", "depth.odd-texts"),
        ("series.fields", "depth.misuses"),
        ("series.types", "depth.reading"),
        ("series.row-end", "depth.torn"),
    ],
)
def test_who_is_wrong_is_found(rule, name, monkeypatch):
    """
    Each property finds somebody who breaks its rules, and names the rule.
    """
    monkeypatch.setattr(depth, "_SHRINK_SECONDS", 1)

    assert rule in broken([*WRONG, rule], name)


def test_what_is_found_is_small_and_comes_again():
    """
    The example that is reported has the one step that is wrong, and the same seed finds the same one.
    """
    (misuses,) = [each for each in depth.PROPERTIES if each.name == "depth.misuses"]
    with Bench([*WRONG, "series.fields"]) as bench:
        first, second = (depth.falsify(bench, misuses, examples=100) for _ in range(2))

    assert first.pin["rules"] == ["series.fields"]
    assert [step[0] for step in first.pin["steps"]] == ["newExperiment", "newTimeSeriesLog"]
    assert len(json.dumps(first.pin["steps"])) < 80
    assert first == second


def test_nothing_is_left_where_the_user_is(tmp_path, monkeypatch):
    """
    Hypothesis makes no folder of its own.
    """
    monkeypatch.chdir(tmp_path)

    assert broken(WRONG, "depth.names", examples=3) == set()
    assert list(tmp_path.iterdir()) == []
