"""
Where a name and a value begin and end in the text of a program, of settings or of a message.

Quotes may be escaped: a notebook is JSON that contains programs, and JSON often contains JSON.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lab_workbook.protocol import _spec

_NAME: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-"
_LONGEST: Final = _spec.SECRET_VALUE_MAX
_MOST_BEFORE: Final = 120
# `re` compiles each pattern when it is first needed, and keeps it.
_QUOTE: Final = r"""[bBrRuUfF]{0,2}(\\*)(["'`])"""
_WRAPPER: Final = r"([0-9A-Za-z_.]+)\("
_BARE: Final = r"""[^ \t\r\n\v\f"'`()\[\]{}<>,;\\]+"""
_NEXT_FIELD: Final = r"&[0-9A-Za-z_.%-]*="


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


def name_span(text: str, at: int, floor: int) -> Span:
    """
    Return the name around a place; an empty one at the end of what is too long for a name.

    It does not begin before ``floor``.
    """
    before = text[max(floor, at - _MOST_BEFORE) : at]
    start = at - (len(before) - len(before.rstrip(_NAME)))
    after = text[at : at + _spec.SECRET_NAME_MAX + 1]
    end = at + (len(after) - len(after.lstrip(_NAME)))
    if end - at > _spec.SECRET_NAME_MAX or at - start == _MOST_BEFORE:
        return Span(end, end)
    # The line of a text within a text may begin here, after the two characters of an escape.
    if text[start - 1 : start] == "\\" and text[start] in "nrt" and start < at:
        start += 1
    return Span(start, end)


def quoted_span(text: str, at: int) -> Span | None:
    """Return what is in the quotes that begin at a place, also behind ``b`` or ``SecretStr(``."""
    window = text[at : at + _LONGEST + 80]
    wrapper = re.match(_WRAPPER, window)
    if wrapper and wrapper[1] in _spec.SECRET_WRAPPERS:
        return quoted_span(text, at + wrapper.end())
    if window.startswith("[["):
        return _closed(text, at + 2, "]]")
    opening = re.match(_QUOTE, window)
    if not opening:
        return None
    start, slashes, quote = at + opening.end(), len(opening[1]), opening[2]
    token = opening[1] + quote
    if text.startswith(token * 2, start):
        start += 2 * len(token)
        margin = text[start : start + 80]
        return _closed(
            text, start + len(margin) - len(margin.lstrip(" \t\r\n")), token if slashes else quote * 3
        )
    return _escaped(text, start, slashes, quote)


def _closed(text: str, start: int, closing: str) -> Span | None:
    """Return the line that begins here, up to a closing text that it may have."""
    line = text[start : start + _LONGEST].partition("\n")[0]
    if line.startswith(_spec.SECRET_MARK):
        # Its bracket is not the first one of `]]`.
        return None
    value = line.partition(closing)[0].rstrip(" \t\r")
    return Span(start, start + len(value)) if value else None


def _escaped(text: str, start: int, slashes: int, quote: str) -> Span | None:
    """Return what goes up to a quote that is escaped as often as the opening one."""
    window = text[start : start + _LONGEST]
    at = window.find(quote)
    while at >= 0:
        inside = window[:at]
        count = at - len(inside.rstrip("\\"))
        if count <= slashes if slashes else count % 2 == 0:
            value = inside[: at - count] if slashes else inside
            return Span(start, start + len(value)) if value and "\n" not in value else None
        at = window.find(quote, at + 1)
    return None


def tag_span(text: str, at: int) -> Span | None:
    """Return what is between the tags of XML."""
    end = text.find("<", at + 1, at + _LONGEST)
    return Span(at, end) if end >= 0 else None


def second_of_pair(text: str, at: int) -> Span | None:
    """Return the second text of ``("user", "password")``."""
    first = quoted_span(text, at + 1) if text.startswith("(", at) else None
    comma = re.match(r"""\\*["'][ \t]*,[ \t]*""", text[first.end : first.end + 20]) if first else None
    return quoted_span(text, first.end + comma.end()) if first and comma else None


def bare_span(text: str, at: int) -> Span | None:
    """Return the value without quotes that begins here, behind ``Bearer`` or the like; None for a call."""
    window = text[at : at + _LONGEST + 1]
    scheme, space, _ = window.partition(" ")
    if space and scheme in _spec.SECRET_SCHEMES:
        at += len(scheme) + 1
        window = text[at : at + _LONGEST + 1]
    run = re.match(_BARE, window)
    if not run or run.end() > _LONGEST or window[run.end() : run.end() + 1] in ("(", "[", "{"):
        return None
    field = re.search(_NEXT_FIELD, run[0])
    value = (run[0][: field.start()] if field else run[0]).rstrip(".:")
    return Span(at, at + len(value)) if value else None


def front_word(text: str, start: int) -> str:
    """Return the word before a place, if only spaces are between them."""
    before = text[max(0, start - 40) : start]
    stripped = before.rstrip(" \t")
    if stripped == before:
        return ""
    found = re.search(r"""[^ \t\n"'=;]*$""", stripped)
    return found[0] if found else ""
