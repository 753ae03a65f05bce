"""
A file that only grows, and only by whole pieces: a series by rows, the queue by lines.

One `os.write` a piece on an ``O_APPEND`` descriptor: a piece that was appended survives the death of
the process, and no other thread's piece lands inside of it. What a full disk took of a piece is cut
off again before the next one, so that nothing torn is ever followed by anything. A file that was removed
or replaced can be restored from the open descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable
from typing import ClassVar, Final

from lab_workbook_writer import forks
from lab_workbook_writer.descriptors import (
    GROWING,
    NO_FILE,
    DescriptorLost,
    copy_range,
    identity,
    identity_at,
    out_of_the_way,
    sync,
)
from lab_workbook_writer.forks import own_page

Opener = Callable[[], int]

_CLOSED: Final = -1
_BLOCK_BYTES: Final = 1 << 20


class AppendFile:
    """
    A growing file; ``opener`` returns a descriptor, and is asked when the first piece comes.

    ``rows`` counts what the open file holds, and ``lost_rows`` what files held that are gone.

    An opener that fails is asked again for the next piece, so a disk that was full for a while costs
    the pieces of that while and no more. A script may close descriptors that it does not know, as
    daemons do: the opener is then asked again, and a number that is another file's by now is left alone.

    With ``is_known`` the opener can write all pieces again, so none of them is kept of a truncated file.
    """

    # How often a descriptor of any of these files was found closed.
    _closings: ClassVar[int] = 0

    def __init__(self, opener: Opener, *, is_known: bool = False) -> None:
        self._opener = opener
        self._is_known = is_known
        self._descriptor = _CLOSED
        # What was open when no more pieces were taken.
        self._last = _CLOSED
        self._is_stopped = False
        self._identity = NO_FILE
        self.rows = 0
        self.lost_rows = 0
        # The least number of bytes that the open file has, now and at the last `is_cut`.
        self._size = 0
        self._size_seen = 0
        self._closings_seen = 0
        self._torn_at: int | None = None
        # Reentrant, because a signal handler may append while its own thread is in here.
        self._lock = threading.RLock()

    def append(self, piece: bytes, rows: int = 1) -> None:
        """
        Append all of a piece or nothing of it; ``rows`` is what it counts for.

        Raises:
            OSError: the disk refused it.
        """
        # Before the lock, which another thread of the parent may have held: a fork gets a new one, and the
        # opener then leads to no file of the parent's.
        if not own_page[0]:
            forks.check()
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
            self.rows += rows
            self._size += written

    def open(self) -> None:
        """
        Make sure that the file is there and ends with a whole piece.

        Raises:
            OSError: the disk refuses just now.
        """
        with self._lock:
            self._closings_seen = AppendFile._closings
            if not self._is_ours(self._descriptor):
                self._use(out_of_the_way(self._opener()))
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

    def read(self, start: int, size: int | None = None) -> bytes:
        """
        Return the bytes from a position on, or ``size`` of them, also of a file that was removed.

        Raises:
            OSError: the file is not open, or cannot be read.
        """
        with self._lock:
            descriptor = self._readable()
            whole = max(0, os.fstat(descriptor).st_size - start)
            return os.pread(descriptor, whole if size is None else min(size, whole), start)

    def is_at(self, path: str) -> bool:
        """Return whether a path leads to the open file; True if no file was opened yet."""
        return self._identity == NO_FILE or identity_at(path) in (self._identity, None)

    def is_cut(self) -> bool:
        """Return whether the open file was truncated: it is shorter than what was appended."""
        size = self._size
        if self._size_on_disk() >= size:
            self._size_seen = size
            return False
        with contextlib.suppress(OSError):
            # Network file systems may report a size that lacks the latest writes.
            self.sync()
        return self._size_on_disk() < size

    def begin_again(self, path: str) -> None:
        """
        Go on after a truncation: keep the rows before it, count the others, and ask the opener for a file.

        Later rows would follow half of a row, and a series needs its header. Rows that were appended since
        the last `is_cut` may be on either side of the truncation, so they are not kept. An empty file is
        removed, so that the opener creates the next one.

        Raises:
            OSError: the disk refuses just now.
        """
        with self._lock:
            descriptor = self._readable()
            sure = os.fstat(descriptor).st_size - (self._size - self._size_seen)
            rows, end = (0, 0) if self._is_known else _whole_rows(descriptor, sure)
            # The header is not a row.
            kept = min(self.rows, max(0, rows - 1))
            os.ftruncate(descriptor, end)
            if end == 0 and identity_at(path) == self._identity:
                os.unlink(path)
            self.lost_rows, self.rows = self.lost_rows + self.rows - kept, kept
            self._size = self._size_seen = end
            self._torn_at = None
            if self._is_stopped:
                return
            self._let_go()
            try:
                self.open()
            finally:
                # Only now, so that the next file has another inode, by which the uploader knows it.
                os.close(descriptor)

    def copy(self, path: str) -> None:
        """
        Write a new file with all pieces.

        Raises:
            DescriptorLost: they cannot be read again.
            OSError: the new file cannot be written.
        """
        with self._lock:
            os.close(self._copied(path)[0])

    def restore(self, put: Callable[[Callable[[str], object]], object]) -> None:
        """
        Let ``put`` move a copy of the file to its path, and append to the copy from now on.

        Where nothing can be read any more, the rows are counted as lost and the opener is asked for a file.

        Raises:
            OSError: the disk refuses just now.
        """
        with self._lock:
            try:
                self._move_to_copy(put)
            except DescriptorLost:
                self._count_as_lost()
                self.close()
                if not self._is_stopped:
                    self.open()

    def stop(self) -> None:
        """Take no more pieces: the opener is asked. The file can be restored until it is closed."""
        with self._lock:
            self._is_stopped = True
            self._cut_torn_piece()
            if self._is_ours(self._descriptor):
                self._last = self._descriptor
            self._descriptor = _CLOSED

    def close(self) -> None:
        """Let go of the file; the opener answers whoever appends from now on."""
        with self._lock:
            self._cut_torn_piece()
            with contextlib.suppress(OSError):
                os.close(self._readable())
            self._let_go()

    def forget(self) -> None:
        """
        Leave the descriptor to another process, as a forked child must, and ask the opener again.

        The lock is new, because the thread that held the old one may not exist here.
        """
        self._lock = threading.RLock()
        self._let_go()

    def _use(self, descriptor: int) -> None:
        found = identity(descriptor)
        if found == NO_FILE:
            # Without an identity it would be taken for another file than before, whose rows are gone.
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise OSError(errno.EIO, "the file was opened, and fstat fails")
        before, self._identity, self._descriptor = self._identity, found, descriptor
        if before != found:
            self._size = self._size_seen = os.fstat(descriptor).st_size
        if before not in (NO_FILE, found):
            # The script has closed the descriptor, and its file is not at the path any more.
            self._count_as_lost()

    def _let_go(self) -> None:
        self._descriptor = self._last = _CLOSED
        self._identity = NO_FILE
        self._torn_at = None

    def _cut_torn_piece(self) -> None:
        # Not by `open`, which may ask the opener, and that refuses when the experiment has ended.
        if self._torn_at is not None and self._is_ours(self._descriptor):
            with contextlib.suppress(OSError):
                self._cut(self._torn_at)

    def _is_ours(self, descriptor: int) -> bool:
        # Where fstat has failed there is no identity, which is what a closed descriptor has as well.
        return descriptor >= 0 and identity(descriptor) == self._identity != NO_FILE

    def _readable(self) -> int:
        descriptor = self._descriptor if self._descriptor >= 0 else self._last
        if not self._is_ours(descriptor):
            raise DescriptorLost(errno.EBADF, "the script has closed its descriptor")
        return descriptor

    def _move_to_copy(self, put: Callable[[Callable[[str], object]], object]) -> None:
        target, end = _CLOSED, 0

        def fill(path: str) -> None:
            nonlocal target, end
            target, end = self._copied(path)

        try:
            put(fill)
        except BaseException:
            if target >= 0:
                os.close(target)
            raise
        source, target = self._readable(), out_of_the_way(target)
        if self._descriptor >= 0:
            self._descriptor = target
        else:
            self._last = target
        self._identity, self._torn_at = identity(target), None
        # A signal handler may have appended a row since the copy was made.
        copy_range(source, target, end)
        os.close(source)

    def _copied(self, path: str) -> tuple[int, int]:
        """Copy all whole pieces to a new file; return its descriptor, and where the copy has ended."""
        source = self._readable()
        target = os.open(path, GROWING | os.O_CREAT | os.O_EXCL, os.fstat(source).st_mode & 0o777)
        try:
            return target, copy_range(source, target, 0, self._torn_at)
        except BaseException:
            os.close(target)
            raise

    def _count_as_lost(self) -> None:
        self.lost_rows += self.rows
        self.rows = 0

    def _reopen(self, error: OSError) -> None:
        if error.errno != errno.EBADF:
            raise error
        # The other files have lost theirs as well, and their numbers may be given out again.
        AppendFile._closings += 1
        self.open()

    def _cut(self, end: int) -> None:
        # Remembered first: if the cut fails too, nothing is appended until it has worked.
        self._torn_at = end
        # Never longer than it is: somebody may have truncated it meanwhile.
        os.ftruncate(self._descriptor, min(end, os.fstat(self._descriptor).st_size))
        self._torn_at = None

    def _size_on_disk(self) -> int:
        """Return the size of the open file, or what it should be where that cannot be read."""
        try:
            return os.fstat(self._readable()).st_size
        except OSError:
            return self._size


def _whole_rows(descriptor: int, end: int) -> tuple[int, int]:
    """Count the rows, the header included, before a position; return their number and where they end."""
    rows = whole = position = 0
    is_quoted = False
    while position < end and (block := os.pread(descriptor, min(_BLOCK_BYTES, end - position), position)):
        for part in block.split(b'"'):
            if not is_quoted and (line_feed := part.rfind(b"\n")) >= 0:
                rows += part.count(b"\n")
                whole = position + line_feed + 1
            position += len(part) + 1
            is_quoted = not is_quoted
        # No quote follows the last part of a block.
        position -= 1
        is_quoted = not is_quoted
    return rows, whole
