"""Tags: fresh ones, and those that callers choose."""

import os
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import InvalidTag
from lab_workbook.protocol import _spec, names, tags


def test_a_fresh_tag_is_a_utc_minute_and_ten_characters(monkeypatch):
    """
    Whatever the time zone of the machine.
    """
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        before = time.time()
        tag = tags.new()
        after = time.time()
    finally:
        monkeypatch.undo()
        time.tzset()

    assert re.fullmatch(_spec.TAG_PATTERN, tag)
    minutes = {time.strftime("%Y%m%d%H%M", time.gmtime(moment)) for moment in (before, after)}
    assert tag[:12] in minutes


def test_fresh_tags_differ():
    """
    Also within a minute, and with the same seed.
    """
    assert len({tags.new() for _ in range(10_000)}) == 10_000


def test_no_character_is_likelier_than_another(monkeypatch):
    """
    Of all bytes that the system's random source gives, as many become each character.
    """
    monkeypatch.setattr(os, "urandom", lambda _: bytes(range(256)))

    text = tags.random_text(248)

    assert all(text.count(character) == 4 for character in _spec.TAG_ALPHABET)


def test_without_a_random_source_there_is_no_tag(monkeypatch):
    """
    A weak tag would be worse than none.
    """

    def none(_):
        raise NotImplementedError

    monkeypatch.setattr(os, "urandom", none)

    with pytest.raises(NotImplementedError):
        tags.new()


@pytest.mark.parametrize("tag", ["baseline", "run 7", "höher", "201602122149-PMJ8a76csB", "x" * 128, "v1.2"])
def test_a_chosen_tag_is_kept_as_it_is(tag):
    """
    Any valid part of a name will do.
    """
    assert tags.check(tag) == tag


@given(st.text())
def test_every_accepted_tag_is_one_valid_part_of_a_name(tag):
    """
    Whatever was tried.
    """
    try:
        taken = tags.check(tag)
    except InvalidTag:
        return

    assert names.check(taken) == tag
    assert "/" not in tag


@pytest.mark.parametrize("tag", ["", "a/b", "../a", ".", "x" * 129, "é" * 65, "a\tb", None, 2016])
def test_tags_that_cannot_be_folders_are_refused(tag):
    """
    The message has the tag in it.
    """
    with pytest.raises(InvalidTag, match=re.escape(repr(tag)[:70])) as refused:
        tags.check(tag)

    assert refused.value.rule == "tag.explicit"
