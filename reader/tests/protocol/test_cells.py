"""Cells: one value, one spelling, and the same value back."""

import datetime as dt
import decimal
import enum
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import cells

INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def spell():
    """The cell of a value, where nothing may need mending."""

    def refuse(kind):
        raise AssertionError(f"reported {kind}")

    formats = cells.Formats(refuse)
    return lambda value: formats[type(value)](value)


def mend(value):
    """The cell of a value, and what was reported."""
    reports = []
    formats = cells.Formats(reports.append)
    return formats[type(value)](value), reports


@given(value=st.floats(allow_nan=False))
def test_a_float_reads_back_exactly(spell, value):
    """
    Its sign too, and never as an integer.
    """
    cell = spell(value)

    assert float(cell) == value
    assert math.copysign(1, float(cell)) == math.copysign(1, value)
    assert math.isinf(value) or any(mark in cell for mark in ".e")
    assert math.isinf(value) or len(decimal.Decimal(cell).normalize().as_tuple().digits) <= 17


@given(value=INT64)
def test_an_integer_is_its_digits(spell, value):
    """
    No dot, no exponent.
    """
    assert spell(value) == str(value)


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_text_is_quoted_and_whole(spell, value):
    """
    Whatever it looks like.
    """
    cell = spell(value)

    assert (cell[0], cell[-1]) == ('"', '"')
    assert cell[1:-1].replace('""', '"') == value
    assert '"' not in cell[1:-1].replace('""', "")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "nil"),
        (True, "true"),
        (False, "false"),
        (math.nan, "nan"),
        (-math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        ("", '""'),
        ("007", '"007"'),
        ("nil", '"nil"'),
        ('say "hi"', '"say ""hi"""'),
        (np.float32(0.1), "0.10000000149011612"),
        (np.float16(0.5), "0.5"),
        (np.int8(-5), "-5"),
        (np.bool_(False), "false"),
        (np.array([[7]]), "7"),
        (np.str_("x"), '"x"'),
        (enum.IntEnum("Phase", ["TRAIN"]).TRAIN, "1"),
    ],
)
def test_special_values_have_one_spelling(spell, value, cell):
    """
    As the rules of the series list them.
    """
    assert spell(value) == cell


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        1j,
        [1],
        {},
        object(),
        np.zeros(2),
        np.zeros(0),
        np.complex64(1),
        np.longdouble(1),
        np.datetime64("2016-02-12"),
        np.timedelta64(5, "ns"),
        dt.date(2016, 2, 12),
        decimal.Decimal("0.1"),
    ],
)
def test_a_value_without_a_rule_is_refused_by_its_type(spell, value):
    """
    The first time, and every time after it.
    """
    for _ in range(2):
        with pytest.raises(InvalidValue, match=type(value).__name__) as refused:
            spell(value)
        assert refused.value.rule == "series.value"


@pytest.mark.parametrize(
    ("value", "cell", "reports"),
    [
        (2**63, "9.223372036854776e+18", ["integers"]),
        (-(2**63) - 1, "-9.223372036854776e+18", ["integers"]),
        (10**400, "inf", ["integers"]),
        (-(10**400), "-inf", ["integers"]),
        (np.uint64(2**63), "9.223372036854776e+18", ["integers"]),
        ("a\0b", '"a\ufffdb"', ["texts"]),
        ("caf\udce9", '"caf\ufffd"', ["texts"]),
    ],
)
def test_faults_of_the_data_are_mended_and_reported(value, cell, reports):
    """
    Once for each cell.
    """
    assert mend(value) == (cell, reports)


@given(st.text())
def test_a_mended_text_can_be_written(text):
    """
    And it is reported exactly when something was mended.
    """
    cell, reports = mend(text)

    assert cell.encode().decode() == cell
    assert "\0" not in cell
    assert (cell[1:-1].replace('""', '"') != text) == (reports == ["texts"])


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("epoch", "epoch"),
        ("training loss (%)", "training loss (%)"),
        ("a,b", '"a,b"'),
        ('a"b', '"a""b"'),
        ("a\rb", '"a\rb"'),
        (" a", '" a"'),
        ("a\u00a0", '"a\u00a0"'),
        ("\ufeffa", '"\ufeffa"'),
        ("a\ufeff", "a\ufeff"),
    ],
)
def test_a_field_is_quoted_only_where_it_must_be(field, cell):
    """
    Old readers and people see plain names as they are.
    """
    assert cells.field_name(field) == cell
