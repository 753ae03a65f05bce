"""
A range of the bytes of a file, hashed while they are sent.

A series grows while it is being sent, so only its whole rows may be read; and the sum in end.json
must be of what was sent, not of what a second reading finds.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable

_BUFFER_BYTES = 256 * 1024


class Section(io.RawIOBase):
    """
    So many bytes of an open file from ``start`` on, as a file of their own.

    ``moved`` hears of each position that is read for the first time.
    """

    def __init__(self, descriptor: int, size: int, moved: Callable[[int], None], *, start: int = 0) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = start
        self._size = size
        self._moved = moved
        self._position = 0
        self._furthest = 0
        self._hashed = 0
        self._sum = hashlib.sha256()

    def buffered(self) -> io.BufferedReader:
        """Return this as what libraries take for a file."""
        return io.BufferedReader(self, _BUFFER_BYTES)

    def sha256(self) -> str:
        """Return the sum of the whole section, once it was read to its end."""
        if self._hashed != self._size:
            raise OSError(f"only {self._hashed} of {self._size} bytes were sent")
        return self._sum.hexdigest()

    def read_through(self) -> None:
        """Read what was not sent, because the bucket has it already, for its sum."""
        self.seek(0)
        while self.read(_BUFFER_BYTES):
            pass

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed's Buffer needs 3.12
        wanted = min(len(buffer), max(0, self._size - self._position))
        # Straight into the buffer, because a part of a large file is as much memory again.
        data = memoryview(buffer)[:wanted]
        count = os.preadv(self._descriptor, [data], self._start + self._position) if wanted else 0
        if count < wanted and not count:
            raise OSError(
                f"{self._size} bytes were promised, and the file ends after {self._position} of them"
            )
        self._hash(data[:count])
        self._position += count
        if self._position > self._furthest:
            self._furthest = self._position
            self._moved(self._position)
        return count

    def _hash(self, data: memoryview) -> None:
        # A library that sends again begins again: only the last pass from the start counts.
        if self._position == 0:
            self._hashed, self._sum = 0, hashlib.sha256()
        if self._position == self._hashed:
            self._sum.update(data)
            self._hashed += len(data)
