"""
Ends an uploader that computes and does nothing else, so that another one can take over.

>>> watchdog = Watchdog()
>>> while has_work():
...     watchdog.rearm()

Python itself may loop for ever: where memory has run out, it can fail to build the traceback of a
MemoryError, and tries again. No other thread runs then, and no handler. So the kernel counts the CPU time,
and ends the process by SIGPROF. A process that waits, or is stopped, uses none.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Final

# Of all threads; between two turns they take milliseconds, and seconds where a journal is huge.
CPU_SECONDS: Final = 120.0


class Watchdog:
    """A timer of CPU time that ends the process, unless it is set back before."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        # The script may have ignored it; its children inherit that.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def rearm(self) -> None:
        """Give the process its CPU time anew."""
        # Some sandboxes have no such timers.
        with contextlib.suppress(OSError):
            signal.setitimer(signal.ITIMER_PROF, self._cpu_seconds)
