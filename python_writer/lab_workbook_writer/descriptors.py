"""
Descriptors of files: which file one leads to, and what is in it.

A script may close descriptors that it does not know, and open files of its own under their numbers; a file
may be removed or replaced while it is open. So a file is known by its device and inode.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import Final

# Which file something is, by device and inode.
Identity = tuple[int, int]

NO_FILE: Final[Identity] = (0, 0)

# For files that grow: what was removed is read again by the descriptor, and so restored.
GROWING: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC

# A script that closes descriptors and opens files gets the lowest numbers that are free: never ours.
_OUT_OF_THE_WAY: Final = 512

_BLOCK_BYTES: Final = 1 << 20


class DescriptorLost(OSError):
    """A file cannot be read again by the descriptor that was kept of it."""


def out_of_the_way(descriptor: int) -> int:
    """Return the same open file under a high number, where there are such."""
    try:
        higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    except OSError:
        # `ulimit -n` is lower than that.
        return descriptor
    os.close(descriptor)
    return higher


def open_regular(path: str, flags: int) -> int:
    """
    Open a regular file. A FIFO or a device in its place neither blocks nor is read.

    Raises:
        FileNotFoundError: there is none, or something else is there.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, "it is not a regular file", path)


def identity(descriptor: int) -> Identity:
    """Return which file is open; ``NO_FILE`` if the descriptor is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return NO_FILE
    return (found.st_dev, found.st_ino)


def identity_at(path: str) -> Identity | None:
    """
    Return which file is at a path: ``NO_FILE`` if there is none, None if the system cannot answer.

    A FIFO, a socket or a device is no file that was ever open here: its identity begins with -1.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILE
    except OSError:
        return None
    # It may have got the number of the file that it replaces.
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return (-1, found.st_ino)
    return (found.st_dev, found.st_ino)


def sync(descriptor: int) -> None:
    """Make a file or a folder survive a power loss, if it is of a kind that can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        # So do /dev/null and, on some file systems, folders answer.
        if error.errno != errno.EINVAL:
            raise


def copy_range(source: int, target: int, start: int, end: int | None = None) -> int:
    """
    Append what a file holds from one position to another, or to its end, to a second file.

    Returns:
        The position up to which it was read.

    Raises:
        DescriptorLost: the first file cannot be read.
        OSError: the second file cannot be written.
    """
    while end is None or start < end:
        try:
            block = os.pread(source, _BLOCK_BYTES if end is None else min(_BLOCK_BYTES, end - start), start)
        except OSError as error:
            raise DescriptorLost(error.errno, error.strerror) from error
        if not block:
            break
        start += len(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(target, rest) :]
    return start
