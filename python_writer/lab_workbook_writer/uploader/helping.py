"""
Help for a spool whose script may live on another host: what is missing in the bucket is created.

A helper writes nothing into the spool, replaces and deletes nothing, beats no heartbeat and seals nothing.
Whatever it believes, the script and its own uploader can go on: the bytes of a segment follow from its key,
and artifacts are created only where the bucket is known to let their uploader replace them.

>>> help_along(Spool("~/.local/state/lab-workbook/201602122149-PMJ8a76csB.9f2kQ0aX"), idle_seconds=30)
Help(text='201602122149-PMJ8a76csB: all rows and artifacts are in s3://…', is_complete=True)
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Final, NamedTuple

from lab_workbook.errors import AlreadyExists, InvalidName, Unreachable
from lab_workbook.protocol import _spec, names
from lab_workbook.protocol.private import make_folders
from lab_workbook.protocol.rows import end_of_rows
from lab_workbook.protocol.segments import Segment
from lab_workbook.store import Store
from lab_workbook.store.wire import Wire

from lab_workbook_writer.uploader import sealing
from lab_workbook_writer.uploader.claim import ClaimJob
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.journal_file import read_whole
from lab_workbook_writer.uploader.queue import Line, Queue, destination
from lab_workbook_writer.uploader.section import Section
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.uploads import Refused

_CHUNK_BYTES: Final = 1024 * 1024
_PAUSE_SECONDS: Final = 0.5


class Help(NamedTuple):
    """What became of it, as a sentence; ``is_complete`` if the bucket has all that the spool holds."""

    text: str
    is_complete: bool


def help_along(spool: Spool, *, idle_seconds: float) -> Help:
    """
    Create what is missing in the bucket, as far as that is safe.

    Raises:
        LabWorkbookError: the spool cannot be read, or the bucket did not answer for ``idle_seconds``.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "journal")
        # Events of a helper are its own: two hosts that append to one file damage it.
        with contextlib.suppress(FileNotFoundError):
            known = read_whole(spool.file(_spec.LAYOUT_JOURNAL))
            with open(copy, "wb") as file:
                file.write(known)
        journal = Journal(copy)
        try:
            return _Helper(spool, journal, idle_seconds).run()
        finally:
            journal.close()


def is_worth_it(spool: Spool) -> bool:
    """
    Say whether a spool has changed since it was helped last, and not for ten minutes.

    This only saves requests: each of a hundred experiments would send the same once more.
    """
    is_quiet = time.time() - spool.last_change() > _spec.TIMING_IDLE_SECONDS
    with contextlib.suppress(OSError), open(_mark(spool), encoding="ascii") as file:
        return is_quiet and file.read() != _signature(spool)
    return is_quiet


def remember(spool: Spool) -> None:
    """Take note, outside of the spool, that a spool was helped as it is now."""
    make_folders(os.path.dirname(_mark(spool)))
    with open(_mark(spool), "w", encoding="ascii") as file:
        file.write(_signature(spool))


def sweep(folder: str) -> None:
    """Remove the notes about spools that are gone from a folder of spools."""
    notes = os.path.join(folder, _spec.SPOOL_HELPED)
    with contextlib.suppress(OSError):
        for name in os.listdir(notes):
            if not os.path.isdir(os.path.join(folder, name)):
                os.unlink(notes + name)
        os.rmdir(notes)


def _mark(spool: Spool) -> str:
    folder, name = os.path.split(str(spool))
    return os.path.join(folder, _spec.SPOOL_HELPED, name)


def _signature(spool: Spool) -> str:
    sizes = [
        os.path.getsize(os.path.join(folder, each))
        for folder, _, files in os.walk(spool.root)
        for each in files
    ]
    return f"{spool.last_change()} {len(sizes)} {sum(sizes)}\n"


