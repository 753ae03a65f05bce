"""A local folder: can it be written, and how much fits in?"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator

from lab_workbook.doctor.finding import Finding, Level

_LITTLE_BYTES = 1 << 30


def existing(path: str) -> str:
    """Return a folder, or the nearest above it that is there, as long as it has not been made."""
    path = path.rstrip("/") or "/"
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def writable(name: str, path: str) -> Finding:
    """Say whether a folder, or the one that it would be made in, takes a file."""
    there = existing(path)
    try:
        with probe(there):
            pass
    except OSError as error:
        return Finding(name, Level.PROBLEM, f"{path} cannot be written: {error.strerror or error}")
    made = "" if there == (path.rstrip("/") or "/") else " (it does not exist yet, and can be made)"
    return Finding(name, Level.OK, f"{path} can be written{made}")


def space(name: str, path: str) -> Finding:
    """Say how much fits in."""
    status = os.statvfs(existing(path))
    free = status.f_bavail * status.f_frsize
    level = Level.WARNING if free < _LITTLE_BYTES else Level.OK
    return Finding(name, level, f"{path} has room for {free / 1e9:.1f} GB")


@contextlib.contextmanager
def probe(folder: str) -> Iterator[str]:
    """Make a file in a folder for the length of a ``with``."""
    path = os.path.join(folder, f".lab-workbook-doctor-{uuid.uuid4().hex}")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield path
    finally:
        os.unlink(path)
