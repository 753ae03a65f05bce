"""
Folders of strangers: the plain files below a path, and no others.

A link could lead to any file of whoever imports, and a pipe would wait for ever; neither is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec

#: Called with the name of a folder that is left out, and the reason.
Skipped = Callable[[str, str], object]

# Each part of a name has a byte and a slash.
_DEEPEST: Final = _spec.NAME_MAX_BYTES // 2


class Plain(NamedTuple):
    """A plain file: its path, and its name below the folder, with slashes."""

    path: str
    name: str


def folders(path: str, skipped: Skipped) -> Iterator[tuple[str, str]]:
    """
    Yield a folder and all below it, with their names below it; its own is ``.``; in their order.

    One below it that cannot be listed, or is deeper than the name of an artifact can be, is left out and
    given to ``skipped`` with the reason.

    Raises:
        Unreadable: the folder itself cannot be listed.
    """
    todo = [(path, ".")]
    while todo:
        here, name = todo.pop()
        if name.count("/") >= _DEEPEST:
            skipped(name, f"{here} is deeper than {_DEEPEST} folders")
            continue
        try:
            below = [entry.name for entry in _entries(here) if entry.is_dir(follow_symlinks=False)]
        except Unreadable as error:
            if name == ".":
                raise
            skipped(name, str(error))
            continue
        yield here, name
        prefix = "" if name == "." else f"{name}/"
        todo += [(os.path.join(here, each), prefix + each) for each in reversed(below)]


def files(path: str) -> list[Plain]:
    """Return the plain files in a folder, and not those below it, in their order."""
    return [
        Plain(os.path.join(path, entry.name), entry.name)
        for entry in _entries(path)
        if entry.is_file(follow_symlinks=False)
    ]


def all_files(path: str, skipped: Skipped) -> Iterator[Plain]:
    """Yield the plain files below a folder; ``skipped`` is as in `folders`."""
    for folder, name in folders(path, skipped):
        for each in files(folder):
            yield Plain(each.path, each.name if name == "." else f"{name}/{each.name}")


def others(path: str) -> int:
    """Return how many links, pipes and the like lie below a folder."""
    return sum(
        not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
        for folder, _ in folders(path, lambda _name, _why: None)
        for entry in _entries(folder)
    )


def opened(path: str) -> BinaryIO:
    """
    Open a plain file.

    Raises:
        Unreadable: it is none, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        # Between the listing and this somebody may have put a pipe in its place.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable(f"{path} is no plain file")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error
    return os.fdopen(descriptor, "rb")


def read(path: str, most: int) -> bytes:
    """
    Return the bytes of a small file.

    Raises:
        Unreadable: it has more than ``most``, or cannot be read.
    """
    with opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Unreadable(f"{path} has more than {most} bytes, which is not what such a file holds")
    return data


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise Unreadable(f"{path} cannot be listed: {error.strerror or error}") from error


def base(path: str) -> str:
    """Return the last part of a path, also where it is spelled ``.``."""
    return os.path.basename(os.path.abspath(path))
