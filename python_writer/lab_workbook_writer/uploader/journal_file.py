r"""
A file of lines that one process appends to, and now and then replaces by a shorter one, in place.

Its readers keep it open, and know it by its inode, so a rename would look to them like a removal. The new
contents are written to a second file first. A process that is killed while it copies them leaves a beginning
of the second file. Later processes read the rest there, and the first one that appends completes the file;
processes that only read write nothing.

>>> file = JournalFile(".../.lab-workbook/journal")
>>> file.append(b'{"event": "claimed"}\n')
>>> file.replace(b'{"event": "compacted"}\n')
True
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from lab_workbook_writer.descriptors import identity, identity_at, sync

# Ends the name of the second file.
NEW_SUFFIX: Final = ".new"

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_BLOCK_BYTES: Final = 1 << 20
_ATTEMPTS: Final = 20


class JournalFile:
    """
    The file at a path, made if it is not there.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._new_path = path + NEW_SUFFIX
        self._descriptor = os.open(path, _FLAGS, 0o600)
        self._identity = identity(self._descriptor)
        # The bytes of the second file that are not yet in this one.
        self._rest = b""
        self._is_torn = False
        # A process that was killed may have left the second file.
        self._may_have_new = True
        # How many bytes the file has, if no other process writes to it.
        self.size = 0

    def read(self) -> bytes:
        """
        Return the whole file.

        Raises:
            OSError: it cannot be read.
        """
        here, self._rest = _snapshot(self._descriptor, self._new_path)
        self.size = len(here)
        data = here + self._rest
        self._is_torn = bool(data) and not data.endswith(b"\n")
        return data

    def append(self, line: bytes) -> None:
        """
        Append a line by one system call.

        Raises:
            OSError: the disk is full.
        """
        if self._rest or self._may_have_new:
            self._copy_rest()
        # A line feed ends what a full disk tore off, so that it spoils no other line.
        line = b"\n" + line if self._is_torn else line
        written = os.write(self._descriptor, line)
        self.size += written
        self._is_torn = written < len(line)

    def replace(self, data: bytes) -> bool:
        """
        Replace all lines; return whether that has begun, and will be completed by whoever appends next.

        It is left undone where the disk is full, and where another process has removed the file, or
        appended to it what this one has not read.
        """
        try:
            is_ours = os.fstat(self._descriptor).st_size == self.size and not self._rest
            if not is_ours or not self.is_in_place():
                return False
            self._write_new(data)
            os.ftruncate(self._descriptor, 0)
        except OSError:
            self._remove_new()
            return False
        self.size, self._is_torn, self._rest = 0, False, data
        with contextlib.suppress(OSError):
            self._copy_rest()
        return True

    def is_in_place(self) -> bool:
        """Return whether this is the file at the path, and not one that was removed or replaced."""
        return identity_at(self._path) in (self._identity, None)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _write_new(self, data: bytes) -> None:
        """Write the second file: the sizes of the new and the old contents, a line feed, the new contents."""
        with open(self._new_path, "wb") as file:
            file.write(b"%d %d\n%b" % (len(data), self.size, data))
            file.flush()
            sync(file.fileno())

    def _remove_new(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._new_path)

    def _copy_rest(self) -> None:
        while self._rest:
            written = os.write(self._descriptor, self._rest)
            self.size += written
            self._rest = self._rest[written:]
        # Before the second file goes, so that a power loss leaves one of them.
        if os.path.exists(self._new_path):
            sync(self._descriptor)
            self._remove_new()
        self._may_have_new = False


def read_whole(path: str) -> bytes:
    """
    Return the contents of a file that another process may be replacing just now, and write nothing.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(_snapshot(descriptor, path + NEW_SUFFIX))
    finally:
        os.close(descriptor)


def _snapshot(descriptor: int, new_path: str) -> tuple[bytes, bytes]:
    """
    Return the bytes of the file, and those of the second file that are still to be copied to it.

    Both are read until they were the same twice: in between, a living process may have cut the file, or
    completed it and removed the second one. A file that only grows is not worth many attempts.
    """
    before = None
    for _ in range(_ATTEMPTS):
        new = _read_new(new_path)
        here = _contents(descriptor)
        if (new, here) == before:
            break
        before = new, here
    return here, _rest(new, here)


def _contents(descriptor: int) -> bytes:
    blocks, start = [], 0
    while block := os.pread(descriptor, _BLOCK_BYTES, start):
        blocks.append(block)
        start += len(block)
    return b"".join(blocks)


def _read_new(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _rest(new: bytes, here: bytes) -> bytes:
    head, _, data = new.partition(b"\n")
    sizes = head.split()
    is_whole = len(sizes) == 2 and all(map(bytes.isdigit, sizes)) and int(sizes[0]) == len(data)
    if not is_whole or here.startswith(data):
        return b""
    if data.startswith(here):
        return data[len(here) :]
    # A file that is shorter than the old one was cut. An uploader of an older version does not look for the
    # second file, and has begun anew; else the file was never cut, and has more than the second one.
    return b"\n" + data if len(here) < int(sizes[1]) else b""
