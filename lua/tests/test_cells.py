"""Cells: one value, one spelling, the same as the Python writer's."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook.protocol import cells

RECORD = """
(function()
   local kinds = {}
   local formats = require('lab-workbook.cells').formats(function(kind) kinds[#kinds + 1] = kind end)
   return function(value)
      kinds = {}
      require('lab-workbook.numbers').refresh()
      return formats[type(value)](value), table.concat(kinds, ' ')
   end
end)()
"""


@given(text=st.text())
@example("nil")
@example('say "no"\r\n')
def test_text_is_quoted_as_python_quotes_it(lua, text):
    """
    Quotes are doubled, NUL becomes U+FFFD, all else stays.
    """
    expected = cells.Formats(report=lambda _kind: None)[str](text)

    cell, kinds = lua.eval(RECORD)(text.encode())

    assert cell.decode() == expected
    assert kinds == (b"texts" if "\0" in text else b"")


@given(data=st.binary())
@example(b"caf\xe9")
@example(b"\xed\xa0\x80")
@example(b"\xf0\x9f\x98")
@example(b"\xc0\x80")
def test_what_is_not_utf8_is_mended_as_python_mends_it(lua, data):
    """
    One U+FFFD for each maximal part of a character, counted once a text.
    """
    expected = data.decode("utf-8", "replace").replace("\0", "\ufffd")

    cell, kinds = lua.eval(RECORD)(data)

    assert cell.decode() == '"' + expected.replace('"', '""') + '"'
    assert kinds == (b"" if expected.encode() == data else b"texts")


def test_other_plain_values_are_bare(lua):
    """
    Booleans and missing values are never quoted.
    """
    record = lua.eval(RECORD)

    assert [record(value)[0] for value in (True, False, None)] == [b"true", b"false", b"nil"]


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        "print",
        "coroutine.create(function() end)",
        "io.stdout",
        "setmetatable({}, {__tostring = tostring})",
    ],
)
def test_a_value_without_a_rule_is_refused(lua, value):
    """
    An object with __tostring too: its text may be an address.
    """
    with pytest.raises(lua.error, match=r"rule series\.value"):
        lua.eval(RECORD)(lua.eval(value))


def test_a_tensor_of_one_element_is_its_number(lua):
    """
    As Torch's methods tell it, at its offset in its storage.
    """
    tensor = lua.eval(
        "function(count) return setmetatable({}, {__index = {nElement = function() return count end,"
        " storage = function() return {7, 0.5} end, storageOffset = function() return 2 end}}) end"
    )

    assert lua.eval(RECORD)(tensor(1))[0] == b"0.5"
    with pytest.raises(lua.error, match=r"rule series\.value"):
        lua.eval(RECORD)(tensor(2))


def test_null_is_a_missing_value(lua):
    """
    A table cannot hold nil, so there is a value that stands for it.
    """
    assert lua.eval(RECORD)(lua.eval("require('lab-workbook').null"))[0] == b"nil"


def test_64_bit_integers_of_luajit_lose_their_suffix(lua):
    """
    Beyond the signed ones the nearest double is written, and counted.
    """
    if not lua.eval("rawget(_G, 'jit') ~= nil"):
        pytest.skip("this Lua has no FFI")
    results = lua.execute(
        f"local record = {RECORD}"
        " local most, least = record(9223372036854775807LL), record(-9223372036854775808LL)"
        " return most, least, record(18446744073709551615ULL)"
    )

    assert results == (
        b"9223372036854775807",
        b"-9223372036854775808",
        b"1.8446744073709552e+19",
        b"integers",
    )


@given(field=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example(" a")
@example("a\t")
@example("\ufeffa")
@example("a,b")
def test_the_header_quotes_as_python_quotes(lua, field):
    """
    A name is quoted only where it must be.
    """
    assert lua.eval("require('lab-workbook.cells').fieldName")(field.encode()).decode() == cells.field_name(
        field
    )
