"""
Locks that the kernel lets go of when their holder dies, however that happens.

>>> with locked("~/.local/state/lab-workbook/.orphans-lock") as held:
...     print(held)
True
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def locked(path: str) -> Iterator[bool]:
    """Hold a lock file for the length of a ``with``, without waiting; gives whether it could be had."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it before may have removed the file, and another may hold its successor.
        held = os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        held = False
    try:
        yield held
    finally:
        os.close(descriptor)
