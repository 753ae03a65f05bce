"""
Tokens of a filter: names, literals, words and signs, each with its position.

Only what is listed here can be in a filter. Each name and literal becomes an `Operand`, so that no character
of it is in the text that Python's parser sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lab_workbook.errors import InvalidQuery

LONGEST: Final = 10_000
#: How many signs and words may nest: brackets, signs of calculation, ``not``, ``contains``, ``startswith``.
MOST_NESTING: Final = 100

_LONGEST_NUMBER: Final = 400
_SHOWN: Final = 20

#: Words, and what they are for Python's parser. ``|`` and ``^`` bind less than a calculation and more than a
#: comparison, as ``contains`` and ``startswith`` have to.
WORDS: Final = {"and": "and", "or": "or", "not": "not", "in": "in", "is": "is"} | {
    "contains": "|",
    "startswith": "^",
}
LITERALS: Final = {"true": True, "True": True, "false": False, "False": False}
#: What something has to follow.
OPEN: Final = frozenset(WORDS.values()) | {"==", "!=", "<=", ">=", *"<>+-*/([,"}
_NONE: Final = "None"
_NESTING: Final = frozenset("([+-*/|^") | {"not"}
_HINTS: Final = {
    "=": "write == to compare",
    "&": "write `and`",
    "|": "write `or`",
    "~": "write `not`",
    "!": "write `not`, or != to compare",
    "@": "a filter has no variables: put the value into the text, or pass it as find(name=value)",
    "`": "the name has no end; `` is a backtick in a name",
    "'": "the text has no end: it ends with the quote that it begins with",
    '"': "the text has no end: it ends with the quote that it begins with",
}

# Each alternative begins with other characters and has no nested repetition, so a match takes linear time.
_NAME: Final = r"[^\W\d]\w*(?:\.\w+)*"
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>{_NAME})
    | `(?P<quoted>(?:[^`]|``)+)`
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<sign>==|!=|<=|>=|[<>+\-*/()\[\],])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}


class Problem(Exception):
    """What is wrong with a filter, and at which of its characters."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position
        self.why = why

    def explained(self, text: str) -> InvalidQuery:
        """Return the error for users, with the characters at the position."""
        shown = text[self.position : self.position + _SHOWN]
        where = f"at character {self.position + 1}, {shown!r}" if shown else "at its end"
        return InvalidQuery(f"cannot use the filter {where}: {self.why} (grammar: docs/filters.md)")


class Operand(NamedTuple):
    """A name of a column, or a literal."""

    value: Any
    is_name: bool


class Token(NamedTuple):
    """A token: what Python's parser sees in its place, its position, and its operand if it is one."""

    python: str
    position: int
    operand: Operand | None = None


def read(text: str) -> list[Token]:
    """
    Return the tokens of a filter.

    Raises:
        Problem: the text is too long or nests too much, or has something that is not a token.
    """
    if len(text) > LONGEST:
        raise Problem(LONGEST, f"it has {len(text):,} characters, and a filter has at most {LONGEST:,}")
    found = list(_tokens(text))
    nesting = [token for token in found if token.python in _NESTING]
    if len(nesting) > MOST_NESTING:
        raise Problem(
            nesting[MOST_NESTING].position,
            f"a filter has at most {MOST_NESTING} brackets, signs of calculation, and words such as `not` and"
            " `contains`; many values are tested by `name in [1, 2, 3]`",
        )
    return found


def is_bare(name: str) -> bool:
    """Return whether a name can be written without backticks."""
    return re.fullmatch(_NAME, name) is not None and name not in {*WORDS, *LITERALS, _NONE}


def _tokens(text: str) -> Iterator[Token]:
    position = count = 0
    before = ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise Problem(position, _HINTS.get(text[position], "a filter has no such character"))
        kind, found = match.lastgroup, match[match.lastgroup]
        if kind in ("number", "name", "text") and before in ("number", "name", "text"):
            raise Problem(position, "there is a space or a sign missing before it")
        if kind == "sign" or (kind == "name" and found in WORDS):
            yield Token(WORDS.get(found, found), position)
        elif kind != "space":
            yield Token(f"_{count}", position, _operand(kind, found, position))
            count += 1
        position, before = match.end(), kind


def _operand(kind: str, found: str, position: int) -> Operand:
    if kind == "quoted":
        return Operand(found.replace("``", "`"), is_name=True)
    if kind == "text":
        return Operand(_unescaped(found[1:-1], position + 1), is_name=False)
    if kind == "number":
        return Operand(_number(found, position), is_name=False)
    if found == _NONE:
        raise Problem(position, "write `is missing` or `is not missing` behind a name")
    if found in LITERALS:
        return Operand(LITERALS[found], is_name=False)
    return Operand(found, is_name=True)


def _number(found: str, position: int) -> int | float:
    if len(found) > _LONGEST_NUMBER:
        raise Problem(position, f"a number has at most {_LONGEST_NUMBER} characters")
    return int(found) if found.isdecimal() else float(found)


def _unescaped(found: str, position: int) -> str:
    for escape in _ESCAPED.finditer(found):
        if escape[1] not in _ESCAPES:
            raise Problem(position + escape.start(), "a text knows only \\\\, \\', \\\", \\n and \\t")
    return _ESCAPED.sub(lambda escape: _ESCAPES[escape[1]], found)
