"""Which texts are numbers again, and come back as the texts that they were."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook_writer.importers.numerals import number, typed


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_what_python_has_written_is_the_value_again(value):
    again = typed(str(value))

    assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["007", "1e3", "0.10", "nan", "inf", "-inf", " 1", "1_000", "٣", "", "None", "true"]
)
def test_all_else_stays_text(text):
    """
    It may be a name, and has to come back as it was.
    """
    assert typed(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 5.0000e-01", 0.5),
        ("3", 3),
        ("inf", math.inf),
        ("1_000", None),
        ("٣", None),
        ("x", None),
        ("", None),
    ],
)
def test_a_measured_number_may_be_spelled_in_any_way(text, value):
    assert number(text) == value
    assert type(number(text)) is type(value)
