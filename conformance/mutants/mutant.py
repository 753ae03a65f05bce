"""What a mutant is: a module of ours with one thing changed, as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Mutant(NamedTuple):
    """A changed module: ``was`` and ``becomes`` are its lines that differ, ``source`` all of it."""

    module: str
    line: int
    was: str
    becomes: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}\n  - {self.was}\n  + {self.becomes}"


class Site(NamedTuple):
    """A place where a mutant can be made; ``change`` returns the source with the change in it."""

    module: str
    line: int
    change: Callable[[str], str]


def made(site: Site, before: str, is_valid: Callable[[str], bool]) -> Mutant | None:
    """Return the mutant of a site; None where the change leaves no program, or no change."""
    after = site.change(before)
    if after == before or not is_valid(after):
        return None
    return Mutant(site.module, *_difference(before.splitlines(), after.splitlines()), after)


def _difference(before: list[str], after: list[str]) -> tuple[int, str, str]:
    """Return the first line that differs, and the lines that differ in both."""
    first = _common(before, after)
    last = _common(before[first:][::-1], after[first:][::-1])
    # A line that stands there twice is known by the one that follows.
    if last and before.count(before[first]) > 1:
        last -= 1
    return first + 1, _joined(before[first : len(before) - last]), _joined(after[first : len(after) - last])


def _common(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)
