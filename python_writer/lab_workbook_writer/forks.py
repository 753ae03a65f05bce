"""
Detection of forked processes, which have a copy of every open workbook and must not use it.

`os.register_at_fork` reports the forks that Python makes. A fork by a library in C runs no Python code in the
child, so the child has to notice by itself: by `own_page` at each row, by `check` whenever something else is
written, flushed or ended.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Callable
from typing import Final

# madvise(2), since Linux 4.14; Python has no name for it.
_MADV_WIPEONFORK: Final = 18

_listeners: list[Callable[[], None]] = []


def check() -> None:
    """Call all that `listen` was given, if this process was forked since the last call."""
    global _pid
    # The id alone is not enough: in another namespace a child may have the id of its parent.
    if os.getpid() == _pid and own_page[0]:
        return
    _pid, own_page[0] = os.getpid(), 1
    for listener in _listeners:
        listener()


def listen(listener: Callable[[], None]) -> None:
    """Have a function called in each forked child, at the latest when it calls `check`."""
    _listeners.append(listener)


def _emptied_by_fork() -> mmap.mmap | bytearray:
    """Return memory whose first byte is 1, and 0 in a child of this process where the kernel can do that."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.platform == "linux":
            page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            page.madvise(_MADV_WIPEONFORK)
            page[0] = 1
            return page
    return bytearray(b"\1")


_pid = os.getpid()

# Memory whose first byte is 0 in a child that `check` has not seen yet. Reading it costs 1 % of a row, and
# getpid(2) 5 %. Where the kernel cannot empty memory in a child, it is always 1, and only `check` notices.
own_page: Final = _emptied_by_fork()

# This cannot be taken back; with nothing open it does nothing.
os.register_at_fork(after_in_child=check)
