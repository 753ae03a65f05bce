"""
The journal of an uploader, read by its writer from an open descriptor, so that its removal hides nothing.

The writer makes the file and keeps it open. When the spool is removed, a copy is put back at once for whoever
delivers the spool next. The uploader writes on into the file without a name until it leaves, so the copy is
completed when the next one starts.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.descriptors import GROWING, DescriptorLost, Identity, identity_at, open_regular
from lab_workbook_writer.flushed import Flushed
from lab_workbook_writer.news import News
from lab_workbook_writer.place import Fill, Tree

Event = dict[str, Any]

# A long run publishes thousands of times, and nobody here asks what.
_NOT_KEPT: Final = frozenset(
    {"compacted", "segments", "sending", "publishing", "published", "removed", "progress"}
)

# More than the first line of a compacted journal has.
_HEAD_BYTES: Final = 1000


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
        # The last event of each kind, in the order in which they came; each artifact that is lost has one.
        self._events: dict[tuple[object, str], Event] = {}
        self._flushed = Flushed()
        self._reading = threading.Lock()
        # How much was read of the file that began with this line.
        self._size = 0
        self._head = b""
        # The number of events so far that report bytes that have arrived.
        self.steps = 0
        # Artifacts whose bytes are gone, and of which no later version was uploaded.
        self.lost_artifacts: set[str] = set()

    def last(self, name: str) -> Event | None:
        self.read()
        return self._events.get((name, ""))

    def has(self, *names: str) -> bool:
        self.read()
        return any((name, "") in self._events for name in names)

    def has_flushed(self, number: int) -> bool:
        """Return whether a flush was answered."""
        self.read()
        return number in self._flushed

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

    @staticmethod
    def is_cut() -> bool:
        """Return False: the uploader cuts the journal when it is compacted."""
        return False

    def begin_again(self, path: str) -> None:
        """Do nothing; see `is_cut`."""

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
            return open_regular(self._path, GROWING)
        known = b"".join(json.dumps(event).encode() + b"\n" for event in self._events.values())
        self._size, self._head = len(known), known.partition(b"\n")[0]
        return self._tree.create_series(_spec.LAYOUT_JOURNAL, known)

    def _read_on(self) -> None:
        self._file.open()
        head, is_whole, _ = self._file.read(0, _HEAD_BYTES).partition(b"\n")
        if not is_whole and len(head) < _HEAD_BYTES:
            # Empty, or being compacted just now.
            return
        steps = self.steps
        is_compacted = head != self._head != b""
        if head != self._head:
            self._begin_again(head)
        lines, line_feed, _ = self._file.read(self._size).rpartition(b"\n")
        if not self._file.read(0, len(head) + 1).startswith(head + b"\n"):
            # It was compacted since, and these bytes may begin anywhere in it.
            return
        self._size += len(lines) + len(line_feed)
        for line in lines.split(b"\n"):
            # A line that a full disk tore says nothing, and must not stop the others.
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self._take(event)
        if is_compacted:
            # What is in there arrived before.
            self.steps = steps

    def _begin_again(self, head: bytes) -> None:
        """Read the journal from the beginning: it begins with another line, so it was compacted."""
        self._size, self._head = _first_to_read(head), head
        self.lost_artifacts.clear()
        for key in [key for key in self._events if key[0] == "lost"]:
            del self._events[key]

    def _take(self, event: Event) -> None:
        kind, name = event.get("event"), str(event.get("name"))
        # Attempts, restarts and trouble can go on for ever without progress.
        self.steps += kind in _spec.SPOOL_PROGRESS_EVENTS
        if kind == "lost":
            self.lost_artifacts.add(name)
        elif kind == "published":
            self.lost_artifacts.discard(name)
            self._events.pop(("lost", name), None)
        elif kind == "flushed":
            self._flushed.add(event.get("id"), event.get("first"))
        if kind not in _NOT_KEPT:
            self._news.hear(event, time.monotonic())
            key = (kind, name if kind == "lost" else "")
            # To the end of the order.
            self._events.pop(key, None)
            self._events[key] = event


def _first_to_read(head: bytes) -> int:
    """Return how many bytes of a journal that begins with a line are for uploaders alone."""
    with contextlib.suppress(ValueError, AttributeError):
        memory = json.loads(head).get("memory")
        return memory if isinstance(memory, int) else 0
    return 0
