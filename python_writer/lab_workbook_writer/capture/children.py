"""Exit statuses of the programs that a capture runs, where the script was started with SIGCHLD ignored."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def kept_exit_statuses() -> Iterator[None]:
    """
    Let the kernel keep the exit statuses of children for the length of a ``with``.

    A parent that ignores SIGCHLD passes that on, and `subprocess` then reports 0 for every child: git would
    seem to succeed where there is no repository.
    """
    # Only the main thread may change what a signal does.
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
