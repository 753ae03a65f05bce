"""How deliveries are faring: the trouble that the writer is told of, and how long nothing has moved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from lab_workbook.errors import warn

from lab_workbook_writer.awake import AwakeClock
from lab_workbook_writer.uploader.journal import Journal

# A writer that waits at its end needs an event of progress now and then.
_PROGRESS_SECONDS: Final = 5.0

# The most that is read of a transfer while nothing of it has arrived: two parts of a large object, or what
# the kernels on both sides buffer.
_UNSENT_BYTES: Final = 16 * 1024 * 1024

# A request may take a minute to time out, and is sent again then; its user should hear of it before.
_SILENCE_SECONDS: Final = 15.0


class Weather:
    """Hears of every attempt, and tells the journal when things change."""

    def __init__(self, journal: Journal, clock: Callable[[], float] | None = None) -> None:
        # An uploader that takes over is the one to say that things work again.
        self.trouble = journal.trouble
        self._journal = journal
        self._lock = threading.Lock()
        self._clock = clock or AwakeClock()
        self._moved_at = self._said_at = self._heard_at = self._clock()
        self._furthest = 0

    def report(self, error: Exception | None) -> None:
        """Take note that requests work, or why one did not."""
        # One line of the journal becomes one line of the script's stderr.
        message = "" if error is None else " ".join(str(error).split()) or type(error).__name__
        with self._lock:
            self._heard_at = self._clock()
            if not message:
                self._moved_at = self._heard_at
        self._change(message)

    def watch(self, seconds_under_way: float) -> None:
        """Take note for how long the oldest request has been under way: silence is trouble as well."""
        if seconds_under_way < _SILENCE_SECONDS or self.trouble:
            return
        with self._lock:
            silence = min(self._clock() - self._heard_at, seconds_under_way)
        if silence >= _SILENCE_SECONDS:
            self._change(f"the server has not answered for {silence:.0f} s")

    def _change(self, message: str) -> None:
        with self._lock:
            before, self.trouble = self.trouble, message
        if message and not before:
            warn(message)
            self._journal.say("trouble", message=message)
        elif before and not message:
            self._journal.say("recovered")

    def moved(self, position: int) -> None:
        """Note progress: a line of the queue (0), or the position up to which a transfer was read."""
        now = self._clock()
        with self._lock:
            # Neither bytes that are sent again are progress, nor those that may not have left this machine.
            if self.trouble and 0 < position <= max(self._furthest, _UNSENT_BYTES):
                return
            self._furthest = max(self._furthest, position) if self.trouble else position
            self._moved_at = now
            if position > 0:
                self._heard_at = now
            is_news = position > 0 and now - self._said_at >= _PROGRESS_SECONDS
            if is_news:
                self._said_at = now
        if is_news:
            self._journal.say("progress")

    def idle(self) -> float:
        """Return for how many seconds nothing has moved."""
        with self._lock:
            return self._clock() - self._moved_at
