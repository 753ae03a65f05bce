r"""
The rows of a series that still grows in a bucket.

There they lie in segments, each a range of the bytes of its CSV, beside the artifact itself, which is
refreshed now and then. While somebody reads, segments come and others go, so what is read is an answer
only if it has no gap; otherwise everything is asked for again.

>>> read(store, "201602122149-PMJ8a76csB/", "Training loss.csv")
b'epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n'

In a folder there are no segments, and the artifact is all there is.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import segments
from lab_workbook.protocol.segments import Segment
from lab_workbook.store import Reads

# What is superseded stays for a minute, so nobody who reads at once has to begin again twice.
_ATTEMPTS: Final = 5


class _Gap(Exception):
    """Something that was listed is not there any more, or not as its name says."""


class _Stale(_Gap):
    """The listing names a segment that is gone, so it is older than that; ``data`` is what precedes it."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


def read(store: Reads, folder: str, name: str, *, start: int = 0) -> bytes:
    """
    Return the rows of a series that are in the bucket by now; ``folder`` is the experiment's.

    Somebody who has rows already asks for the bytes from ``start`` on, and only these are fetched.

    Raises:
        KeyError: there is no such artifact.
        Unreadable: rows are missing in between.
    """
    bad: set[Segment] = set()
    for _ in range(_ATTEMPTS):
        try:
            return _read(store, folder, name, start, bad)
        except _Gap as gap:  # noqa: PERF203 - an attempt is several requests
            reason = gap
    if isinstance(reason, _Stale) and reason.data:
        # Listings lag behind for more than a minute: the rows so far are right, and others follow later.
        return reason.data
    raise Unreadable(f"{name} of {folder.rstrip('/')} cannot be read whole: {reason}")


def sizes(found: dict[str, int]) -> dict[str, int]:
    """
    Return the series that have segments among the files of an experiment, and how far these reach.

    >>> sizes({".lab-workbook/segments/a.csv/000000000000020-000000000000010": 10})
    {'a.csv': 20}
    """
    reach: dict[str, int] = {}
    for path in found:
        segment = segments.parse(path)
        if segment is not None:
            reach[segment.name] = max(segment.end, reach.get(segment.name, 0))
    return reach


def _read(store: Reads, folder: str, name: str, start: int, bad: set[Segment]) -> bytes:
    # Listed first. The other way round, segments could be superseded in between by an artifact that is
    # newer than the one we have, and nothing would show that they are missing.
    listed = _list(store, folder, name, start)
    data = _artifact(store, folder, name, start, is_needed=not listed)
    return _assemble(store, folder, data, start, listed, bad=bad)


def _assemble(
    store: Reads, folder: str, data: bytes, start: int, listed: list[Segment], *, bad: set[Segment]
) -> bytes:
    """Add to the first rows the segments that follow, of several the one that reaches furthest."""
    parts, place = [data], start + len(data)
    last = max((each.end for each in listed), default=place)
    # By their start, so that each is looked at once, however many there are.
    waiting = deque(sorted((each for each in listed if each not in bad), key=lambda each: each.start))
    best: Segment | None = None
    while place < last:
        while waiting and waiting[0].start <= place:
            candidate = waiting.popleft()
            best = candidate if best is None or candidate.end > best.end else best
        if best is None or best.end <= place:
            raise _Gap(f"nothing is there from byte {place} on, and there was more")
        try:
            parts.append(_get(store, folder, best, place, bad))
        except KeyError:
            gone = f"bytes {best.start} to {best.end} were listed, and are gone"
            raise _Stale(gone, b"".join(parts)) from None
        place = best.end
    return b"".join(parts)


def _list(store: Reads, folder: str, name: str, start: int) -> list[Segment]:
    place = folder + segments.folder(name)
    # The end of a segment comes first in its key, so all that end by `start` are passed over.
    entries = store.keys(place, after=place + segments.last_range(start) if start else "")
    found = (segments.parse(entry.key.removeprefix(folder)) for entry in entries)
    return [segment for segment in found if segment is not None and segment.name == name]


def _artifact(store: Reads, folder: str, name: str, start: int, *, is_needed: bool) -> bytes:
    try:
        return store.get(folder + name, start=start).data
    except KeyError:
        if is_needed:
            raise
        return b""


def _get(store: Reads, folder: str, segment: Segment, place: int, bad: set[Segment]) -> bytes:
    """Return what a segment holds from a byte of the series on; raises `KeyError` where it is gone."""
    data = store.get(f"{folder}{segment}", start=place - segment.start).data
    if len(data) != segment.end - place:
        # Another one may hold these rows too.
        bad.add(segment)
        raise _Gap(f"of bytes {segment.start} to {segment.end} there are {len(data)} from {place} on")
    return data
