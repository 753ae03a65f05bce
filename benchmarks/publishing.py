"""
What it costs to publish a series back to back, without the second between two publications.

No script can log so fast, so bytes and requests are the most that there can be. The plan is the
uploader's own; where each row is published, the whole plan is counted, and its first part is sent.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab_workbook import live
from lab_workbook.store import Blob, Entry, Store
from lab_workbook_writer.uploader.segments import Trail

from benchmarks import loop

NAME = "loss.csv"
MOST_OBJECTS = 64


class Cost(NamedTuple):
    """Requests by kind and bytes of a whole series; what one PUT of those that were sent took, in seconds."""

    publications: int
    requests: Counter[str]
    bytes: int
    cpu: float
    wall: float


def series(rows: int) -> tuple[bytes, list[int]]:
    """Return a series of so many rows, and where each of them ends."""
    lines = [",".join([*loop.FIELDS, "Date"])]
    for number in range(rows):
        values = [f"{value!r}" for value in loop.row(number).values()]
        lines.append(",".join([*values, "2016-02-12T22:17:34Z"]))
    ends, end, data = [], 0, []
    for line in lines:
        data.append(f"{line}\n".encode())
        end += len(data[-1])
        ends.append(end)
    return b"".join(data), ends[1:]


class Plan:
    """The publications of a series, sent to a store up to a limit, and counted to the end."""

    def __init__(self, store: Store, folder: str, data: bytes, limit: int) -> None:
        self._store = store
        self._folder = folder
        self._data = data
        self._limit = limit
        self._sent = 0
        self.requests: Counter[str] = Counter()
        self.bytes = 0

    def run(self, ends: Iterable[int]) -> Cost:
        """Publish at each of these ends, then send the artifact whole, as at the end of a script."""
        trail, cpu, wall = Trail(NAME), time.process_time(), time.perf_counter()
        for number, end in enumerate(ends, 1):
            segment = trail.publish(end)
            self._put(str(segment), segment.start, segment.end, number)
            trail.delivered(segment)
            if (size := trail.refresh) is not None:
                self._refresh(trail, size, number)
            if number == self._limit:
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            # An uploader does so a minute later.
            self.requests["DELETE"] += len(trail.take_superseded())
        if trail.refreshed < trail.end:
            self._refresh(trail, trail.end, number)
        if number < self._limit:
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        self.requests["DELETE"] += len(trail.take_superseded())
        return Cost(number, self.requests, self.bytes, cpu / self._sent, wall / self._sent)

    def _refresh(self, trail: Trail, size: int, number: int) -> None:
        trail.sending(size)
        self._put(NAME, 0, size, number)
        trail.sent(size)

    def _put(self, key: str, start: int, end: int, number: int) -> None:
        self.requests["PUT"] += 1
        self.bytes += end - start
        if number <= self._limit:
            self._sent += 1
            self._store.replace(self._folder + key, io.BytesIO(self._data[start:end]))


class Asking:
    """A store that counts what a reader asks of it."""

    def __init__(self, behind: Store) -> None:
        self.requests: Counter[str] = Counter()
        self._behind = behind

    def get(self, key: str, *, start: int = 0) -> Blob:
        self.requests["GET"] += 1
        return self._behind.get(key, start=start)

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        self.requests["LIST"] += 1
        return self._behind.keys(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        self.requests["LIST"] += 1
        return self._behind.folders(prefix)


def read(store: Store, folder: str, expected: bytes) -> Counter[str]:
    """Return the requests of a live read, which must give these bytes."""
    asking = Asking(store)
    if live.read(asking, folder, NAME) != expected:
        raise RuntimeError("a live read gives other rows than were published")
    return asking.requests
