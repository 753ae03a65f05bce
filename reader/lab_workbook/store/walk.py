"""
The files below a folder: no link is followed, and three descriptors are enough for any tree.

A folder comes from strangers, and folders in it may be nested without end, or may not be read. So the tree is
walked in a loop, no deeper than the name of an artifact can reach, and what is left out is reported.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from lab_workbook.protocol import _spec, names

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

#: How many folders may be inside of each other: each part of a name has a byte and a slash, and the protocol
#: puts three folders around the names of segments, and one around an experiment.
DEEPEST: Final = _spec.NAME_MAX_BYTES // 2 + 4

# Gone since the listing, or replaced by a link or a file.
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: Called with the path of a folder that is left out, and its error; None if it is too deep.
Skipped = Callable[[str, OSError | None], None]
Found = tuple[str, os.stat_result]


def files(folder: int, prefix: str, skipped: Skipped) -> Iterator[Found]:
    """
    Yield the files in a folder and below it, each with its key, in no particular order.

    ``folder`` is a descriptor, and ``prefix`` its own key with a slash behind, or nothing. A folder that is
    too deep, or that cannot be read, is left out and given to ``skipped``.
    """
    here, below = _split(scan(folder))
    yield from ((prefix + name, status) for name, status in here)
    todo: list[tuple[tuple[str, ...], list[str]]] = [((), below)] if below else []
    while todo:
        parts, inner = todo.pop()
        place = prefix + "".join(f"{part}/" for part in parts)
        if place.count("/") >= DEEPEST:
            skipped(place, None)
            continue
        # It is opened again for the folders in it, so that none stays open while another is walked.
        with _descended(folder, parts) as parent:
            if parent is None:
                continue
            for name in inner:
                try:
                    with inside(name, parent) as descriptor:
                        here, below = _split(scan(descriptor))
                except OSError as error:
                    if error.errno not in _GONE:
                        skipped(f"{place}{name}", error)
                    continue
                yield from ((f"{place}{name}/{each}", status) for each, status in here)
                if below:
                    todo.append(((*parts, name), below))


def scan(folder: int, beginning: str = "") -> Iterator[Found]:
    """Yield the names in a folder that are safe parts of a path, and what they are."""
    for name in filter(lambda name: name.startswith(beginning), os.listdir(folder)):
        # What has gone since the listing is not there any more.
        with contextlib.suppress(FileNotFoundError):
            if names.is_safe_path(name):
                yield name, os.stat(name, dir_fd=folder, follow_symlinks=False)


@contextlib.contextmanager
def inside(name: str, folder: int) -> Iterator[int]:
    """Open a folder in a folder, which must not be a link."""
    descriptor = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def descend(folder: int, parts: Sequence[str]) -> int:
    """
    Return a new descriptor of a folder below another one, reached part by part so that no link is followed.

    Raises:
        OSError: one of the parts is not there, is a link, or may not be read.
    """
    descriptor = os.dup(folder)
    for part in parts:
        try:
            following = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


@contextlib.contextmanager
def _descended(folder: int, parts: Sequence[str]) -> Iterator[int | None]:
    """Open a folder by its parts; None if it has gone since it was listed."""
    try:
        descriptor = descend(folder, parts)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _split(found: Iterator[Found]) -> tuple[list[Found], list[str]]:
    """Return the files of a folder, and the names of the folders in it."""
    here, below = [], []
    for name, status in found:
        if stat.S_ISREG(status.st_mode):
            here.append((name, status))
        elif stat.S_ISDIR(status.st_mode):
            below.append(name)
    return here, below
