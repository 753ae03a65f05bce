"""
The rows of a series that still grows in a bucket: objects that each hold a range of its bytes.

>>> str(Segment("Training loss.csv", 16, 4096))
'.lab-workbook/segments/Training loss.csv/000000000004096-000000000000016'

The end comes first, so that a listing from where a reader has got to shows all that is new to it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lab_workbook.errors import InvalidName
from lab_workbook.protocol import _spec, names

_DIGITS: Final = _spec.SEGMENT_DIGITS
_PATH: Final = re.compile(f"(.+)/([0-9]{{{_DIGITS}}})-([0-9]{{{_DIGITS}}})", re.DOTALL)


class Segment(NamedTuple):
    """The bytes of a series from ``start`` up to ``end``; as a text, where they lie in an experiment."""

    name: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{folder(self.name)}{self.range}"

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return self.end - self.start

    @property
    def range(self) -> str:
        """The last part of its key, which is another for each range of bytes."""
        return f"{self.end:0{_DIGITS}}-{self.start:0{_DIGITS}}"

    def holds(self, other: Segment) -> bool:
        """Say whether all bytes of another segment of the same series are in this one."""
        return self.start <= other.start and other.end <= self.end


def folder(name: str) -> str:
    """Return under what the segments of a series lie."""
    return f"{_spec.LAYOUT_SEGMENTS}{name}/"


def last_range(end: int) -> str:
    """
    Return what the last part of a key is at most, of all segments that end at a byte.

    >>> last_range(4096)
    '000000000004096-999999999999999'
    """
    return f"{end:0{_DIGITS}}-{'9' * _DIGITS}"


def parse(path: str) -> Segment | None:
    """
    Return the segment that lies at a path inside of an experiment, or None.

    Whatever else somebody put there is none, also where its name could not be that of an artifact.
    """
    if not path.startswith(_spec.LAYOUT_SEGMENTS):
        return None
    found = _PATH.fullmatch(path, len(_spec.LAYOUT_SEGMENTS))
    if found is None or int(found[3]) >= int(found[2]):
        return None
    try:
        return Segment(names.check(found[1]), start=int(found[3]), end=int(found[2]))
    except InvalidName:
        return None
