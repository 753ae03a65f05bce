"""
The journal of an uploader, read by its writer from an open descriptor, so that its removal hides nothing.

The writer makes the file and keeps it open. When the spool is removed, a copy is put back at once for whoever
delivers the spool next. The uploader writes on into the file without a name until it leaves, so the copy is
completed when the next one starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.descriptors import GROWING, DescriptorLost, Identity, identity_at
from lab_workbook_writer.news import News
from lab_workbook_writer.place import Fill, Tree

Event = dict[str, Any]

# A long run publishes thousands of times, and nobody here asks what.
_NOT_KEPT: Final = frozenset({"sending", "publishing", "published", "removed", "progress"})


class JournalReader:
    """What the uploader has reported so far; ``news`` hears of all that is new."""

    # It holds no rows; see `restorer.Kept`.
    rows = 0
    lost_rows = 0

    def __init__(self, spool: str, news: News) -> None:
        self._tree = Tree(spool)
        self._path = spool + _spec.LAYOUT_JOURNAL
        self._file = AppendFile(self._open_file)
        self._copy: Identity | None = None
        self._news = news
        self._events: list[Event] = []
        self._reading = threading.Lock()
        self._size = 0
        # The number of events so far that report bytes that have arrived.
        self.steps = 0
        # Artifacts whose bytes are gone, and of which no later version was uploaded.
        self.lost_artifacts: set[str] = set()

    def all(self, name: str) -> list[Event]:
        self.read()
        return [event for event in self._events if event.get("event") == name]

    def last(self, name: str) -> Event | None:
        return next(iter(self.all(name)[-1:]), None)

    def has(self, *names: str) -> bool:
        self.read()
        return any(event.get("event") in names for event in self._events)

    def read(self) -> None:
        """Read on; whoever comes while another thread reads does without."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            self._read_on()
        except OSError:
            return
        finally:
            self._reading.release()

    def is_at(self, path: str) -> bool:
        """Return whether the journal, or the copy that was put back, is at its path."""
        found = identity_at(path)
        return found is None or found == self._copy or self._file.is_at(path)

    def restore(self, put: Callable[[Fill], object]) -> None:
        """
        Put a copy back; the uploader may still write into the journal that was removed.

        Raises:
            OSError: the disk refuses just now.
        """
        try:
            put(self._file.copy)
        except DescriptorLost:
            self._file.close()
            self._file.open()
        self._copy = identity_at(self._path)

    def open(self) -> None:
        """
        Make sure that the next uploader finds all that is known; the last one has left.

        Raises:
            OSError: the disk refuses just now.
        """
        if self._file.is_at(self._path):
            self._file.open()
        else:
            self._file.restore(lambda fill: self._tree.put(_spec.LAYOUT_JOURNAL, fill))
        self._copy = None

    def _open_file(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return os.open(self._path, GROWING)
        known = b"".join(json.dumps(event).encode() + b"\n" for event in self._events)
        self._size = len(known)
        return self._tree.create_series(_spec.LAYOUT_JOURNAL, known)

    def _read_on(self) -> None:
        self._file.open()
        lines, line_feed, _ = self._file.read(self._size).rpartition(b"\n")
        self._size += len(lines) + len(line_feed)
        for line in lines.split(b"\n"):
            # A line that a full disk tore says nothing, and must not stop the others.
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self._take(event)

    def _take(self, event: Event) -> None:
        kind, name = event.get("event"), str(event.get("name"))
        # Attempts, restarts and trouble can go on for ever without progress.
        self.steps += kind in _spec.SPOOL_PROGRESS_EVENTS
        if kind == "lost":
            self.lost_artifacts.add(name)
        elif kind == "published":
            self.lost_artifacts.discard(name)
        if kind not in _NOT_KEPT:
            self._news.hear(event, time.monotonic())
            self._events.append(event)
