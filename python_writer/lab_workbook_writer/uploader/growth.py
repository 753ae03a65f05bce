"""
All series of a spool: what of them is sent when, while they grow and when they are over.

The upload queue has three keys for each series: one for its segments, which so wait for nothing but each
other, one for the artifact and one for the removal of superseded segments.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from lab_workbook.protocol import _spec, segments
from lab_workbook.protocol.segments import Segment

from lab_workbook_writer.descriptors import open_regular
from lab_workbook_writer.uploader.jobs import NoJob, Sender
from lab_workbook_writer.uploader.publications import Series
from lab_workbook_writer.uploader.segments import Trail
from lab_workbook_writer.uploader.series_jobs import ArtifactJob, RemoveJob, SegmentJob
from lab_workbook_writer.uploader.upload_queue import Kind
from lab_workbook_writer.uploader.uploads import Uploads


class Growth:
    """
    The series of one experiment; times are those of one monotonic clock, given by the caller.

    ``is_lost`` is asked about a series without a file, and returns whether nobody can restore it.
    """

    def __init__(self, sender: Sender, uploads: Uploads, is_lost: Callable[[str], bool]) -> None:
        self._sender = sender
        self._is_lost = is_lost
        self._journal = sender.journal
        self._uploads = uploads
        self._series: dict[str, _Growing] = {}

    def add(self, path: str, name: str, save_every: int | None, *, upload_every: float) -> None:
        """Take on a series, where an earlier uploader has left it; one that is known stays as it is."""
        if name in self._series:
            return
        trail = self._journal.trail(name)
        series = Series(path, name, save_every, published=trail.end, upload_every=upload_every)
        self._series[name] = _Growing(self._sender, self._uploads, series, trail)

    def turn(self, now: float, *, all_rows: bool, is_over: bool) -> None:
        """Send what is due, or all rows; ``is_over`` says that no more will come."""
        for name, growing in self._series.items():
            if is_over and growing.is_missing and self._is_lost(name):
                growing.give_up()
            elif is_over and growing.is_cut():
                # The script counts the rows, if it lives.
                self._is_lost(name)
                growing.give_up()
            elif is_over:
                growing.finish(now)
            else:
                growing.publish(now, all_rows=all_rows)
            growing.remove(now)


class _Growing:
    """One series, and what was asked for of late."""

    def __init__(self, sender: Sender, uploads: Uploads, series: Series, trail: Trail) -> None:
        self._sender = sender
        self._uploads = uploads
        self._series = series
        self._trail = trail
        self._artifact_bytes = 0
        self._last: int | None = None
        # Since when each is superseded, the oldest first; and what may be removed by now.
        self._superseded: deque[tuple[float, Segment]] = deque()
        self._removable: deque[Segment] = deque()
        self._is_given_up = False

    @property
    def is_missing(self) -> bool:
        """Whether the file is not there, though rows of it may have to be sent."""
        return not self._is_given_up and not os.path.exists(self._series.path)

    def is_cut(self) -> bool:
        """Return whether the file was truncated before the end of its last published row."""
        end = self._trail.end
        if self._is_given_up or end == 0:
            return False
        try:
            descriptor = open_regular(self._series.path, os.O_RDONLY)
        except OSError:
            return False
        try:
            return os.pread(descriptor, 1, end - 1) != b"\n"
        except OSError:
            return False
        finally:
            os.close(descriptor)

    def give_up(self) -> None:
        """Leave the series as far as its segments reach: its file will never be there again."""
        self._is_given_up = True
        self._uploads.submit(self._series.name, NoJob(Kind.REFRESH))
        self._uploads.submit(segments.folder(self._series.name), NoJob(Kind.ROWS))
        sent = self._sender.journal.published.get(self._series.name)
        if self._trail.end > (sent.bytes if sent else 0):
            self._sender.journal.say(
                "published", name=self._series.name, bytes=self._trail.end, isInSegments=True
            )

    def publish(self, now: float, *, all_rows: bool) -> None:
        """Send the rows that are due, and refresh the artifact where that is possible and worth it."""
        self._series.look(now)
        is_due = self._series.is_due(now) or (all_rows and self._series.is_waiting())
        size = self._trail.refresh if self._sender.journal.overwrites else None
        if (is_due or size is not None) and self.is_cut():
            return
        if is_due:
            self._send_segment(self._series.take(now))
        if size is not None:
            self._send_artifact(size)

    def finish(self, now: float) -> None:
        """Send the artifact whole."""
        if self._is_given_up:
            return
        if self._last is None:
            self._series.look(now)
            # Once: the process of another rank may write on, and what is sealed must not wait for it.
            self._last = self._series.take(now)
        size = self._last
        sent = self._sender.journal.published.get(self._series.name)
        if size == 0 or (sent is not None and sent.bytes == size):
            return
        if self._trail.may_shrink_below(size) and self._artifact_bytes < size:
            # An older version may yet replace the whole one; then these complete it again.
            self._send_segment(size)
        self._send_artifact(size)

    def remove(self, now: float) -> None:
        """Remove what has been superseded for long enough that nobody reads it any more."""
        if not self._sender.journal.deletes:
            self._trail.keep_superseded()
            return
        self._superseded.extend((now, segment) for segment in self._trail.take_superseded())
        is_due = False
        while self._superseded and now - self._superseded[0][0] >= _spec.SEGMENT_DELETE_SECONDS:
            self._removable.append(self._superseded.popleft()[1])
            is_due = True
        if is_due:
            name = self._series.name
            self._uploads.submit(_removals(name), RemoveJob(self._sender, name, self._removable))

    def _send_segment(self, end: int) -> None:
        job = SegmentJob(self._sender, self._series.path, self._series.name, end)
        self._uploads.submit(segments.folder(self._series.name), job)

    def _send_artifact(self, size: int) -> None:
        if size > self._artifact_bytes:
            self._artifact_bytes = size
            job = ArtifactJob(self._sender, self._series.path, self._series.name, size)
            self._uploads.submit(self._series.name, job)


def _removals(name: str) -> str:
    return f"{segments.folder(name)}superseded"
