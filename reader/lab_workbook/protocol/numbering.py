"""
Names that are each used once: a name that comes again gets a number.

Columns of a series, parameters of an experiment and titles of imported metrics come from strangers, and all
may be the same. So the next number of each name is remembered, instead of trying all from the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Numbering:
    """
    The names that are in use.

    >>> numbering = Numbering(dotted)
    >>> [numbering.free(name) for name in ("loss", "loss.1", "loss", "loss")]
    ['loss', 'loss.1', 'loss.2', 'loss.3']

    ``spell`` gives a name with a number, from 1 on. Names in ``used`` are taken from the beginning.
    """

    def __init__(self, spell: Callable[[str, int], str], used: Iterable[str] = ()) -> None:
        self._spell = spell
        self._used = set(used)
        self._next: dict[str, int] = {}

    def free(self, name: str) -> str:
        """Return the name, or the name with the first number that is free, and take it into use."""
        found = name
        while found in self._used:
            number = self._next.get(name, 1)
            self._next[name] = number + 1
            found = self._spell(name, number)
        self._used.add(found)
        return found


def dotted(name: str, number: int) -> str:
    """Return a name with a number as pandas spells it: ``loss.1``."""
    return f"{name}.{number}"
