"""
Who tests the tests: of each writer and reader that is wrong in one thing the kit names that thing alone.

`make test` plays to each the cases of its own rules and a few others, `make certify-wrong` all of them.
"""

import random
import sys

import pytest
from lab_workbook_conformance import certify, constants, levels
from lab_workbook_conformance.wrong import table, untold, wrong_bucket

WRONG = table.load()
# The others are found in a bucket alone, by test_s3.py.
IN_FOLDERS = [name for name in WRONG if name not in wrong_bucket.PLAYED]
# Of level s3, because nowhere else does a series come in pieces.
IN_A_BUCKET = ("live.read-1",)
CASES = [case for case in levels.cases() if case.level in ("core", "git") or case.name in IN_A_BUCKET]

# What is quoted though it is no text is logged in the cases of other rules.
SHOWN_BY = {"series.text-2": "series.integer", "series.text-3": "series.special"}


def broken_rules(name, cases):
    """The rules that the kit finds broken; every other verdict is an error."""
    command = [sys.executable, "-m", "lab_workbook_conformance.wrong", *name]
    report = certify.run(command, cases=cases, levels=certify.LEVELS)

    assert report.stopped == ""
    assert {result.verdict for result in report.results} <= {"passed", "failed", "unsupported"}
    return {finding.rule for result in report.results for finding in result.findings}


def own_cases(wrong):
    """The cases of its role which prove one of its rules."""
    rules = {wrong.rule, *wrong.also, SHOWN_BY.get(wrong.name)}
    return [case for case in CASES if case.role == wrong.role and rules & set(case.rules)]


def some_cases(wrong):
    """Those, and a few others that are the same each time."""
    others = [case for case in CASES if case.role == wrong.role and case not in own_cases(wrong)]
    return own_cases(wrong) + random.Random(wrong.name).sample(others, 3)


def test_the_right_one_is_right():
    """
    The example that everybody copies breaks no rule of any level that it has.
    """
    assert broken_rules([], CASES) == set()


@pytest.mark.parametrize("name", IN_FOLDERS)
def test_the_kit_names_the_rule_that_a_wrong_one_breaks(name):
    """
    The cases of a rule find whoever breaks it, and a few others find nothing.
    """
    wrong = WRONG[name]

    found = broken_rules([name], some_cases(wrong))

    assert wrong.rule in found
    assert found <= {wrong.rule, *wrong.also}


@pytest.mark.soak
@pytest.mark.parametrize("name", IN_FOLDERS)
def test_the_kit_names_no_other_rule(name):
    """
    All cases together find the rule that is broken, those that cannot be kept then, and no other one.
    """
    wrong = WRONG[name]

    assert broken_rules([name], CASES) == {wrong.rule, *wrong.also}


def test_each_rule_has_a_wrong_one_or_a_reason():
    """
    No rule is forgotten, and no reason outlives the wrong one that was missing.
    """
    broken = {wrong.rule for wrong in WRONG.values()}

    assert broken | set(untold.UNTOLD) == set(constants.rules())
    assert broken & set(untold.UNTOLD) == set()


def test_each_wrong_one_says_what_it_does():
    """
    The table of wrong ones can be read: a sentence for each, and two of one rule are not the same.
    """
    sentences = [(wrong.rule, wrong.what) for wrong in WRONG.values()]

    assert all(sentence.endswith(".") and "\n" not in sentence for _, sentence in sentences)
    assert len(set(sentences)) == len(sentences)
