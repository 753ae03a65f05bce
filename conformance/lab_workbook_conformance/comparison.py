"""
Exact, typed comparison of two values, and the place where they first differ.

>>> first_difference({"loss": [1, 0.5]}, {"loss": [1, None]})
Difference(path=('loss', 1), right=0.5, given=None)

Everything that the kit compares goes through here: cells and JSON that a writer stored, and the values that a
reader returns.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

# What every language without integers can tell apart.
_EXACT = 2**53


class Difference(NamedTuple):
    """Where two values differ: the keys and indexes that lead there, and the two values at that place."""

    path: tuple[str | int, ...]
    right: Any
    given: Any

    def __str__(self) -> str:
        place = "".join(f"[{key!r}]" for key in self.path)
        return f"{place or 'the value'} is {_named(self.given)}, not {_named(self.right)}"


def _named(value: Any) -> str:
    """Return a value with its type, because 1 and 1.0 and True may look alike."""
    if value is None:
        return "null"
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} with {len(value)} members"
    names = {bool: "boolean", int: "integer", float: "float", str: "text"}
    return f"the {names.get(type(value), type(value).__name__)} {value!r}"


def first_difference(right: Any, given: Any, *, integers: bool = True) -> Difference | None:
    """
    Return the first place where two values of JSON or of a table differ; None where they are the same.

    Values are the same if their types are and if they cannot be told apart: not-a-number equals itself, and
    negative zero does not equal zero. With ``integers=False`` integers and floats are one type.
    """
    # A stack, because values may be 512 deep, and Python's own stack is not much deeper.
    todo: list[tuple[tuple[str | int, ...], Any, Any]] = [((), right, given)]
    while todo:
        path, one, other = todo.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return _missing_key(path, one, other)
            todo += [((*path, key), one[key], other[key]) for key in reversed(one)]
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return Difference(path, one, other)
            todo += [((*path, at), one[at], other[at]) for at in reversed(range(len(one)))]
        elif not _is_same_scalar(one, other, integers=integers):
            return Difference(path, one, other)
    return None


def is_same(right: Any, given: Any, *, integers: bool = True) -> bool:
    """Return whether two values are the same; see `first_difference`."""
    return first_difference(right, given, integers=integers) is None


def is_same_number(right: Any, given: Any) -> bool:
    """
    Return whether two numbers are the same whatever their types are, as in JSON, which has one such type.

    >>> is_same_number(1, 1.0), is_same_number(0.0, -0.0), is_same_number(1, True)
    (True, False, False)
    """
    if not (_is_number(right) and _is_number(given)):
        return False
    if math.isnan(right) or math.isnan(given):
        return math.isnan(right) and math.isnan(given)
    return bool(right == given) and math.copysign(1, right) == math.copysign(1, given)


def _missing_key(path: tuple[str | int, ...], right: dict[Any, Any], given: dict[Any, Any]) -> Difference:
    key = next(key for key in [*right, *given] if (key in right) != (key in given))
    return Difference((*path, key), right.get(key), given.get(key))


def _is_same_scalar(right: Any, given: Any, *, integers: bool) -> bool:
    if _is_number(right) and _is_number(given):
        if integers:
            return type(right) is type(given) and is_same_number(right, given)
        return is_same_number(_rounded(right, given), given)
    return type(right) is type(given) and bool(right == given)


def _rounded(right: Any, given: Any) -> Any:
    """Return the nearest double of an integer, for a language that has no larger type."""
    is_rounded = isinstance(right, int) and abs(right) > _EXACT and right != given
    try:
        return float(right) if is_rounded else right
    except OverflowError:
        return math.inf if right > 0 else -math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
