"""
No secret of the corpus is left in a text, no innocent line is changed, and both languages give the same.
"""

import random

import pytest
from lab_workbook.protocol import _spec, redaction, secret_assignments

from tests.secrets import planted
from tests.secrets.test_corpus import RUNTIMES, Lua, Python

MARK = _spec.SECRET_MARK


@pytest.fixture(scope="module", params=("python", *RUNTIMES))
def writer(request):
    """The functions of a writer."""
    return Python() if request.param == "python" else Lua(request.param)


def test_the_corpora_are_as_large_as_promised():
    """
    Each of the planted texts contains its secret.
    """
    texts = list(planted.planted())

    assert len({each.kind for each in texts}) == len(texts) >= 200
    assert [each.kind for each in texts if each.secret not in each.text] == []
    assert len(planted.innocent_lines()) + len(planted.innocent_parameters()) >= 300


def test_no_planted_secret_is_left(writer):
    """
    Wherever the text is: alone, in the middle of a line, in a JSON text, after other lines.
    """
    left = {
        (each.kind, place)
        for each in planted.planted()
        for place, text in planted.places(each.text)
        if each.secret in writer.text(text)[0]
    }

    assert left == set()


def test_what_is_redacted_once_is_not_redacted_again(writer):
    """
    A second time, as when a run is imported that was recorded by us.
    """
    first = [writer.text(text)[0] for each in planted.planted() for _, text in planted.places(each.text)]

    assert [text for text in first if writer.text(text) != (text, 0)] == []


def test_no_innocent_line_is_changed(writer):
    """
    A patch in which a name was redacted would not restore the program.
    """
    changed = [line for line in planted.innocent_lines() if writer.text(line) != (line, 0)]
    whole = "\n".join(planted.innocent_lines())

    assert changed == []
    assert writer.text(whole) == (whole, 0)


def test_no_innocent_parameter_is_changed(writer):
    """
    A parameter that is redacted is lost.
    """
    values = planted.innocent_parameters()

    assert [value for value in values if writer.value(value, []) != (value, 0)] == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_both_languages_give_the_same_on_every_line(runtime):
    """
    Also on pieces of the lines, put together at random, in ASCII and beyond.
    """
    lua = Lua(runtime)
    lines = [each.text for each in planted.planted()] + planted.innocent_lines()

    assert [line for line in lines if lua.text(line) != redaction.redacted_text(line)] == []
    mixed = list(planted.mixtures(lines, random.Random(1), 3000))
    assert [text for text in mixed if lua.text(text) != redaction.redacted_text(text)] == []


class Counted(str):
    """A text that counts the characters of the windows that are cut out of it."""

    looked_at = 0
    __slots__ = ()

    def __getitem__(self, key):
        window = super().__getitem__(key)
        Counted.looked_at += len(window)
        return window


HOSTILE = [
    "token",
    "key=",
    "password='",
    'api_key="',
    "secret\\",
    "pass(",
    "TOKEN=a&",
    "auth=(",
    "login(",
    "key\n",
    "-key ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_windows_of_twice_the_text_are_twice_as_many(piece):
    """
    No name makes the search look at more than a bounded part of the text.
    """
    work = []
    for size in (20_000, 40_000):
        Counted.looked_at = 0
        secret_assignments.cut_named(Counted(piece * (size // len(piece))))
        work.append(Counted.looked_at)

    assert work[1] <= 2.1 * work[0] + 5000
