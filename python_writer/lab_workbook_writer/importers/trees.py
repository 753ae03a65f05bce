"""
Folders of strangers: the plain files below a path, and no others.

A link could lead to any file of whoever imports, and a pipe would wait for ever; neither is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from lab_workbook.errors import Unreadable


class Plain(NamedTuple):
    """A plain file: its path, and its name below the folder, with slashes."""

    path: str
    name: str


def folders(path: str) -> Iterator[tuple[str, str]]:
    """Yield a folder and all below it, with their names below it; its own is ``.``; in their order."""
    todo = [(path, ".")]
    while todo:
        here, name = todo.pop()
        yield here, name
        below = [entry.name for entry in _entries(here) if entry.is_dir(follow_symlinks=False)]
        prefix = "" if name == "." else f"{name}/"
        todo += [(os.path.join(here, each), prefix + each) for each in reversed(below)]


def files(path: str) -> list[Plain]:
    """Return the plain files in a folder, and not those below it, in their order."""
    return [
        Plain(os.path.join(path, entry.name), entry.name)
        for entry in _entries(path)
        if entry.is_file(follow_symlinks=False)
    ]


def all_files(path: str) -> Iterator[Plain]:
    """Yield the plain files below a folder."""
    for folder, name in folders(path):
        for each in files(folder):
            yield Plain(each.path, each.name if name == "." else f"{name}/{each.name}")


def others(path: str) -> int:
    """Return how many links, pipes and the like lie below a folder."""
    return sum(
        not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
        for folder, _ in folders(path)
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
