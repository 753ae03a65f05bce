"""
What a script's user is told of deliveries: a line when they fail, a line when they work again.

A hiccup is not worth a line, and a network that comes and goes all night is worth two a minute at most.

>>> news = News()
>>> news.hear({"event": "trouble", "message": "no route to the bucket"}, now=7.0)
>>> news.line(now=7.1)
>>> news.line(now=9.5)
'nothing reaches the bucket just now (no route to the bucket); training goes on, and it is tried again'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_HICCUP_SECONDS: Final = 2.0
_QUIET_SECONDS: Final = 60.0
_CALM: Final = "training goes on, and it is tried again"


class News:
    """The last word of the journal about deliveries, and what was already said of it."""

    def __init__(self, spool: str = "the spool") -> None:
        self._spool = spool
        self._trouble = ""
        self._since = 0.0
        self._is_said = False
        self._quiet_until = float("-inf")
        self._refusal = ""
        # Another process has sealed the experiment, though its script lives.
        self.is_sealed = False
        self._sealed_by = ""
        self._lost = ""
        self._lost_is_said = False

    def hear(self, event: Mapping[str, Any], now: float) -> None:
        """Take note of an event of the journal."""
        kind = event.get("event")
        if kind == "trouble" and not self._trouble:
            self._trouble, self._since = str(event.get("message") or "for an unknown reason"), now
        elif kind in ("recovered", "claimed", "ended"):
            self._trouble = ""
        elif kind == "refused":
            self._trouble, self._refusal = "", str(event.get("message"))
        elif kind == "sealed" and not self.is_sealed:
            self._trouble, self.is_sealed, self._sealed_by = "", True, str(event.get("by"))
        elif kind == "lost" and not self._lost_is_said:
            self._lost = f"{event.get('name')!r}: {event.get('message')}"

    def was_said(self, now: float) -> None:
        """Take note that the user was told of trouble in other words."""
        # A claim without any answer is trouble before the uploader reports it.
        self._trouble = self._trouble or "no answer"
        self._is_said, self._quiet_until = True, now + _QUIET_SECONDS

    def line(self, now: float) -> str | None:
        """Return what is to be said now, if anything; it then counts as said."""
        if self._refusal:
            message, self._refusal = self._refusal, ""
            self._is_said = False
            return f"nothing will reach the bucket any more ({message}); training goes on, the spool is kept"
        if self._sealed_by:
            by, self._sealed_by = self._sealed_by, ""
            self._is_said = False
            return f"this experiment was sealed by {by}; what it records from now on stays in {self._spool}"
        if self._lost:
            message, self._lost, self._lost_is_said = self._lost, "", True
            return f"an artifact was lost ({message}); all such are counted in end.json, said only once"
        if self._trouble and not self._is_said:
            is_due = now - self._since >= _HICCUP_SECONDS and now >= self._quiet_until
            if is_due:
                self.was_said(now)
                return f"nothing reaches the bucket just now ({self._trouble}); {_CALM}"
        elif self._is_said and not self._trouble:
            self._is_said = False
            return "deliveries to the bucket work again"
        return None
