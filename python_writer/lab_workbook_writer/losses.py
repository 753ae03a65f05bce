"""
What did not reach the disk, or not as it was given: said once, counted, and told in end.json.

A training script is never stopped for any of it.
"""

from __future__ import annotations

import threading

from lab_workbook.errors import warn
from lab_workbook.protocol import _spec

_SENTENCES = {
    _spec.LOSS_ROWS: "a row was lost",
    _spec.LOSS_ARTIFACTS: "an artifact was lost",
    _spec.LOSS_TEXTS: "a text was not valid UTF-8 or held NUL, and was written with U+FFFD in those places",
    _spec.LOSS_INTEGERS: "an integer beyond 64 bits was written as the nearest floating-point number",
}


class Losses:
    """The losses of one workbook, each kind warned of once."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(_SENTENCES, 0)
        # Reentrant, because a signal handler may lose a row as well.
        self._lock = threading.RLock()
        self._said: set[str] = set()

    def add(self, kind: str, why: object = "") -> None:
        """Count a loss of a kind of `_spec`'s ``LOSS_*``; ``why`` is told with the first of its kind."""
        with self._lock:
            self._counts[kind] += 1
        reason = f" ({why})" if why else ""
        self.say_once(kind, f"{_SENTENCES[kind]}{reason}; all such are counted in end.json, said only once")

    def say_once(self, about: str, message: str) -> None:
        """Warn, if nothing was said about this before."""
        with self._lock:
            if about in self._said:
                return
            self._said.add(about)
        warn(message)

    def counts(self) -> dict[str, int]:
        """Return how many of each kind there were."""
        with self._lock:
            return dict(self._counts)

    def after_fork(self) -> None:
        """Take a new lock: the thread that held the old one may not exist in this process."""
        self._lock = threading.RLock()
