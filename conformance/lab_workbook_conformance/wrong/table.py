"""
The wrong ones by name: each puts another function in the place of one of the right ones.

>>> with WRONG["series.date-2"].in_place():
...     player.main()
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Right = Callable[..., Any]

_MODULES = (
    "wrong_names",
    "wrong_series",
    "wrong_cells",
    "wrong_json",
    "wrong_refusals",
    "wrong_clauses",
    "wrong_documents",
    "wrong_exits",
    "wrong_git",
    "wrong_bucket",
    "wrong_readers",
    "wrong_reading",
)
_OF_READERS = ("parsing", "process", "reader")


class Wrong(NamedTuple):
    """
    A writer or reader that breaks one rule.

    ``also`` are rules that nobody can keep who breaks that one, and ``perhaps`` those that a moment decides:
    what a kill meets, which of two threads is first. ``owner`` is a module or class, whose function
    ``attribute`` is replaced by one that gets the right one in front of its arguments.
    """

    name: str
    also: tuple[str, ...]
    perhaps: tuple[str, ...]
    owner: Any
    attribute: str
    instead: Right

    @property
    def rule(self) -> str:
        """The rule that it breaks."""
        return re.sub("-[0-9]+$", "", self.name)

    @property
    def role(self) -> str:
        """Whether it is wrong as a reader or as a writer."""
        module = getattr(self.owner, "__module__", self.owner.__name__)
        return "reader" if module.rpartition(".")[2] in _OF_READERS else "writer"

    @property
    def what(self) -> str:
        """What it does wrong, in one line."""
        return str(self.instead.__doc__)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Make the right one wrong for a while."""
        right = getattr(self.owner, self.attribute)
        setattr(self.owner, self.attribute, _bound(self.instead, right))
        try:
            yield
        finally:
            setattr(self.owner, self.attribute, right)


def _bound(instead: Right, right: Right) -> Right:
    # No partial, because only a function becomes a method where it is put into a class.
    return lambda *arguments, **options: instead(right, *arguments, **options)


WRONG: dict[str, Wrong] = {}


def instead_of(
    name: str,
    owner: Any,
    attribute: str,
    *,
    also: tuple[str, ...] = (),
    perhaps: tuple[str, ...] = (),
) -> Callable[[Right], Right]:
    """Say which wrong one a function makes: its name is the rule, and a number where there are several."""

    def remember(instead: Right) -> Right:
        assert name not in WRONG, name  # noqa: S101 - two of one name would hide each other
        WRONG[name] = Wrong(name, also, perhaps, owner, attribute, instead)
        return instead

    return remember


def load() -> dict[str, Wrong]:
    """Return all of them."""
    for name in _MODULES:
        importlib.import_module(f"{__package__}.{name}")
    return WRONG
