"""
Cells of a series: one value, one spelling.

Text is always quoted and nothing else ever is, so that ``"007"`` and ``007``, ``"nil"`` and a
missing value stay apart. Numbers are written so that they read back exactly.

>>> formats = Formats(report=print)
>>> [formats[type(value)](value) for value in (1, 0.1, "say no", True, None)]
['1', '0.1', '"say no"', 'true', 'nil']
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import _spec
from lab_workbook.protocol.scalars import held
from lab_workbook.protocol.text import mended

Format = Callable[[Any], str]


class Formats(dict[type, Format]):
    """
    What turns a value into its cell, by the type of the value.

    A dictionary and not a ladder of `isinstance`, because this is the hot path: a type that it has
    not met yet (a subclass, a numpy scalar, a 0-d tensor) is looked at once and then remembered.
    ``report`` is called with ``"texts"`` or ``"integers"`` when a cell had to be mended
    (rule ``text.mended``; an integer beyond 64 bits becomes the nearest double).
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(
            {
                float: float.__repr__,
                int: self._integer,
                str: self._text,
                bool: {True: _spec.SERIES_TRUE, False: _spec.SERIES_FALSE}.__getitem__,
                type(None): lambda _: _spec.SERIES_MISSING,
            }
        )
        self._report = report

    def __missing__(self, kind: type) -> Format:
        for base in (float, int, str):
            if issubclass(kind, base):
                self[kind] = self[base]
                return self[kind]
        if not hasattr(kind, "item"):
            raise _no_rule(kind)
        self[kind] = self._item
        return self[kind]

    def _integer(self, value: int) -> str:
        if _spec.SERIES_INTEGER_MIN <= value <= _spec.SERIES_INTEGER_MAX:
            return int.__repr__(value)
        self._report(_spec.LOSS_INTEGERS)
        try:
            return float.__repr__(float(value))
        except OverflowError:
            return _spec.SERIES_INFINITY if value > 0 else f"-{_spec.SERIES_INFINITY}"

    def _text(self, value: str) -> str:
        if "\0" in value or not value.isascii():
            value = mended(value, self._report)
        return '"' + value.replace('"', '""') + '"'

    def _item(self, value: Any) -> str:
        """Format a numpy scalar or a tensor of one element by the Python value that it holds."""
        try:
            item = held(value)
        except TypeError:
            raise _no_rule(type(value)) from None
        return self[type(item)](item)


def _no_rule(kind: type) -> InvalidValue:
    return InvalidValue(
        "series.value",
        f"a cell cannot hold a {kind.__module__}.{kind.__qualname__}:"
        " give a number, a text, a boolean, None or a scalar that has .item()",
    )


def field_name(field: str) -> str:
    """Return the cell of the header for a field: quoted only where it must be."""
    if any(mark in field for mark in ',"\r\n') or field != field.strip() or field[:1] == "\ufeff":
        return '"' + field.replace('"', '""') + '"'
    return field
