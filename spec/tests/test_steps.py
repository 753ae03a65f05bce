"""
The steps in SPEC.md, played to every writer that we have.
"""

import json

import pytest
from lab_workbook_conformance import constants, judges, notation, plays

CASES = [case for case in constants.cases() if case["subject"] == "steps"]


def name_of(case):
    return f"{case['rule']}-line{case['line']}"


def steps_of(case):
    """The steps as they are spelled, with the one that stands before them unwritten."""
    steps = [json.loads(line) for line in case["text"].splitlines()]
    return steps if steps[0][0] == "newExperiment" else [["newExperiment", {}], *steps]


def files_of(prefix):
    (experiment,) = prefix.iterdir()
    return {
        path.relative_to(experiment).as_posix(): path.read_bytes()
        for path in experiment.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"] == "accept"], ids=name_of)
def test_a_writer_does_what_is_allowed(writer, case):
    """
    The experiment that is left behind breaks no rule, and holds what was given.
    """
    steps = steps_of(case)

    for step in [*steps, ["close"]]:
        writer.do(*step)

    files = files_of(writer.prefix)
    assert judges.experiment(files) == []
    assert plays.broken_by(notation.value(steps), files, integers=writer.has_integers) == []


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"] == "refuse"], ids=name_of)
def test_a_writer_refuses_what_is_not(writer, case):
    """
    The last step raises, naming the rule; what was done before stays a sound experiment.
    """
    *steps, last = steps_of(case)
    for step in steps:
        writer.do(*step)

    with pytest.raises(Exception, match=rf"rule {case['rule']}\b"):
        writer.do(*last)

    if steps:
        writer.do("close")
        assert judges.experiment(files_of(writer.prefix)) == []


def test_a_fresh_tag_has_its_shape(writer):
    """
    A tag that nobody chose is a UTC minute and ten characters.
    """
    writer.do("newExperiment", {})
    writer.do("close")

    (experiment,) = writer.prefix.iterdir()
    assert judges.fresh_tag(experiment.name) == []
