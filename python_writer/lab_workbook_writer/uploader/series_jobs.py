"""
What is sent of a series: segments while it grows, and the artifact itself.

The bytes of a segment follow from its key. So one that was sent by an uploader that died is sent again
under the same key, and "exists already" means that it has arrived.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator

from lab_workbook.errors import AlreadyExists, CredentialsMissing, StoreError, Unreachable
from lab_workbook.protocol.segments import Segment

from lab_workbook_writer.uploader.jobs import BULKY_BYTES, Sender, Unreplaceable
from lab_workbook_writer.uploader.section import Section
from lab_workbook_writer.uploader.upload_queue import Kind


class SegmentJob:
    """The publication of a series up to the end of a row."""

    kind = Kind.ROWS

    def __init__(self, sender: Sender, path: str, name: str, end: int) -> None:
        self._sender = sender
        self._path = path
        self._name = name
        self._end = end
        # Every so often a segment holds all that went before.
        self.is_bulky = sender.journal.trail(name).bytes_up_to(end) >= BULKY_BYTES

    def run(self) -> None:
        """Finish the publication that was begun before, if any, and then send what is new."""
        with _opened(self._path) as descriptor:
            publish(self._sender, descriptor, self._name, self._end)

    def give_way(self) -> None:
        """Do nothing: the newer one holds these rows as well."""


class ArtifactJob:
    """A series as the artifact that plain tools see: refreshed while it grows, and whole at the end."""

    kind = Kind.REFRESH

    def __init__(self, sender: Sender, path: str, name: str, size: int) -> None:
        self._sender = sender
        self._path = path
        self._name = name
        self._size = size
        self.is_bulky = size >= BULKY_BYTES

    def run(self) -> None:
        """Send the rows up to a byte."""
        with _opened(self._path) as descriptor:
            try:
                self._sender.send(self._name, descriptor, self._size)
            except Unreplaceable:
                self._leave_to_segments(descriptor)

    def give_way(self) -> None:
        """Do nothing: the newer one holds these rows as well."""

    def _leave_to_segments(self, descriptor: int) -> None:
        publish(self._sender, descriptor, self._name, self._size)
        section = Section(descriptor, self._size, self._sender.moved)
        section.read_through()
        self._sender.journal.say(
            "published", name=self._name, bytes=self._size, sha256=section.sha256(), isInSegments=True
        )


class RemoveJob:
    """Segments that nobody needs any more."""

    kind = Kind.REMOVAL
    is_bulky = False

    def __init__(self, sender: Sender, name: str, segments: deque[Segment]) -> None:
        self._sender = sender
        self._name = name
        self._segments = segments

    def run(self) -> None:
        """Delete what is in the queue that all these jobs share; a bucket that refuses is not asked again."""
        removed: list[str] = []
        try:
            while self._segments:
                if not self._delete(str(self._segments[0])):
                    self._sender.journal.say("bucket", deletes=False)
                    return
                removed.append(self._segments.popleft().range)
        finally:
            if removed:
                self._sender.journal.say("removed", name=self._name, segments=removed)

    def give_way(self) -> None:
        """Do nothing: the newer one has the same queue."""

    def _delete(self, key: str) -> bool:
        try:
            return self._sender.store.delete(key)
        except (Unreachable, CredentialsMissing):
            raise
        except StoreError:
            return False


def publish(sender: Sender, descriptor: int, name: str, end: int) -> None:
    """Bring the segments of an open series up to a byte."""
    # A power loss must not take back what readers of the bucket have seen.
    _sync(descriptor)
    trail = sender.journal.trail(name)
    while trail.pending or trail.end < end:
        if trail.pending is None:
            # Said before it is sent, because another publication must never end elsewhere.
            sender.journal.say("publishing", name=name, end=end)
        else:
            _send(sender, descriptor, trail.pending)


def _send(sender: Sender, descriptor: int, segment: Segment) -> None:
    section = Section(descriptor, segment.size, sender.moved, start=segment.start)
    with contextlib.suppress(AlreadyExists):
        sender.store.create(str(segment), section.buffered())
    sender.journal.say("published", name=segment.name, segment=segment.range)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(descriptor)
