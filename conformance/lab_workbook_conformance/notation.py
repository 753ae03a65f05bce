"""
How the cases of SPEC.md spell what plain text and plain JSON cannot.

In text, ``⟦0D 0A⟧`` is those bytes, ``⟦513 x [⟧`` is that text so many times, and ``⟦end⟧`` ends the
file before the line feed that a fenced block always has. In JSON, an object with one key that
begins with ``$`` is a value that JSON has no spelling for, such as ``{"$float": "nan"}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

# What every parser of JSON reads as the same number.
_EXACT = 2**53
_MARK = re.compile("⟦(.*?)⟧")
# The forms of values that every language has.
_EVERYWHERE = {"$float", "$repeat"}
_REPEAT = re.compile(r"(\d+) x (.+)")


def to_bytes(text: str) -> bytes:
    r"""
    Return the bytes that a block of SPEC.md stands for.

    >>> to_bytes("caf⟦E9⟧")
    b'caf\xe9'
    """
    text = text.partition("⟦end⟧")[0]
    pieces = _MARK.split(text)
    # A split by one group gives plain and marked pieces in turn.
    return b"".join(_marked(piece) if at % 2 else piece.encode() for at, piece in enumerate(pieces))


def _marked(mark: str) -> bytes:
    repeat = _REPEAT.fullmatch(mark)
    return repeat[2].encode() * int(repeat[1]) if repeat else bytes.fromhex(mark)


def values(text: str) -> Iterator[Any]:
    """Return the value of each line of a block that holds one JSON value a line."""
    for line in text.splitlines():
        yield value(json.loads(line))


def value(spelled: Any) -> Any:
    """
    Return the value that its JSON spelling stands for.

    >>> value({"$int": "9007199254740993"})
    9007199254740993
    """
    if isinstance(spelled, list):
        return [value(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    ((key, content),) = spelled.items() if len(spelled) == 1 else ((None, None),)
    if key in _FORMS:
        return _FORMS[key](content)
    return {name: value(item) for name, item in spelled.items()}


def spelled(value: Any) -> Any:
    """
    Return the JSON spelling of a value, as messages have it.

    >>> spelled({"loss": [1, 0.5, 2**53 + 1]})
    {'loss': [1, {'$float': '0.5'}, {'$int': '9007199254740993'}]}
    """
    if isinstance(value, str):
        return value if _is_unicode(value) else {"$bytes": _raw(value).hex().upper()}
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, int) and abs(value) > _EXACT:
        return {"$int": str(value)}
    if isinstance(value, (list, tuple)):
        # By map, because a comprehension would take two frames of the stack for each of 512 levels.
        return list(map(spelled, value))
    if not isinstance(value, dict):
        return value
    if any(not isinstance(key, str) or not _is_unicode(key) for key in value) or _looks_like_a_form(value):
        return {"$pairs": [[spelled(key), spelled(item)] for key, item in value.items()]}
    return dict(zip(value, map(spelled, value.values()), strict=True))


def _looks_like_a_form(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _raw(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A surrogate that stands for no byte, as JSON's own escapes may spell one.
        return text.encode("utf-8", "surrogatepass")


def has_rare_value(spelled: Any) -> bool:
    """
    Return whether a spelled value has a part that some languages cannot build.

    >>> has_rare_value({"x": {"$bytes": "E9"}}), has_rare_value({"x": {"$float": "nan"}})
    (True, False)
    """
    if isinstance(spelled, list):
        return any(map(has_rare_value, spelled))
    if not isinstance(spelled, dict):
        return False
    if len(spelled) == 1 and next(iter(spelled)) in _FORMS.keys() - _EVERYWHERE:
        return True
    return any(map(has_rare_value, spelled.values()))


def for_message(spelled: Any) -> Any:
    """
    Return the spelling that a message to an adapter has, of what is spelled as in SPEC.md.

    >>> for_message({"rate": 0.5, "name": {"$repeat": ["ab", 2]}})
    {'rate': {'$float': '0.5'}, 'name': 'abab'}
    """
    if isinstance(spelled, float):
        return {"$float": repr(spelled)}
    if isinstance(spelled, list):
        return [for_message(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    key: str = next(iter(spelled)) if len(spelled) == 1 else ""
    content: Any = spelled.get(key)
    if key == "$repeat":
        return content[0] * content[1]
    if key == "$pairs":
        return {key: for_message(content)}
    if key in _FORMS:
        return spelled
    if key.startswith("$"):
        return {"$pairs": [[key, for_message(content)]]}
    return {name: for_message(item) for name, item in spelled.items()}


def _nested(depth: int) -> list[Any]:
    # Not empty, because an empty table of Lua is no list.
    nested: list[Any] = [1]
    for _ in range(depth - 1):
        nested = [nested]
    return nested


def _cycle(_: object) -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


_FORMS: dict[Any, Callable[[Any], Any]] = {
    "$float": float,
    "$int": int,
    # What is not UTF-8 in them becomes lone surrogates, as Python reads file names and arguments.
    "$bytes": lambda digits: bytes.fromhex(digits).decode("utf-8", "surrogateescape"),
    "$repeat": lambda pair: pair[0] * pair[1],
    "$nested": _nested,
    "$cycle": _cycle,
    "$pairs": lambda pairs: {value(key): value(item) for key, item in pairs},
    # Any function will do: the point is that functions have no rule.
    "$function": lambda _: value,
}
