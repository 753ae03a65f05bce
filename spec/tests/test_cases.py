"""
The examples in SPEC.md are right: judges find nothing wrong in what must be accepted, and in what
must be refused they find the very rule that the example is there to show.
"""

import pytest
from jsonschema import Draft202012Validator
from lab_workbook_conformance import constants, judges

CASES = [case for case in constants.cases() if case["subject"] != "steps"]


def name_of(case):
    return f"{case['rule']}-{case['expect']}-{case['subject']}-line{case['line']}"


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"] == "accept"], ids=name_of)
def test_a_judge_accepts(case):
    """
    Each text or line of an accepting case breaks no rule at all.
    """
    found = judges.case(case)

    assert found
    assert not any(found), found


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"] == "refuse"], ids=name_of)
def test_a_judge_refuses(case):
    """
    Each text or line of a refusing case breaks the rule that it is about.
    """
    found = judges.case(case)

    assert found
    assert all(case["rule"] in broken for broken in found), found


@pytest.mark.parametrize("name", ["begin", "end", "note", "cases", "spec"])
def test_a_schema_is_one(name):
    """
    The schemas are JSON Schema themselves.
    """
    Draft202012Validator.check_schema(constants.schema(name).schema)


def test_the_constants_follow_their_schema():
    """
    spec.json has each constant that programs count on, and no misspelt one.
    """
    constants.schema("spec").validate(constants.SPEC)


def test_the_cases_follow_their_schema():
    """
    The cases that other languages load have one form.
    """
    constants.schema("cases").validate(constants.cases())
