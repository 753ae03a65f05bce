"""
A file that only grows, and only by whole pieces: a series by rows, the queue by lines.

One `os.write` a piece on an ``O_APPEND`` descriptor: a piece that was appended survives the death of
the process, and no other thread's piece lands inside of it. What a full disk took of a piece is cut
off again before the next one, so that nothing torn is ever followed by anything.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable
from typing import ClassVar

Opener = Callable[[], int]

_CLOSED = -1
_NO_FILE = (0, 0)

# A script that closes descriptors and opens files gets the lowest numbers that are free: never ours.
_OUT_OF_THE_WAY = 512


class AppendFile:
    """
    A growing file; ``opener`` returns a descriptor, and is asked when the first piece comes.

    An opener that fails is asked again for the next piece, so a disk that was full for a while costs
    the pieces of that while and no more. A script may close descriptors that it does not know, as
    daemons do: the opener is then asked again, and a number that is another file's by now is left alone.
    """

    # How often a descriptor of any of these files was found closed.
    _closings: ClassVar[int] = 0

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._descriptor = _CLOSED
        self._identity = _NO_FILE
        self._closings_seen = 0
        self._torn_at: int | None = None
        # Reentrant, because a signal handler may append while its own thread is in here.
        self._lock = threading.RLock()

    def append(self, piece: bytes) -> None:
        """
        Append all of a piece or nothing of it.

        Raises:
            OSError: the disk refused it.
        """
        with self._lock:
            if (
                self._descriptor < 0
                or self._torn_at is not None
                or self._closings_seen != AppendFile._closings
            ):
                self.open()
            try:
                written = os.write(self._descriptor, piece)
            except OSError as error:
                self._reopen(error)
                written = os.write(self._descriptor, piece)
            if written != len(piece):
                self._cut(os.fstat(self._descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open(self) -> None:
        """
        Make sure that the file is there and ends with a whole piece.

        Raises:
            OSError: the disk refuses just now.
        """
        with self._lock:
            self._closings_seen = AppendFile._closings
            if not self._is_open():
                self._descriptor = out_of_the_way(self._opener())
                self._identity = identity(self._descriptor)
            if self._torn_at is not None:
                self._cut(self._torn_at)

    def sync(self) -> None:
        """Make every piece so far survive a power loss."""
        with self._lock:
            if self._descriptor < 0:
                return
            try:
                sync(self._descriptor)
            except OSError as error:
                self._reopen(error)
                sync(self._descriptor)

    def close(self) -> None:
        """Let go of the file; the opener answers whoever appends from now on."""
        with self._lock:
            if self._is_open():
                if self._torn_at is not None:
                    with contextlib.suppress(OSError):
                        self._cut(self._torn_at)
                descriptor, self._descriptor = self._descriptor, _CLOSED
                os.close(descriptor)
            self.forget()

    def forget(self) -> None:
        """
        Leave the descriptor to another process, as a forked child must, and ask the opener again.

        The lock is new, because the thread that held the old one may not exist here.
        """
        self._lock = threading.RLock()
        self._descriptor = _CLOSED
        self._torn_at = None

    def _is_open(self) -> bool:
        # Where fstat has failed there is no identity, which is what a closed descriptor has as well.
        return self._descriptor >= 0 and identity(self._descriptor) == self._identity != _NO_FILE

    def _reopen(self, error: OSError) -> None:
        if error.errno != errno.EBADF:
            raise error
        # The other files have lost theirs as well, and their numbers may be given out again.
        AppendFile._closings += 1
        self.open()

    def _cut(self, end: int) -> None:
        # Remembered first: if the cut fails too, nothing is appended until it has worked.
        self._torn_at = end
        os.ftruncate(self._descriptor, end)
        self._torn_at = None


def out_of_the_way(descriptor: int) -> int:
    """Return the same open file under a high number, where there are such."""
    try:
        higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    except OSError:
        # `ulimit -n` is lower than that.
        return descriptor
    os.close(descriptor)
    return higher


def identity(descriptor: int) -> tuple[int, int]:
    """Return what tells an open file from all others; of no file, if the descriptor is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return _NO_FILE
    return (found.st_dev, found.st_ino)


def sync(descriptor: int) -> None:
    """Make a file or a folder survive a power loss, if it is of a kind that can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        # So do /dev/null and, on some file systems, folders answer.
        if error.errno != errno.EINVAL:
            raise
