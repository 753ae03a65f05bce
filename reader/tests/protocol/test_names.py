"""Names of artifacts: what may be written, what may become a path, and what collides."""

import contextlib
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import InvalidName
from lab_workbook.protocol import names

parts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\"), min_size=1, max_size=60
)
valid = st.lists(
    parts.filter(lambda part: part == part.strip(" ") and not part.endswith(".")), min_size=1, max_size=2
).map("/".join)


@given(valid)
def test_ordinary_names_are_kept_as_they_are(name):
    """
    In any alphabet.
    """
    assert names.check(name) == name


@given(st.text(st.sampled_from("a./\\ \x00\x7f\x85é\udc80"), max_size=12))
def test_what_is_accepted_is_one_path_inside_the_folder(name):
    """
    On every system, however the name was put together.
    """
    try:
        names.check(name)
    except InvalidName:
        return

    assert names.is_safe_path(name)
    assert os.path.normpath(os.path.join("/home", name)) == f"/home/{name}"


@given(st.text(st.sampled_from("a./\\ \x00\x85"), max_size=12))
def test_a_safe_path_never_leaves_its_folder(name):
    """
    This is asked of strangers' names, which need not be valid in all else.
    """
    if names.is_safe_path(name):
        assert os.path.normpath(os.path.join("/home", name)).startswith("/home/")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("\udc80", "name.utf8"),
        (b"bytes", "name.utf8"),
        (None, "name.utf8"),
        ("", "name.parts"),
        (".", "name.parts"),
        ("a/../b", "name.parts"),
        ("a//b", "name.parts"),
        ("/a", "name.parts"),
        ("a/", "name.parts"),
        ("a\x1fb", "name.characters"),
        ("a\x9fb", "name.characters"),
        ("a\\b", "name.characters"),
        ("a /b", "name.edges"),
        (" a", "name.edges"),
        ("a.", "name.edges"),
        ("é" * 128, "name.length"),
        ("/".join(["x" * 250] * 2), "name.length"),
        (".lab-workbook/x", "name.reserved"),
        (".Lab-Workbook", "name.reserved"),
    ],
)
def test_each_rule_refuses_with_its_id(name, rule):
    """
    And says the name, or the beginning of a long one.
    """
    with pytest.raises(InvalidName) as refused:
        names.check(name)

    assert refused.value.rule == rule
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    "name", ["x" * 255, "/".join(["x" * 249, "y" * 250]), ".lab-workbooks", ".hidden", "a..b"]
)
def test_names_at_the_limits_are_names(name):
    """
    What a rule does not forbid is allowed.
    """
    assert names.check(name) == name


def test_a_register_takes_a_name_again():
    """
    Saving again replaces.
    """
    register = names.Register()

    register.add("train/loss.csv")
    register.add("train/loss.csv")


@pytest.mark.parametrize(
    ("first", "second"),
    [("loss", "Loss"), ("a/b", "A/b"), ("a", "a/b"), ("a/b", "a"), ("A", "a/b"), ("a/b/c", "A/B")],
)
def test_names_that_cannot_lie_side_by_side_are_both_in_the_message(first, second):
    """
    So that the user knows which to rename.
    """
    register = names.Register()
    register.add(first)

    with pytest.raises(InvalidName, match=re.escape(repr(first))) as refused:
        register.add(second)

    assert refused.value.rule == "name.unique"
    assert repr(second) in str(refused.value)


def test_letters_of_other_alphabets_are_not_folded():
    """
    File systems disagree about them, so only ASCII counts.
    """
    register = names.Register()

    register.add("höhe")
    register.add("hÖhe")


@given(st.lists(st.sampled_from(["a", "A", "b", "a/b", "A/b", "a/b/c", "B/a", "b/A"]), max_size=8))
def test_what_a_register_takes_fits_a_disk_without_letter_case(added):
    """
    A refused name leaves no trace.
    """
    register, taken = names.Register(), set()
    for name in added:
        with contextlib.suppress(InvalidName):
            register.add(name)
            taken.add(name)

    folded = sorted(name.lower() for name in taken)
    assert len(set(folded)) == len(folded)
    assert not any(second.startswith(first + "/") for first in folded for second in folded)
