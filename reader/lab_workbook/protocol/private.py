"""
Files and folders that no other user of a machine can read, foresee or replace.

>>> with replacing("report.html") as file:
...     file.write(b"<!doctype html>")
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO


def make_folders(path: str) -> None:
    """
    Make a folder and those above it, each of them with mode 0700; one that exists keeps its mode.

    ``os.makedirs`` gives its mode to the last folder alone.

    Raises:
        OSError: one of them cannot be made, or is a file.
    """
    path = path.rstrip("/") or "/"
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path) or "."
    for folder in reversed(missing):
        _make(folder)


def _make(folder: str) -> None:
    try:
        os.mkdir(folder, mode=0o700)
    except FileExistsError:
        # Another process was faster.
        if not os.path.isdir(folder):
            raise


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """
    Open a new file that takes the place of another one when it is whole; after an exception it is removed.

    It is made beside that one, because only within a file system a file is replaced in one step, under a
    random name: a link that waits under a name that can be guessed would have its target overwritten.

    Raises:
        OSError: it cannot be made or written.
    """
    # Not with the name in it, which may be as long as a name can be.
    partial = os.path.join(os.path.dirname(path), f".{os.urandom(8).hex()}.part")
    # The umask decides about the mode, as for any file that a user asks for.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
