"""
A clock for patience: the seconds in which this process could have noticed something.

A process that was stopped (SIGSTOP, as by a scheduler that suspends a job) finds that an hour has passed, and
has waited for none of it. So the time between two looks counts as a few seconds at most.

>>> now = AwakeClock()
>>> began = now()
>>> now() - began < 1
True
"""

from __future__ import annotations

import threading
import time
from typing import Final

# Longer than any pause between two looks, also on a busy machine.
_LONGEST_PAUSE: Final = 5.0


class AwakeClock:
    """Seconds that never go back; whoever waits has to ask every few seconds. Several threads may."""

    def __init__(self) -> None:
        self._asked_at = time.monotonic()
        self._awake = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            now = time.monotonic()
            self._awake += min(now - self._asked_at, _LONGEST_PAUSE)
            self._asked_at = now
            return self._awake
