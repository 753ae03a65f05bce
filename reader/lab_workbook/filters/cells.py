"""
Cells of a table as plain values: how a filter compares them and calculates with them.

A value is a boolean, a number, a text, a time, a list (as a tuple), or missing (None). Values of different
kinds are not equal, and neither is less than the other; there are two exceptions. Beside a number, the texts
``"Infinity"`` and ``"-Infinity"`` are the numbers that they stand for in JSON artifacts. Beside a time, a
text that spells a time is one.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from lab_workbook.protocol import _spec

_NUMBERS: Final = {_spec.JSON_INFINITY: math.inf, _spec.JSON_NEGATIVE_INFINITY: -math.inf}
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def plain(column: Any) -> list[Any]:
    """
    Return the cells of a column of pandas as values.

    Durations become seconds. NaN and NaT are missing, because a table does not distinguish them from None.
    """
    if getattr(column.dtype, "kind", "") == "m":
        column = column.dt.total_seconds()
    return [value(cell) for cell in column.tolist()]


def value(cell: Any) -> Any:
    """Return one cell as a value; None if it is missing, or of a kind that filters do not know."""
    if isinstance(cell, (str, bool, int)):
        return cell
    if isinstance(cell, float):
        return None if math.isnan(cell) else cell
    if isinstance(cell, (list, tuple)):
        return tuple(value(each) for each in cell)
    # Of pandas, NaT is the only time that is not equal to itself.
    if isinstance(cell, datetime):
        return _utc(cell) if cell == cell else None  # noqa: PLR0124
    item = getattr(cell, "item", None)
    return value(item()) if callable(item) and getattr(cell, "ndim", None) == 0 else None


def moment(text: str) -> datetime | None:
    """
    Return the time that a text spells; it is in UTC unless the text has an offset.

    >>> [str(moment(text)) for text in ("2016-02-12", "2016-02-12 21:49+01:00", "yesterday")]
    ['2016-02-12 00:00:00+00:00', '2016-02-12 20:49:00+00:00', 'None']
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups(default="")
    # The one form that fromisoformat reads in every version of Python.
    spelled = f"{day}T{minute or '00:00'}{second or ':00'}{(fraction or '.').ljust(7, '0')}"
    try:
        return _utc(datetime.fromisoformat(spelled + offset.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None


def equal(left: Any, right: Any) -> bool:
    """Return whether two values are the same; a missing value is not the same as another one."""
    pair = _alike(left, right)
    return pair is not None and _marked(pair[0]) == _marked(pair[1])


def less(left: Any, right: Any) -> bool:
    """Return whether a value is below another one: numbers, times, and texts by their characters."""
    pair = _alike(left, right)
    return pair is not None and not isinstance(pair[0], (bool, tuple)) and bool(pair[0] < pair[1])


def contains(left: Any, right: Any) -> bool:
    """Return whether a text has another one in it, or a list a value."""
    if isinstance(left, tuple):
        return any(equal(each, right) for each in left)
    return isinstance(left, str) and isinstance(right, str) and right in left


def starts_with(left: Any, right: Any) -> bool:
    """Return whether a text begins with another one."""
    return isinstance(left, str) and isinstance(right, str) and left.startswith(right)


class Members:
    """
    A list of values that cells are looked up in.

    >>> 1 in Members([0.5, 1]), True in Members([1])
    (True, False)
    """

    def __init__(self, values: Sequence[Any]) -> None:
        texts = [each for each in values if isinstance(each, str)]
        self._values = {_marked(each) for each in values if each is not None}
        # What the texts are equal to beside themselves.
        self._read = {_marked(found) for text in texts for found in (_NUMBERS.get(text), moment(text))}

    def __contains__(self, cell: Any) -> bool:
        if cell is None:
            return False
        if isinstance(cell, str):
            return _marked(cell) in self._values or _marked(_NUMBERS.get(cell)) in self._values
        return _marked(cell) in self._values or _marked(cell) in self._read


def calculate(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """
    Return the result for two numbers, or the seconds between two times; None if there is none.

    Integers beyond 64 bits become floats, so that no calculation grows without bound.
    """
    if isinstance(left, datetime) and isinstance(right, datetime):
        left, right = (
            (each.timestamp() for each in (left, right)) if operation is operator.sub else (None, None)
        )
    numbers = [
        _bounded(_NUMBERS.get(each, each) if isinstance(each, str) else each) for each in (left, right)
    ]
    if None in numbers:
        return None
    try:
        return value(_bounded(operation(*numbers)))
    except ZeroDivisionError:
        return None


def _bounded(number: Any) -> Any:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    if isinstance(number, int) and not _spec.SERIES_INTEGER_MIN <= number <= _spec.SERIES_INTEGER_MAX:
        try:
            return float(number)
        except OverflowError:
            return math.copysign(math.inf, number)
    return number


def _alike(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Return two values of one kind, None if they are of two kinds or one is missing."""
    left, right = _read(left, right), _read(right, left)
    return (left, right) if left is not None and _kind(left) == _kind(right) else None


def _read(operand: Any, beside: Any) -> Any:
    """Return what a text is beside a value of another kind."""
    if not isinstance(operand, str) or isinstance(beside, str):
        return operand
    return moment(operand) if isinstance(beside, datetime) else _NUMBERS.get(operand)


def _kind(operand: Any) -> str:
    if operand is None:
        return ""
    for kind, name in _KINDS:
        if isinstance(operand, kind):
            return name
    raise AssertionError(type(operand))


# A boolean is an integer in Python, so it has to come first.
_KINDS: Final = (
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "text"),
    (datetime, "time"),
    (tuple, "list"),
)


def _marked(operand: Any) -> Any:
    """Return a value with its kind, because Python takes True for 1."""
    if isinstance(operand, tuple):
        return ("list", tuple(map(_marked, operand)))
    return (_kind(operand), operand)


def _utc(time: datetime) -> datetime:
    # Timestamps of pandas are a subclass, which compares only within the range of nanoseconds.
    moved = time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
    return datetime.combine(moved.date(), moved.timetz())
