"""
A file of the caller on its way into an experiment: copied, or given away.

>>> with Source("model.pt", move=True) as source:
...     place.save("model.pt", source.fill, source.discard)
...     source.let_go()

It is never a hard link, because the caller may write on into a file of theirs, and what is recorded
must not change. Where the file system can (Btrfs, XFS, ...), a copy shares its blocks with the original
until one of them changes; elsewhere it has the holes of the original. A file that is given away is renamed,
and not copied at all.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final

from lab_workbook.errors import InvalidValue, warn

from lab_workbook_writer.guard import for_caller
from lab_workbook_writer.place import remove

# ioctl_ficlone(2); Python has no name for it.
_FICLONE: Final = 0x40049409
_BLOCK_BYTES: Final = 1 << 20


# What open(2) answers because of the path: there is no such file, it is not one, or it may not be read. Every
# other errno (no descriptors, an I/O error, a stale handle of NFS) is about the machine.
_ABOUT_THE_PATH: Final = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV),
)


class Source:
    """
    A file to save, open from here on; with ``move`` it disappears from its place once it is saved.

    Raises:
        OSError: there is no such file, or it may not be read; only this is marked as `guard.for_caller`.
        InvalidValue: this is not a path.
    """

    def __init__(self, path: str | os.PathLike[str], *, move: bool = False) -> None:
        self._path = _checked(path)
        self._move = move
        self._is_renamed = False
        self._is_copied = False
        try:
            self._file = open(self._path, "rb")  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            if error.errno in _ABOUT_THE_PATH:
                for_caller(error)
            raise

    def __enter__(self) -> Source:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Nothing was written to it, so no fault that close reports can concern what is saved.
        with contextlib.suppress(OSError):
            self._file.close()

    def fill(self, target: str) -> None:
        """Make the new file ``target``."""
        if self._move and self._is_ours_alone() and self._rename(target):
            return
        with open(target, "xb") as copy:
            if not _clone(self._file, copy):
                _copy(self._file, copy)
        self._is_copied = True

    def discard(self, target: str) -> None:
        """Remove what `fill` has made, because it cannot be used; a file that was renamed goes back."""
        if self._is_renamed:
            with contextlib.suppress(OSError):
                os.rename(target, self._path)
                self._is_renamed = False
                return
            warn(f"{target} is {self._path}, which could be neither saved nor put back")
        else:
            remove(target)

    def let_go(self) -> None:
        """Remove the original of a file that was given away and is saved."""
        # A workbook that is switched off asks for no copy.
        if self._move and self._is_copied:
            try:
                os.unlink(self._path)
            except OSError as error:
                warn(f"{self._path} is saved, and cannot be removed: {error.strerror or error}")

    def _is_ours_alone(self) -> bool:
        """Say whether a rename would take all of the file: no link to it, and none of its other names."""
        status = os.lstat(self._path)
        is_same = os.path.samestat(status, os.fstat(self._file.fileno()))
        return is_same and stat.S_ISREG(status.st_mode) and status.st_nlink == 1

    def _rename(self, target: str) -> bool:
        try:
            os.rename(self._path, target)
        except OSError:
            # On another file system, or in a folder that is not ours: copied then.
            return False
        self._is_renamed = True
        return True


def _checked(path: object) -> str:
    try:
        text = os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        text = "\0"
    if "\0" in text:
        raise InvalidValue("kind.replace", f"save_file takes the path of a file, not {path!r}")
    return text


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy an open file, and leave holes where it has holes: a sparse file takes no more disk than before."""
    descriptor = source.fileno()
    size = os.fstat(descriptor).st_size
    for start, end in _extents(descriptor, size):
        position = start
        target.seek(position)
        # At a position, because `_extents` moves the one that `source.read` would read from.
        while position < end and (block := os.pread(descriptor, min(_BLOCK_BYTES, end - position), position)):
            target.write(block)
            position += len(block)
    source.seek(size)
    target.seek(size)
    # The file has grown meanwhile, or is one of /proc, whose size is 0.
    while more := source.read(_BLOCK_BYTES):
        target.write(more)
    target.truncate()


def _extents(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of an open file that are stored; the others are holes, which read as zeros."""
    end = 0
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
            end = os.lseek(source, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                # Nothing but a hole follows.
                return
            # This file system cannot tell: all may be data.
            start, end = end, size
        yield start, min(end, size)


def _clone(source: IO[bytes], target: IO[bytes]) -> bool:
    """Let a file share the blocks of another, where the file system can; returns whether it could."""
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True
