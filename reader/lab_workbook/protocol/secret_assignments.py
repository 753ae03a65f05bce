"""
Secrets in a text that stand beside their names: ``api_key = "…"``, ``DB_PASSWORD=…``, ``--password …``.

The search goes from one name to the next. After a name come a link (a sign, a comma, a space) and a value,
each looked at in a window of bounded length, so the time is linear in the length of the text. The module
`lab-workbook.secretassignments` of the Lua writer takes the same steps.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from lab_workbook.protocol import _spec
from lab_workbook.protocol.secret_names import NONE, STRONG, strength_of_name, words_of_name
from lab_workbook.protocol.secret_spans import (
    Span,
    bare_span,
    front_word,
    name_span,
    quoted_span,
    second_of_pair,
    tag_span,
)
from lab_workbook.protocol.secret_values import could_be_secret, looks_made_up, looks_random

_MARK: Final = _spec.SECRET_MARK
# What is between a name and its value.
_SIGN: Final = "sign"
_PAIR: Final = "pair"
_LIST: Final = "list"
_SPACE: Final = "space"
_TAG: Final = "tag"
_SHORTEST: Final = 4
_SHORTEST_LOGIN: Final = 10


class _Name(NamedTuple):
    text: str
    start: int
    end: int
    strength: int
    front: str


class _Link(NamedTuple):
    kind: str
    sign: str
    # Where the value begins.
    at: int


def cut_named(text: str) -> tuple[str, int]:
    """Cut the values that stand beside the name of a secret."""
    pieces: list[str] = []
    count = copied = done = 0
    lower = text.lower()
    # Most texts have none of these, and a script that starts does not wait for a pattern to be compiled.
    if not any(hint in lower for hint in _spec.SECRET_HINTS):
        return text, 0
    for hint in _pattern("|".join(map(re.escape, _spec.SECRET_HINTS))).finditer(lower):
        if hint.start() < done:
            continue
        start, done = name_span(text, hint.start(), copied)
        span = _secret_after(text, start, done)
        if span is not None:
            pieces += [text[copied : span.start], _MARK]
            copied = done = span.end
            count += 1
    return ("".join([*pieces, text[copied:]]), count) if count else (text, 0)


def _secret_after(text: str, start: int, end: int) -> Span | None:
    name = text[start:end]
    if name.endswith("login") and text.startswith("(", end):
        return _login(text, end + 1)
    strength = strength_of_name(name)
    front = text[start - 1 : start]
    # ${PASSWORD} is a reference.
    if strength == NONE or text[max(0, start - 2) : start] == "${":
        return None
    if name in ("pwd", "Pwd", "PWD") and front == ";":
        strength = STRONG
    return _value_of(text, _Name(name, start, end, strength, front))


def _value_of(text: str, name: _Name) -> Span | None:
    link = _link(text, name)
    if link is None:
        return None
    span = tag_span(text, link.at) if link.kind == _TAG else quoted_span(text, link.at)
    if span is None and words_of_name(name.text).endswith("_auth_"):
        span = second_of_pair(text, link.at)
        name = name._replace(strength=STRONG)
    if span is not None:
        return span if _is_quoted_secret(text, name, link, text[span.start : span.end]) else None
    span = bare_span(text, link.at)
    if span is None or link.kind == _TAG:
        return None
    return span if _is_bare_secret(text, name, link, text[span.start : span.end]) else None


def _link(text: str, name: _Name) -> _Link | None:
    """Return what is between a name and its value, and where the value begins."""
    quote = _match(r"""\\*["'`]""", text, name.end, 16)
    at = name.end + len(quote)
    if quote:
        at += len(_match(r"[ \t]*[\])]+", text, at, 8))
    elif annotation := _match(r"[ \t]*:[ \t]*[A-Za-z_][A-Za-z_.\[\]|, ]*=(?!=)", text, at, 80):
        return _Link(_SIGN, "=", _skip(text, at + len(annotation)))
    if sign := _match(r"[ \t]*(?:[:=]=*>?|!=+|or[ \t]|\|\||\?\?)", text, at, 40):
        return _Link(_SIGN, sign, _skip(text, at + len(sign)))
    if name.front == "<" and text.startswith(">", at):
        return _Link(_TAG, "", at + 1)
    return _pair(text, at) or _loose(text, at, is_quoted=bool(quote))


