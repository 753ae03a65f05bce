"""
What is sent: a saved artifact. What a series becomes is in `series_jobs`, and the end in `sealing`.

Each job says in the journal what it did, after it was done.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import IO, Final

from lab_workbook.errors import AccessDenied, AlreadyExists, LabWorkbookError, warn
from lab_workbook.store import Store

from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.section import Section
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.upload_queue import Kind

# From this size on a request may take long enough to make others wait.
BULKY_BYTES: Final = 1024 * 1024


class Unreplaceable(LabWorkbookError):
    """The bucket refuses overwrites, and has something else under this name."""


class Sender:
    """Sends files to one experiment's place in the bucket; ``open_store`` is called when it is needed."""

    def __init__(
        self, journal: Journal, open_store: Callable[[], Store], moved: Callable[[int], None]
    ) -> None:
        self.journal = journal
        self.moved = moved
        self._open_store = open_store
        self._store: Store | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> Store:
        """The bucket, opened once."""
        # Several threads may ask at once, and a client takes a while to make.
        with self._lock:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    def reopen(self) -> None:
        """Open the bucket anew for the next request, with the credentials that are there by then."""
        with self._lock:
            self._store = None

    def send(self, name: str, descriptor: int, size: int, outbox: str = "") -> None:
        """
        Put the first ``size`` bytes of an open file, and note it.

        Raises:
            Unreplaceable: something else is there for good.
        """
        section = Section(descriptor, size, self.moved)
        more = {"outbox": outbox} if outbox else {}
        self.journal.say("sending", name=name, bytes=size, **more)
        if not self._put(name, section.buffered()):
            if self.journal.tried[name] != (size, outbox):
                raise Unreplaceable(f"the bucket refuses to replace {name!r}")
            # Nobody but us puts anything here, and we have never sent anything else.
            section.read_through()
        self.journal.say("published", name=name, bytes=size, sha256=section.sha256(), **more)

    def _put(self, name: str, body: IO[bytes]) -> bool:
        """Create an artifact or, where it is there, replace it; returns False if that is refused."""
        if name not in self.journal.published:
            try:
                self.store.create(name, body)
            except AlreadyExists:
                pass
            else:
                return True
        if self.journal.overwrites is not False:
            try:
                self.store.replace(name, body)
            except (AccessDenied, AlreadyExists):
                # Where it used to be allowed, it may be so again.
                if self.journal.overwrites:
                    raise
            else:
                return True
        return False


class PutJob:
    """An artifact that was saved: a file of the outbox, removed once it has arrived."""

    kind = Kind.ARTIFACT

    def __init__(
        self, sender: Sender, spool: Spool, name: str, outbox: str, lose: Callable[[str], None]
    ) -> None:
        self._sender = sender
        self._name = name
        self._outbox = outbox
        self._path = spool.outbox(outbox)
        self._lose = lose
        self.is_bulky = _size(self._path) >= BULKY_BYTES

    def run(self) -> None:
        """Send it, and remove it from the outbox."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            warn(f"{self._path} is gone: {self._name!r} as it was saved there is lost")
            self._lose("its file was removed from the spool before it was uploaded")
            return
        try:
            self._sender.send(self._name, descriptor, os.fstat(descriptor).st_size, self._outbox)
        except Unreplaceable as error:
            warn(f"{error}: it stays as it was saved before")
            self._lose(str(error))
        finally:
            os.close(descriptor)
        remove(self._path)

    def give_way(self) -> None:
        """Remove it: a later one of the same name will be sent."""
        remove(self._path)


class NoJob:
    """Nothing to send: takes the place of a job that can never succeed."""

    is_bulky = False

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def run(self) -> None:
        """Do nothing."""

    def give_way(self) -> None:
        """Do nothing."""


def remove(path: str) -> None:
    """Remove a file of the outbox; one that is gone is as good."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
