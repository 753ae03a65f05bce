"""JSON: strict, exact, and made of tables as lua-cjson made it."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

ENCODE = "function(value) return require('lab-workbook.json').encode(value, function() end) end"


def values():
    """Values that a Lua table can hold, without holes in its arrays."""
    scalars = (
        st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
    )
    return st.recursive(
        scalars, lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner), max_leaves=20
    )


def in_lua(lua, value):
    """Return a value as Lua holds it."""
    if isinstance(value, dict):
        table = lua.eval("{}")
        for key, item in value.items():
            table[key.encode()] = in_lua(lua, item)
        return table
    if isinstance(value, list):
        table = lua.eval("{}")
        for index, item in enumerate(value, 1):
            table[index] = in_lua(lua, item)
        return table
    return value.encode() if isinstance(value, str) else value


@given(value=values())
@example({"": [0.1, -0.0, 1e300, "\0\x7f\u2028/", {}]})
def test_a_value_comes_back_as_it_went(lua, value):
    """
    Python's strict reader finds equal values; only Lua 5.3 and later know 1.0 from 1.
    """
    text = lua.eval(ENCODE)(in_lua(lua, value)).decode()

    assert json.loads(text, parse_constant=pytest.fail) == value


@given(keys=st.lists(st.text(), unique=True))
def test_keys_are_sorted_by_their_bytes(lua, keys):
    """
    So the same table gives the same bytes in every run.
    """
    text = lua.eval(ENCODE)(in_lua(lua, dict.fromkeys(keys, True))).decode()

    assert [key for key, _ in json.loads(text, object_pairs_hook=list)] == sorted(keys, key=str.encode)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{}", "{}"),
        ("require('lab-workbook').emptyArray", "[]"),
        ("require('lab-workbook').null", "null"),
        ("nil", "null"),
        ("{1, nil, nil, 4}", "[1, null, null, 4]"),
        ("{[1] = 1, [3] = 3}", "[1, null, 3]"),
        ("{1, 2, x = 3}", '{"1": 1, "2": 2, "x": 3}'),
        ("{[0] = 1}", '{"0": 1}'),
        ("{[1.5] = 1}", '{"1.5": 1}'),
        ("{[-1] = 1}", '{"-1": 1}'),
        ("{[1] = 1, [1000] = 2}", '{"1": 1, "1000": 2}'),
        ("{0/0, 1/0, -1/0}", '["NaN", "Infinity", "-Infinity"]'),
        (r"'a/b\1\127\0'", '"a/b\\u0001\x7f\\u0000"'),
    ],
)
def test_tables_become_what_the_ancestor_made_of_them(lua, value, expected):
    """
    And what it refused, a very sparse table, becomes an object.
    """
    assert lua.eval(ENCODE)(lua.eval(value)).decode() == expected


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("print", "json.value"),
        ("{io.stdout}", "json.value"),
        ("{[true] = 1}", "json.keys"),
        ("{['1'] = 'a', [1] = 'b', x = 1}", "json.keys"),
        ("(function() local t = {} t.t = t return t end)()", "json.depth"),
        ("(function() local t = {} for i = 1, 512 do t = {t} end return t end)()", "json.depth"),
    ],
)
def test_what_has_no_rule_is_refused(lua, value, rule):
    """
    At once, and with the id of the rule.
    """
    with pytest.raises(lua.error, match=rf"rule {rule}"):
        lua.eval(ENCODE)(lua.eval(value))


def test_512_levels_are_allowed(lua):
    """
    The limit of the rule json.depth itself.
    """
    deep = lua.eval("(function() local t = {1} for i = 1, 511 do t = {t} end return t end)()")

    assert lua.eval(ENCODE)(deep).decode() == "[" * 512 + "1" + "]" * 512


def test_integers_of_lua_53_keep_their_64_bits(lua):
    """
    The ancestor kept 14 digits.
    """
    if not lua.has_integers:
        pytest.skip("this Lua has only doubles")

    assert lua.eval(ENCODE)(lua.eval("{math.maxinteger, 1, 1.0}")) == b"[9223372036854775807, 1, 1.0]"


def test_the_null_of_lua_cjson_is_null(run):
    """
    Where the machine has lua-cjson: its null is a NULL pointer.
    """
    done = run(
        "local found, cjson = pcall(require, 'cjson') if found then w:saveJSON('n', {a = cjson.null})"
        " print(io.open(w.where:sub(8) .. 'n.json'):read('*a')) else print('skipped') end"
    )

    if "skipped" in done.stdout:
        pytest.skip("no lua-cjson for this Lua")
    assert '{"a": null}' in done.stdout


def test_the_text_of_an_invalid_string_is_mended_and_counted(lua):
    """
    NUL has a spelling in JSON and stays.
    """
    kinds = []

    text = lua.eval("require('lab-workbook.json').encode")(b"a\xff\0", kinds.append)

    assert (json.loads(text), kinds) == ("a\ufffd\0", [b"texts"])


def test_numbers_that_are_not_finite_are_texts_also_as_keys(lua):
    """
    A key is a text anyway.
    """
    table = lua.eval("{}")
    table[math.inf] = 1

    assert lua.eval(ENCODE)(table) == b'{"Infinity": 1}'
