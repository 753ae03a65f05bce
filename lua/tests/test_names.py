"""Names: the rules of the Python writer, word for word."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook.errors import InvalidName
from lab_workbook.protocol import names

PARTS = st.sampled_from(
    ["", ".", "..", "a", "A", " a", "a ", "a.", ".lab-workbook", ".LAB-workbook", "é", "a\\b", "\x1f", "\x7f",
     "\x85", "\u2028", "x" * 255, "x" * 256, "é" * 128, "ordinary name.csv"]
)  # fmt: skip
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join) | st.text()


def said_by(error):
    """Return a Lua error as Python would say it; lupa adds a traceback."""
    return str(error).split("\nstack traceback")[0].removeprefix("lab-workbook: ")


@given(name=NAMES)
@example("a/" * 249 + "ab")
@example("a/" * 249 + "abc")
def test_a_name_is_refused_for_the_same_rule_as_in_python(lua, name):
    """
    Or accepted by both.
    """
    try:
        names.check(name)
        expected = None
    except InvalidName as error:
        expected = error.rule

    fault = lua.eval("require('lab-workbook.names').fault")(name.encode())

    assert (fault and fault[1].decode()) == expected


@pytest.mark.parametrize("name", ["../x", "/x", "", "a\tb", "a b ", ".lab-workbook/x", "x" * 300, "it's"])
def test_the_message_is_the_same_as_in_python(lua, name):
    """
    For all names but those with letters that the two languages show differently.
    """
    try:
        expected = names.check(name)
    except InvalidName as error:
        expected = str(error)

    try:
        said = lua.eval("require('lab-workbook.names').check")(name.encode()).decode()
    except lua.error as error:
        said = said_by(error)

    assert said == expected


def test_invalid_utf8_is_refused(lua):
    """
    A name goes into JSON and into object keys.
    """
    assert lua.eval("require('lab-workbook.names').fault")(b"caf\xe9")[1] == b"name.utf8"


@given(chosen=st.lists(st.sampled_from(["a", "A", "a/b", "A/c", "a/b/c", "b", "a/B", "é", "É"]), max_size=6))
def test_names_collide_as_in_python(lua, chosen):
    """
    Letter case, and a file where a folder should be; both names are in the message.
    """
    theirs, register = names.Register(), lua.eval("require('lab-workbook.names').register()")
    for name in chosen:
        try:
            theirs.add(name)
            expected = None
        except InvalidName as error:
            expected = str(error)

        try:
            register.add(register, name.encode())
            said = None
        except lua.error as error:
            said = said_by(error)

        # Which of several others is named may differ.
        assert (said is None) == (expected is None)
        assert said is None or said.split(" and ")[0] == expected.split(" and ")[0]
