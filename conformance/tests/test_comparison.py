"""
Two values are the same exactly where nobody can tell them apart, and a difference is found wherever it is.
"""

import copy
import math
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lab_workbook_conformance import jsontext, series
from lab_workbook_conformance.comparison import first_difference, is_same, is_same_number
from lab_workbook_conformance.levels import given as of_readers

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, True, False, math.nan, None, "", "nan", "0", 2**53, 2**53 + 1]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def fingerprint(value):
    """A second definition of sameness: the type and the bits of each part."""
    if isinstance(value, list):
        return ("list", *map(fingerprint, value))
    if isinstance(value, dict):
        return ("dict", *sorted((key, fingerprint(item)) for key, item in value.items()))
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack(">d", value).hex())
    return (type(value).__name__, repr(value))


@given(VALUES, VALUES)
def test_values_are_the_same_where_their_types_and_bits_are(one, other):
    assert is_same(one, other) == (fingerprint(one) == fingerprint(other))


@given(VALUES)
def test_a_value_is_the_same_as_its_copy(value):
    assert first_difference(value, copy.deepcopy(value)) is None
    assert is_same(value, copy.deepcopy(value), integers=False)


@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_the_difference_is_found_where_it_is(values, data):
    """
    One part is exchanged for another, and the path leads to it or into it.
    """
    at = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(SCALARS)
    assume(not is_same(values[at], other))

    found = first_difference({"a": values}, {"a": [*values[:at], other, *values[at + 1 :]]})

    assert found.path == ("a", at)
    assert fingerprint(found.given) == fingerprint(other)


@given(
    st.one_of(st.integers(-(2**53), 2**53), st.floats()), st.one_of(st.integers(-(2**53), 2**53), st.floats())
)
def test_without_integers_numbers_are_the_same_where_their_doubles_are(one, other):
    same = fingerprint(float(one)) == fingerprint(float(other))

    assert is_same(one, other, integers=False) == same
    assert is_same_number(one, other) == same


@pytest.mark.parametrize(
    ("right", "said", "with_integers", "without"),
    [
        (math.nan, None, False, False),
        (None, math.nan, False, False),
        (0.0, -0.0, False, False),
        (0, -0.0, False, False),
        (0, False, False, False),
        (1, True, False, False),
        (1, 1.0, False, True),
        (2**53 + 1, 2.0**53, False, True),
        (2**53 + 1, 2**53 + 2, False, False),
        (2**63, 2**63, True, True),
        (10**400, math.inf, False, True),
        ("1", 1, False, False),
        ([], {}, False, False),
    ],
)
def test_the_likes_that_were_taken_for_one_another(right, said, with_integers, without):
    assert is_same(right, said) is with_integers
    assert is_same(right, said, integers=False) is without


def test_a_difference_says_where_and_which_types():
    found = first_difference({"a": [1, {"b": None}]}, {"a": [1, {"b": math.nan}]})

    assert str(found) == "['a'][1]['b'] is the float nan, not null"


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize(
    ("value", "cell", "text", "rule"),
    [
        (0.0, "-0.0", b"-0.0", "series.special"),
        (-0.0, "0.0", b"0", "series.special"),
        (math.nan, "nil", b"null", "series.special"),
        (None, "nan", b'"NaN"', "series.special"),
        (1, "true", b"true", "series.integer"),
        (True, "1", b"1", "series.special"),
    ],
)
def test_cells_and_json_that_look_alike_are_told_apart(integers, value, cell, text, rule):
    """
    In a language without integers as well.
    """
    assert rule in series.broken_by(value, cell, integers=integers) or rule == "series.integer"
    assert series.broken_by(value, cell, integers=integers)
    assert jsontext.broken_by(value, text, integers=integers)


def test_only_a_column_of_floats_may_spell_missing_as_not_a_number():
    right = [["i", "f", "n", "t"], [1, 0.5, None, "x"], [None, None, None, None], [2, math.nan, None, "y"]]
    said = [["i", "f", "n", "t"], [1, 0.5, math.nan, "x"], [math.nan] * 4, [2, math.nan, math.nan, "y"]]

    found = of_readers.with_holes(right, said)

    assert found[2][1:3] == [None, None]
    assert math.isnan(found[2][0])
    assert math.isnan(found[2][3])
    assert first_difference(right[3], found[3]) is None
