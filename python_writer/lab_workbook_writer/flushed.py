"""
The numbers of flushes that were answered: of consecutive numbers only the first and the last are kept.

>>> flushed = Flushed()
>>> for number in (1, 2, 3):
...     flushed.add(number)
>>> 2 in flushed, list(flushed.events())
(True, [{'id': 3, 'first': 1}])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Flushed:
    """A set of numbers that mostly comes in order; others are kept one by one."""

    def __init__(self) -> None:
        self._first = 0
        self._last = -1
        self._others: dict[str, Any] = {}

    def __contains__(self, number: Any) -> bool:
        is_in_order = isinstance(number, int) and self._first <= number <= self._last
        return is_in_order or str(number) in self._others

    def add(self, number: Any, first: Any = None) -> None:
        """Add a number or, with ``first``, all numbers from that one on."""
        first = first if isinstance(first, int) and not isinstance(first, bool) else number
        if type(number) is not int:
            self._others[str(number)] = number
        elif self._last < self._first:
            self._first, self._last = first, number
        elif self._first <= first <= self._last + 1:
            self._last = max(self._last, number)
        else:
            self._others[str(number)] = number

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of `add`, as keys of events, that give the same set."""
        if self._first <= self._last:
            yield {"id": self._last, "first": self._first}
        for number in self._others.values():
            yield {"id": number}
