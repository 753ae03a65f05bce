"""
The examples in SPEC.md are right: judges find nothing wrong in what must be accepted, and in what
must be refused they find the very rule that the example is there to show.
"""

import io

import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from lab_workbook_conformance import constants, judges, notation, series

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


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["subject"] == "csv" and case["expect"] == "accept"],
    ids=name_of,
)
def test_the_call_of_the_old_reader_loads_a_right_series(case):
    """
    The one line with which the reader of 2016 reads a series works for whatever the spec allows.
    """
    data = notation.to_bytes(case["text"])

    table = pd.read_csv(io.BytesIO(data), index_col=0, parse_dates=["Date"], na_values=["nil"])

    assert len(table) == len(series.raw_rows(data)) - 1
    assert table.empty or table.Date.notna().all()
    assert table.empty or str(table.Date.dt.tz) == "UTC"


@pytest.mark.parametrize("name", ["begin", "end", "heartbeat", "note", "cases", "spec"])
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
