"""
The journal: what the uploader says to the writer, and what it remembers after a crash.

Every event is one line, written by one system call. What is in here was done; what was done just
before a crash may be missing, and is then done once more, which changes nothing in the bucket.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from typing import Any, NamedTuple

from lab_workbook.protocol import jsontext
from lab_workbook.protocol.segments import Segment
from lab_workbook.store.wire import Traffic, Wire

from lab_workbook_writer.descriptors import identity, identity_at
from lab_workbook_writer.uploader.segments import Trail


class Sent(NamedTuple):
    """An artifact in the bucket; ``outbox`` is empty for a series, ``sha256`` where it is unknown."""

    bytes: int
    sha256: str
    outbox: str = ""


class Journal:
    """
    An append-only file of events, and what follows from them.

    Each event also says what has gone over the ``wire`` since the one before it. Lines of its own for
    that would look like progress to a writer that waits.
    """

    def __init__(self, path: str, wire: Wire | None = None) -> None:
        self._wire = wire or Wire()
        self._requests: Counter[str] = Counter()
        self._bytes_sent = 0
        self.is_claimed = False
        # A claim was sent and no answer is known: it may be in the bucket.
        self.is_claim_open = False
        self.refusal: str | None = None
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
        # What was ever begun to be sent under a name: bytes, and the number in the outbox.
        self.tried: dict[str, set[tuple[int, str]]] = {}
        self.trails: dict[str, Trail] = {}
        # Whether the bucket lets us replace objects, once we know; and whether we may delete them.
        self.overwrites: bool | None = None
        self.deletes = True
        self.flushed: set[Any] = set()
        self._is_torn = False
        self._lock = threading.Lock()
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._identity = identity(self._descriptor)
        self._remember(path)

    def say(self, event: str, **more: object) -> None:
        """Append an event."""
        with self._lock:
            entry = {"event": event, **more, **_counts(self._wire.take())}
            self._follow(entry)
            # A full disk refuses words as well, and must not stop a delivery.
            with contextlib.suppress(OSError):
                self._append(jsontext.encode(entry, lambda _kind: None) + b"\n")

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
        return identity_at(self._path) in (self._identity, None)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _append(self, line: bytes) -> None:
        # A line feed ends what a full disk tore off, so that it spoils no other line.
        line = b"\n" + line if self._is_torn else line
        self._is_torn = os.write(self._descriptor, line) < len(line)

    def _remember(self, path: str) -> None:
        with open(path, "rb") as file:
            for text in file:
                with contextlib.suppress(ValueError, TypeError):
                    entry = jsontext.decode(text)
                    if isinstance(entry, dict):
                        self._follow(entry)
                self._is_torn = not text.endswith(b"\n")

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
        elif event == "trouble":
            self.trouble = str(entry.get("message"))
        elif event == "recovered":
            self.trouble = ""
        elif event == "bucket":
            self.overwrites = entry.get("overwrites", self.overwrites)
            self.deletes = entry.get("deletes", self.deletes)
        elif event == "flushed":
            self.flushed.add(str(entry.get("id")))
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

    def _follow_name(self, event: Any, name: str, entry: dict[str, Any]) -> None:
        trail, size, outbox = self.trail(name), int(entry.get("bytes", 0)), str(entry.get("outbox", ""))
        if event == "publishing":
            trail.publish(int(entry.get("end", 0)))
        elif event == "sending":
            self.tried.setdefault(name, set()).add((size, outbox))
            trail.sending(size)
        elif event == "removed":
            trail.removed(entry.get("segments", ()))
        elif event == "published" and "segment" in entry:
            end, _, start = str(entry["segment"]).partition("-")
            trail.delivered(Segment(name, int(start), int(end)))
        elif event == "published":
            self.published[name] = Sent(size, str(entry.get("sha256", "")), outbox)
            # What only its segments hold is listed as published too, and needs them for ever.
            if not entry.get("isInSegments"):
                trail.sent(size)


def _counts(traffic: Traffic) -> dict[str, Any]:
    return {"requests": traffic.requests, "bytesSent": traffic.bytes} if traffic.requests else {}
