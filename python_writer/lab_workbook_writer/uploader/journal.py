"""
The journal: what the uploader says to the writer, and what it remembers after a crash.

Every event is one line, written by one system call. What is in here was done; what was done just
before a crash may be missing, and is then done once more, which changes nothing in the bucket.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import Any, NamedTuple

from lab_workbook.protocol import jsontext
from lab_workbook.protocol.segments import Segment
from lab_workbook.store.wire import Traffic, Wire

from lab_workbook_writer.flushed import Flushed
from lab_workbook_writer.uploader.compaction import compacted
from lab_workbook_writer.uploader.journal_file import JournalFile
from lab_workbook_writer.uploader.segments import Trail


class Sent(NamedTuple):
    """
    An artifact in the bucket; ``outbox`` is empty for a series, ``sha256`` where it is unknown.

    ``is_in_segments``: its bytes are in segments alone.
    """

    bytes: int
    sha256: str
    outbox: str = ""
    is_in_segments: bool = False


class Journal:
    """
    A file of events, and what follows from them.

    Each event also says what has gone over the ``wire`` since the one before it. Lines of its own for
    that would look like progress to a writer that waits. A journal that has grown to twice what it was after
    the last time, and to ``compact_at`` bytes, is compacted; with None it only grows.
    """

    def __init__(self, path: str, wire: Wire | None = None, *, compact_at: int | None = None) -> None:
        self._wire = wire or Wire()
        self._requests: Counter[str] = Counter()
        self._bytes_sent = 0
        self.is_claimed = False
        # A claim was sent and no answer is known: it may be in the bucket.
        self.is_claim_open = False
        self.refusal: str | None = None
        self.refusal_message = ""
        # What the writer was told and may still believe.
        self.trouble = ""
        self.has_ended = False
        # The sum of each end.json that was about to be sent.
        self.sealing: set[str] = set()
        # Sealed by another process, or on a person's word: what came later is only in the spool. And how
        # many bytes of each file end.json lists, where that is known.
        self.is_sealed = False
        self.sealed_sizes: dict[str, int] | None = None
        self.published: dict[str, Sent] = {}
        # What was begun to be sent under a name: bytes and the number in the outbox, or None for several.
        self.tried: dict[str, tuple[int, str] | None] = {}
        self.trails: dict[str, Trail] = {}
        # Whether the bucket lets us replace objects, once we know; and whether we may delete them.
        self.overwrites: bool | None = None
        self.deletes = True
        self.flushed = Flushed()
        # The last word about each artifact that will never arrive, and each event that has no other meaning
        # here.
        self.lost: dict[str, dict[str, Any]] = {}
        self.others: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._file = JournalFile(path)
        self._compact_at = compact_at
        self._compactions = 0
        # From how many bytes on it is compacted next; and whether the disk has refused an event since.
        self._next_size = compact_at or 0
        self._has_gap = False
        self._remember()

    def say(self, event: str, **more: object) -> None:
        """Append an event."""
        with self._lock:
            entry = {"event": event, **more, **_counts(self._wire.take())}
            self._follow(entry)
            self._append(entry)

    def trail(self, name: str) -> Trail:
        """Return what is known of a series in the bucket."""
        return self.trails.setdefault(name, Trail(name))

    def traffic(self) -> Traffic:
        """Return what was sent for this spool in all, by every uploader that it had."""
        with self._lock:
            self._count(_counts(self._wire.take()))
            return Traffic(dict(sorted(self._requests.items())), self._bytes_sent)

    def is_in_place(self) -> bool:
        """Return whether this is still the journal of the spool, and not one that was removed or replaced."""
        return self._file.is_in_place()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, entry: dict[str, Any]) -> None:
        try:
            self._file.append(jsontext.encode(entry, lambda _kind: None) + b"\n")
        except OSError:
            # A full disk refuses events as well, and must not stop a delivery.
            self._has_gap = True
            return
        if self._has_gap:
            self._has_gap, self._next_size = False, 0
        self._compact_if_due()

    def _compact_if_due(self) -> None:
        is_over = self.has_ended or self.is_sealed
        if self._compact_at is None or is_over or self._file.size < self._next_size:
            return
        data = compacted(self, self._compactions + 1)
        if self._file.replace(data):
            self._compactions += 1
            self._next_size = max(self._compact_at, 2 * len(data))
        else:
            # Not with each event again.
            self._next_size = self._file.size + self._compact_at

    def _remember(self) -> None:
        for text in self._file.read().split(b"\n"):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                entry = jsontext.decode(text)
                if isinstance(entry, dict):
                    self._follow(entry)

    def _count(self, entry: dict[str, Any]) -> None:
        requests = entry.get("requests")
        if isinstance(requests, dict):
            self._requests.update({str(kind): int(count) for kind, count in requests.items()})
            self._bytes_sent += int(entry.get("bytesSent", 0))

    def _follow(self, entry: dict[str, Any]) -> None:
        self._count(entry)
        event = entry.get("event")
        if event == "claiming":
            self.is_claim_open = True
        elif event == "claimed":
            self.is_claimed, self.is_claim_open, self.refusal = True, False, None
        elif event == "refused":
            self.is_claim_open, self.refusal = False, str(entry.get("reason"))
            self.refusal_message = str(entry.get("message"))
        elif event == "trouble":
            self.trouble = str(entry.get("message"))
        elif event == "recovered":
            self.trouble = ""
        elif event == "bucket":
            self.overwrites = entry.get("overwrites", self.overwrites)
            self.deletes = entry.get("deletes", self.deletes)
        elif event == "flushed":
            self.flushed.add(entry.get("id"), entry.get("first"))
        elif event == "compacted":
            self._compactions = int(entry["number"])
        elif "name" in entry:
            self._follow_name(event, str(entry["name"]), entry)
        else:
            self._follow_end(event, entry)

    def _follow_end(self, event: Any, entry: dict[str, Any]) -> None:
        if event == "ended":
            self.has_ended = True
        elif event == "sealing":
            self.sealing.add(str(entry.get("sha256")))
        elif event == "sealed":
            self.is_sealed, self.sealed_sizes = True, entry.get("sizes")
        elif event != "progress":
            self.others[str(event)] = entry

    def _follow_name(self, event: Any, name: str, entry: dict[str, Any]) -> None:
        if event == "publishing":
            self.trail(name).publish(int(entry.get("end", 0)))
        elif event == "removed":
            self.trail(name).removed(entry.get("segments", ()))
        elif event == "published" and "segment" in entry:
            end, _, start = str(entry["segment"]).partition("-")
            self.trail(name).delivered(Segment(name, int(start), int(end)))
        elif event == "segments":
            self.trails[name] = Trail.from_state(name, entry)
        elif event == "lost":
            self.lost[name] = entry
        elif event in ("sending", "published"):
            self._follow_artifact(event, name, entry)
        else:
            self.others[str(event)] = entry

    def _follow_artifact(self, event: str, name: str, entry: dict[str, Any]) -> None:
        size, outbox = int(entry.get("bytes", 0)), str(entry.get("outbox", ""))
        is_in_segments = bool(entry.get("isInSegments"))
        if event == "published":
            self.published[name] = Sent(size, str(entry.get("sha256", "")), outbox, is_in_segments)
            self.lost.pop(name, None)
        # What was published by an event of a compacted journal was sent, too.
        if not is_in_segments:
            self.tried[name] = (
                (size, outbox) if self.tried.get(name, (size, outbox)) == (size, outbox) else None
            )
        # What only its segments hold is listed as published too, and needs them for ever.
        if outbox or is_in_segments:
            return
        if event == "sending":
            self.trail(name).sending(size)
        else:
            self.trail(name).sent(size)


def _counts(traffic: Traffic) -> dict[str, Any]:
    return {"requests": traffic.requests, "bytesSent": traffic.bytes} if traffic.requests else {}