class _Helper:
    def __init__(self, spool: Spool, journal: Journal, idle_seconds: float) -> None:
        self._spool = spool
        self._journal = journal
        self._idle_seconds = idle_seconds
        self._begin_data, begin = spool.begin()
        self._tag = str(begin.get("tag"))
        self._lines = Queue(spool.file(_spec.LAYOUT_QUEUE)).read()
        self._to = destination(self._lines, str(spool))
        self._store: Store = self._to.open(self._tag, Wire())
        # What its own uploader has to deliver, or a person who knows that the script is dead.
        self._left: list[str] = []

    def run(self) -> Help:
        if sealing.stored(self._spool) is not None:
            return Help(f"{self._tag}: is being sealed", is_complete=False)
        if (ended := self._end_elsewhere()) is not None:
            return ended
        if not self._claim():
            return Help(
                f"{self._tag}: is not in the bucket, because its tag is not claimed", is_complete=False
            )
        for name, _ in self._named("series"):
            self._create_segment(name)
        for name, outbox in {name: str(line.get("outbox")) for name, line in self._named("put")}.items():
            self._create_artifact(name, outbox)
        where = f"{self._to.prefix}{self._tag}/"
        if not self._left:
            return Help(f"{self._tag}: all rows and artifacts are in {where}", is_complete=True)
        left = ", ".join(map(repr, self._left))
        return Help(f"{self._tag}: all rows are in {where}, but not {left}", is_complete=False)

    def _end_elsewhere(self) -> Help | None:
        """Return what is to be said of an experiment that has ended; None where that is not known."""
        if not (self._journal.is_claimed or self._journal.is_claim_open):
            return None
        ends: list[bytes | None] = []
        self._patiently(lambda: ends.append(sealing.read_end(self._store)))
        if ends[0] is None:
            return None
        left = ", ".join(sealing.beyond(self._spool, self._lines, sealing.sizes(ends[0])))
        what = f", and its spool holds more: {left}" if left else ""
        return Help(f"{self._tag}: has ended already, so nothing is created{what}", is_complete=not left)

    def _claim(self) -> bool:
        """Say whether the tag is claimed; claim it where its uploader would take that for its own claim."""
        if self._journal.is_claimed:
            return True
        if self._journal.refusal or not self._journal.is_claim_open or self._to.explicit:
            return False
        job = ClaimJob(self._journal, lambda: self._store, self._begin_data, tag=self._tag, explicit=False)
        with contextlib.suppress(Refused):
            self._patiently(job.run)
        return self._journal.is_claimed

    def _named(self, verb: str) -> Iterator[tuple[str, Line]]:
        for line in self._lines:
            if line.get("verb") == verb:
                with contextlib.suppress(InvalidName):
                    yield names.check(line.get("name")), line

    def _create_segment(self, name: str) -> None:
        """Create one segment with the rows beyond those that are known to be there."""
        trail = self._journal.trail(name)
        start = max(trail.end, trail.lasting)
        with self._opened(self._spool.artifact(name)) as file:
            if file is None:
                return
            end = _end_of_rows(file, start)
            if end > start:
                segment = Segment(name, start, end)
                section = Section(file.fileno(), segment.size, lambda _position: None, start=start)
                self._create(str(segment), section.buffered())

    def _create_artifact(self, name: str, outbox: str) -> None:
        """Create an artifact that nobody has ever tried to send."""
        sent = self._journal.published.get(name)
        with self._opened(self._spool.outbox(outbox)) as file:
            if file is None or (sent is not None and sent.outbox == outbox):
                return
            is_fresh = sent is None and name not in self._journal.tried
            # Elsewhere its uploader could not put a later version in its place.
            if is_fresh and self._journal.overwrites:
                self._create(name, file)
            else:
                self._left.append(name)

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[IO[bytes] | None]:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            # Delivered, or replaced, or not there yet.
            yield None
            return
        with open(descriptor, "rb") as file:
            yield file

    def _create(self, key: str, body: IO[bytes]) -> None:
        def create() -> None:
            with contextlib.suppress(AlreadyExists):
                self._store.create(key, body)

        self._patiently(create)

    def _patiently(self, request: Callable[[], None]) -> None:
        """Send a request, again and again while the bucket does not answer, but not for ever."""
        until = time.monotonic() + self._idle_seconds
        while True:
            try:
                return request()
            except Unreachable:
                if time.monotonic() >= until:
                    raise
            time.sleep(_PAUSE_SECONDS)


def _end_of_rows(file: IO[bytes], start: int) -> int:
    """
    Return where the last whole row ends, of those that can be believed.

    Another host may see a page late that was written before one that is there: its bytes are NUL then.
    """
    file.seek(start)
    end, tail = start, b""
    while chunk := file.read(_CHUNK_BYTES):
        believed, hole, _ = (tail + chunk).partition(b"\0")
        whole = end_of_rows(believed)
        end += whole
        if hole:
            break
        tail = believed[whole:]
    return end
