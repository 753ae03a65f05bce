"""
When the rows of a series go to the bucket.

A series is published when ``saveEvery`` rows are waiting, but at most once a second, and in any case
``uploadEvery`` seconds after the first waiting row. Only whole rows count.
"""

from __future__ import annotations

import os
from typing import Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.rows import count_rows, end_of_rows

_CHUNK_BYTES: Final = 1024 * 1024


class Series:
    """
    A growing file of rows, and how much of it was handed over for sending.

    Times are those of one monotonic clock, given by the caller.
    """

    def __init__(
        self, path: str, name: str, save_every: int | None, *, published: int, upload_every: float
    ) -> None:
        self.path = path
        self.name = name
        self._save_every = save_every
        self._upload_every = upload_every
        self._taken = published
        self._whole = published
        self._rows = 0
        self._waiting_since: float | None = None
        self._taken_at = float("-inf")

    def look(self, now: float) -> None:
        """See how far the rows reach."""
        try:
            if os.stat(self.path).st_size > self._whole:
                self._read_on()
        except FileNotFoundError:
            return
        if self._whole > self._taken and self._waiting_since is None:
            self._waiting_since = now

    def is_waiting(self) -> bool:
        """Say whether there are rows that were not handed over yet."""
        return self._whole > self._taken

    def is_due(self, now: float) -> bool:
        """Say whether its rows should be sent now."""
        if self._waiting_since is None:
            return False
        if now - self._waiting_since >= self._upload_every:
            return True
        enough = self._save_every is not None and self._rows >= self._save_every
        return enough and now - self._taken_at >= _spec.TIMING_PUBLISH_SECONDS

    def take(self, now: float) -> int:
        """Hand over all whole rows; returns where the last one ends."""
        self._taken = self._whole
        self._taken_at = now
        self._rows = 0
        self._waiting_since = None
        return self._whole

    def _read_on(self) -> None:
        tail = b""
        with open(self.path, "rb") as file:
            file.seek(self._whole)
            while chunk := file.read(_CHUNK_BYTES):
                tail += chunk
                end = end_of_rows(tail)
                self._rows += count_rows(tail[:end])
                # The header is no row that anyone waits for.
                self._rows -= self._whole == 0 and end > 0
                self._whole += end
                tail = tail[end:]
