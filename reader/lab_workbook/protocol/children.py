"""Exit statuses of child processes in a process that was started with SIGCHLD ignored."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def kept_exit_statuses() -> Iterator[bool]:
    """
    Let the kernel keep the exit statuses of children for the length of a ``with``; yield whether it does.

    A parent that ignores SIGCHLD passes that on, and `subprocess` then reports 0 for every child: git would
    seem to succeed where there is no repository. Only the main thread can change that.

    >>> with kept_exit_statuses() as are_kept:
    ...     done = subprocess.run(["git", "cat-file", "-e", commit])
    """
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN:
        yield True
        return
    if threading.current_thread() is not threading.main_thread():
        yield False
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield True
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
