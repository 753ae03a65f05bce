"""Numbers come back as they went."""

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st


def decimals():
    """Numbers as people write them: up to 15 digits, anywhere around the point."""
    return st.builds(
        lambda digits, exponent: digits * 10.0**exponent, st.integers(1, 10**15), st.integers(-25, 5)
    ).map(lambda number: float(f"{number:.15g}"))


@given(number=st.floats(allow_nan=False, allow_infinity=False) | decimals())
@example(99999999.9999999)
@example(9.99999999999999e14)
@example(2.0**53)
@example(1e15 - 0.125)
@example(5e-324)
@example(1e22)
@example(1234.56789012345)
@example(123456789.123457)
@example(123456789012.345)
@example(1.23456789012345e-7)
def test_a_float_reads_back_to_the_last_bit(lua, number):
    """
    What Lua writes, `float` reads as the same eight bytes, also -0.0.
    """
    text = lua.eval("require('lab-workbook.numbers').text")(number).decode()

    assert struct.pack("d", float(text)) == struct.pack("d", number)


@given(number=st.floats(allow_nan=False, allow_infinity=False) | decimals())
def test_a_float_has_no_more_digits_than_it_needs(lua, number):
    """
    15 significant digits where they read back exactly, else 17.
    """
    text = lua.eval("require('lab-workbook.numbers').text")(number).decode()

    if math.fabs(number) < 2**53 and number.is_integer() and not lua.has_integers:
        assert text in (str(int(number)), "-0.0")
    else:
        short = f"{number:.15g}"
        spelled = short if float(short) == number else f"{number:.17g}"
        assert text == (spelled if any(mark in spelled for mark in ".e") else f"{spelled}.0")


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_an_integer_is_digits_where_the_language_has_integers(lua, number):
    """
    Lua 5.3 and later keep all 64 bits.
    """
    if not lua.has_integers:
        number = number % 2**53

    text = lua.eval("require('lab-workbook.numbers').text")(number).decode()

    assert text == str(number)


def test_the_odd_ones_have_one_spelling(lua):
    """
    PUC Lua itself says -nan on this machine.
    """
    text = lua.eval("require('lab-workbook.numbers').text")

    assert [text(x) for x in (math.nan, -math.nan, math.inf, -math.inf)] == [b"nan", b"nan", b"inf", b"-inf"]


@pytest.mark.parametrize(
    ("text", "number"), [(b"0.5", 0.5), (b"10", 10), (b"1e3", 1000), (b"x", None), (b"0x10", None)]
)
def test_a_setting_is_read_with_a_dot(lua, text, number):
    """
    Whatever the locale calls a decimal point.
    """
    assert lua.eval("require('lab-workbook.numbers').read")(text) == number
