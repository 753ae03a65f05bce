"""JSON artifacts: strict, exact, and the same for every reader."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import jsontext

texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=30,
)


def refuse(kind):
    raise AssertionError(f"reported {kind}")


def no_constant(name):
    raise AssertionError(f"{name} is not strict JSON")


@given(values)
def test_a_value_reads_back_exactly(value):
    """
    By a strict reader, with the types of its numbers.
    """
    data = jsontext.encode(value, refuse)

    assert json.loads(data.decode(), parse_constant=no_constant) == value
    assert jsontext.decode(data) == value
    assert repr(jsontext.decode(data)) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, '"NaN"'),
        (math.inf, '"Infinity"'),
        (-math.inf, '"-Infinity"'),
        (-0.0, "-0.0"),
        ((1, (2,)), "[1, [2]]"),
        ({3: "a", None: "b", False: "c", 1.5: "d"}, '{"3": "a", "null": "b", "false": "c", "1.5": "d"}'),
        (np.float64(0.1), "0.1"),
        ({"n": np.int32(3), "t": np.array(True)}, '{"n": 3, "t": true}'),
        ("\0\x7f", '"\\u0000\x7f"'),
        ("höher", '"höher"'),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_special_values_have_one_spelling(value, text):
    """
    Keys that are no texts are written as the standard library does.
    """
    assert jsontext.encode(value, refuse).decode() == text


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (object(), "json.value"),
        ({"f": print}, "json.value"),
        ([b"x"], "json.value"),
        ({1, 2}, "json.value"),
        (np.zeros(3), "json.value"),
        ({1: "a", "1": "b"}, "json.keys"),
        ({"null": 1, None: 2}, "json.keys"),
        ({(1, 2): 3}, "json.keys"),
        ({b"x": 1}, "json.keys"),
    ],
)
def test_a_value_without_a_rule_is_refused(value, rule):
    """
    With the id of the rule.
    """
    with pytest.raises(InvalidValue) as refused:
        jsontext.encode(value, refuse)

    assert refused.value.rule == rule


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def test_512_levels_are_the_limit():
    """
    And a cycle is deeper than any limit.
    """
    assert jsontext.decode(jsontext.encode(nested(512), refuse)) == nested(512)
    cycle = []
    cycle.append(cycle)
    for value in (nested(513), cycle, {"a": cycle}):
        with pytest.raises(InvalidValue, match=r"json\.depth"):
            jsontext.encode(value, refuse)


def test_the_value_of_the_caller_is_left_alone():
    """
    What is written is a copy.
    """
    value = {"a": [math.nan, (1, 2)]}

    jsontext.encode(value, refuse)

    assert repr(value) == "{'a': [nan, (1, 2)]}"


@given(st.text(), st.text())
def test_half_characters_are_mended_and_reported(key, text):
    """
    What can be written as it is, is.
    """
    reports = []

    ((back_key, back_text),) = jsontext.decode(jsontext.encode({key: text}, reports.append)).items()

    assert set(reports) <= {"texts"}
    assert len(reports) == (back_key != key) + (back_text != text)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf1", b"NaN", b"[Infinity]", b'{"a": 1, "a": 2}'])
def test_json_of_others_is_read_as_it_is(data):
    """
    A byte order mark, Python's bare constants, keys that are there twice.
    """
    jsontext.decode(data)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"nil", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_a_value_error(data):
    """
    Nothing else comes out, however deep or long it is.
    """
    with pytest.raises(ValueError):  # noqa: PT011 - every text of the standard library will do
        jsontext.decode(data)


def test_another_type_is_what_it_is_converted_to():
    """
    A few times over, and whatever nobody can convert is refused.
    """

    def convert(value):
        return {
            complex: lambda: {"re": value.real},
            bytes: lambda: bytearray(value),
            bytearray: lambda: 7,
        }.get(type(value), lambda: value)()

    assert jsontext.encode([1j, b"x", "x"], refuse, convert) == b'[{"re": 0.0}, 7, "x"]'
    with pytest.raises(InvalidValue, match=r"json\.value"):
        jsontext.encode([object()], refuse, convert)
    with pytest.raises(InvalidValue, match=r"json\.value"):
        jsontext.encode(1j, refuse, lambda value: value * 2)
