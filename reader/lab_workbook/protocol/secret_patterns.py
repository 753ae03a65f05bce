r"""
Patterns of secrets in the configuration, ``redact = ACME-\d{8}|tok_[0-9a-f]{32}``.

Lua has no regular expressions, so both languages read one small subset of them, in ASCII: characters, ``.``,
sets such as ``[0-9a-f]`` and ``[^"]``, ``\d``, ``\w`` and ``\s``, each repeated by ``?``, ``*``, ``+``,
``{8}``, ``{8,}`` or ``{8,40}``, and ``|`` between whole patterns. There are no groups, so nothing nests and
no text takes exponential time.
"""

from __future__ import annotations

import re
from typing import Final

from lab_workbook.protocol import _spec

_MOST: Final = 200
_MOST_OPTIONAL: Final = 50
_CHARACTERS: Final = "\t" + "".join(map(chr, range(32, 127)))
_SIGNS: Final = "()^$+*?{}"
_ITEM: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[]", re.DOTALL)
_REPEAT: Final = re.compile(r"[?*+]|\{([0-9]{1,4})(,?)([0-9]{0,4})\}")
_CLASSES: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": r" \t\r\n"}
_ESCAPED: Final = r"\.[]|-/" + _SIGNS


def parse(pattern: str) -> tuple[re.Pattern[str], ...]:
    r"""
    Return the alternatives of a pattern.

    >>> [each.pattern for each in parse(r"ACME\d{8}|tok_\w+")]
    ['ACME[0-9]{8}', 'tok_[0-9A-Za-z_]+']

    Raises:
        ValueError: something in it is not part of the subset, or it matches the empty text.
    """
    if not pattern.isascii() or not pattern.isprintable():
        raise ValueError("a pattern is of printable ASCII characters")
    alternatives = [re.compile(each, re.ASCII) for each in _alternatives(pattern)]
    if any(each.match("") for each in alternatives):
        raise ValueError("it matches the empty text; give a character that must be there")
    if any(each.search(_spec.SECRET_MARK) for each in alternatives):
        raise ValueError(f"it matches {_spec.SECRET_MARK}, which is what is written for a secret")
    return tuple(alternatives)


def _alternatives(pattern: str) -> list[str]:
    made, at = [""], 0
    while at < len(pattern):
        if pattern[at] == "|":
            made.append("")
            at += 1
            continue
        item = _ITEM.match(pattern, at)
        if item is None or item[0] in _SIGNS:
            raise ValueError(
                f"{pattern[at:]!r} begins with no character, set or class; groups and anchors are not known"
            )
        repeat = _REPEAT.match(pattern, item.end())
        made[-1] += _translated(item[0]) + (_checked(repeat) if repeat else "")
        at = repeat.end() if repeat else item.end()
    return made


def _translated(item: str) -> str:
    if item == ".":
        return r"[\t -~]"
    if item[0] == "[" and len(item) > 1:
        return _set(item[1:-1])
    return f"[{_escape(item)}]" if item[0] == "\\" and item[1] in _CLASSES else _escape(item)


def _set(inner: str) -> str:
    is_negated = inner.startswith("^")
    inner = inner[is_negated:]
    made = "".join(_escape(piece) if piece != "-" else piece for piece in re.findall(r"\\.|.", inner))
    if not made:
        raise ValueError("a set has at least one character")
    try:
        wanted = re.compile(f"[{made}]", re.ASCII)
    except re.error as problem:
        raise ValueError(f"[{inner}]: {problem}") from None
    # Character by character, of ASCII only, because Lua sees the bytes of all others.
    members = [each for each in _CHARACTERS if bool(wanted.match(each)) != is_negated]
    if not members:
        raise ValueError(f"[{inner}] contains no character")
    return f"[{''.join(map(re.escape, members))}]"


def _escape(piece: str) -> str:
    if piece[0] != "\\" or len(piece) == 1:
        return re.escape(piece)
    if piece[1] in _CLASSES:
        return _CLASSES[piece[1]]
    if piece[1] not in _ESCAPED:
        raise ValueError(f"{piece} is not known; \\d, \\w, \\s and escaped signs are")
    return re.escape(piece[1])


def _checked(repeat: re.Match[str]) -> str:
    if repeat[1] is None:
        return repeat[0]
    least, comma, most = int(repeat[1]), repeat[2], repeat[3]
    largest = int(most) if most else least
    if (most and not comma) or largest < least or largest > _MOST or largest - least > _MOST_OPTIONAL:
        raise ValueError(f"{repeat[0]}: at most {_MOST} repetitions, {_MOST_OPTIONAL} of them optional")
    return repeat[0]