def _pair(text: str, at: int) -> _Link | None:
    for word in _spec.SECRET_DEFAULTS:
        pattern = rf"""[ \t\r\n,]*\\*n?[ \t]*["'\\]*{word}["'\\]*[ \t]*[:=][ \t]*"""
        if lead := _match(pattern, text, at, 80):
            return _Link(_PAIR, "", at + len(lead))
    return None


def _loose(text: str, at: int, *, is_quoted: bool) -> _Link | None:
    if is_quoted and (comma := _match(r"[ \t]*,[ \t]*", text, at, 20)):
        call = _match(r"[^)\n]*", text, at, 200)
        default = _pattern(r"[^0-9A-Za-z_]default[ \t]*=[ \t]*").search(call)
        return _Link(_PAIR, "", at + default.end()) if default else _Link(_LIST, "", at + len(comma))
    space = _match(r"[ \t]+", text, at, 20)
    return _Link(_SPACE, "", at + len(space)) if space else None


def _is_quoted_secret(text: str, name: _Name, link: _Link, value: str) -> bool:
    if name.strength != STRONG:
        return looks_random(value)
    if len(value) < _SHORTEST or not could_be_secret(name.text, value):
        return False
    is_told = name.text[0] == "-" or link.kind in (_SIGN, _PAIR, _TAG)
    if link.kind == _LIST and not is_told:
        is_told = _caller(text, name.start) in _spec.SECRET_CALLERS
    return is_told or looks_made_up(value) or looks_random(value)


def _is_bare_secret(text: str, name: _Name, link: _Link, value: str) -> bool:
    is_option = name.text[0] == "-"
    if link.kind == _LIST or len(value) < _SHORTEST:
        return False
    is_shell = link.kind == _SPACE and name.strength == STRONG and _is_in_shell(text, name)
    if link.kind == _SPACE and not (is_option or is_shell):
        return False
    if name.strength != STRONG:
        return looks_random(value) and "." not in value
    if not could_be_secret(name.text, value):
        return False
    # Anything else may be a line of a program, whose names are not secrets.
    is_exact = link.sign == "=" and link.at == name.end + 1
    is_upper = name.text == name.text.upper()
    is_told = (
        link.kind == _PAIR
        or is_shell
        or (is_exact and (is_option or is_upper or name.front in ("?", "&", ";")))
    )
    return is_told or looks_made_up(value) or looks_random(value)


def _is_in_shell(text: str, name: _Name) -> bool:
    """Return whether ``NAME VALUE`` follows a command such as ``setenv``, or is in a .netrc."""
    if name.text == "password":
        return "login " in text[max(0, name.start - 60) : name.start]
    return name.text == name.text.upper() and front_word(text, name.start) in _spec.SECRET_SHELLS


def _caller(text: str, start: int) -> str:
    """Return the function whose first argument, in quotes, begins here; an empty text for none."""
    call = _pattern(r"""([A-Za-z_]+)\([ \t]*\\*["'`]-*$""").search(text[max(0, start - 60) : start])
    return call[1] if call else ""


def _login(text: str, at: int) -> Span | None:
    """Return the first argument of ``login(…)``, or ``key=…``, if that is a secret."""
    keyword = _match(r"[A-Za-z_]*[ \t]*=[ \t]*", text, at, 60)
    name = keyword.rstrip("= \t")
    span = quoted_span(text, at + len(keyword))
    if span is None or (keyword and name != "key" and strength_of_name(name) == NONE):
        return None
    value = text[span.start : span.end]
    if keyword:
        return span if len(value) >= _SHORTEST and could_be_secret(name, value) else None
    is_long = len(value) >= _SHORTEST_LOGIN
    return span if is_long and (looks_random(value) or looks_made_up(value)) else None


def _match(pattern: str, text: str, at: int, size: int) -> str:
    found = _pattern(pattern).match(text[at : at + size])
    return found[0] if found else ""


def _skip(text: str, at: int) -> int:
    return at + len(_match(r"[ \t]*", text, at, 40))


@lru_cache(maxsize=64)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
