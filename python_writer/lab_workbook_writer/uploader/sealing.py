"""
Sealing an experiment: end.json, created once, by one of all processes that may try.

A document is stored in the spool before it is sent, and sent again as it is by whoever goes on, so that
one spool has one end.json. "Exists already" is an answer to our own request only if the object is the same,
or, where it may not be read, if an earlier request of ours got no answer. Else another process has sealed
the experiment, and the spool is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from lab_workbook.errors import AccessDenied, AlreadyExists, LabWorkbookError, Unreadable
from lab_workbook.protocol import _spec, documents, jsontext, names
from lab_workbook.protocol.rows import count_rows, end_of_rows
from lab_workbook.store import Store

from lab_workbook_writer.uploader.claim import ClaimJob
from lab_workbook_writer.uploader.jobs import Sender
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.queue import Line
from lab_workbook_writer.uploader.script import Life, Script, has_ended
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.upload_queue import Kind
from lab_workbook_writer.uploader.uploads import Refused, Uploads


class SealJob:
    """
    Creates end.json when everything else has arrived.

    ``is_final`` says that the spool may be removed then: nothing is recorded there any more.
    """

    kind = Kind.DOCUMENT
    is_bulky = False

    def __init__(self, sender: Sender, data: bytes, *, is_final: bool) -> None:
        self._sender = sender
        self._data = data
        self._is_final = is_final
        self._sum = hashlib.sha256(data).hexdigest()
        # Whether a request was sent whose answer is not known.
        self._may_be_there = self._sum in sender.journal.sealing

    def run(self) -> None:
        """Create it, and write to the journal what came of that."""
        journal = self._sender.journal
        if self._sum not in journal.sealing:
            journal.say("sealing", sha256=self._sum)
        try:
            self._sender.store.create(_spec.LAYOUT_END, io.BytesIO(self._data))
        except AlreadyExists:
            if not self._is_ours(theirs := read_end(self._sender.store)):
                journal.say("sealed", by="another process", sizes=sizes(theirs))
                return
        except (LabWorkbookError, OSError):
            self._may_be_there = True
            raise
        if self._is_final:
            journal.say("ended")
        else:
            journal.say("sealed", by="lab-workbook push --seal", sizes=sizes(self._data))

    def give_way(self) -> None:
        """Do nothing: there is only one."""

    def _is_ours(self, theirs: bytes | None) -> bool:
        return self._may_be_there if theirs is None else theirs == self._data


class TakeOverJob:
    """
    Looks for the end.json of another process, before anything of an experiment that was begun is uploaded.

    A backup may bring a spool back whose experiment has ended: its older files must not replace anything.
    ``claim`` follows where its answer was lost. ``is_whole`` returns whether an end.json with these sizes has
    all that the spool holds, and its script records nothing more: then the spool is delivered.
    """

    kind = Kind.CLAIM
    is_bulky = False

    def __init__(
        self, sender: Sender, claim: ClaimJob | None, is_whole: Callable[[Mapping[str, int]], bool]
    ) -> None:
        self._sender = sender
        self._claim = claim
        self._is_whole = is_whole

    def run(self) -> None:
        """
        Look for it; where it cannot be read, the end is found only when ours is created.

        Raises:
            Refused: it is there.
        """
        journal = self._sender.journal
        theirs = read_end(self._sender.store)
        if theirs is not None and hashlib.sha256(theirs).hexdigest() not in journal.sealing:
            listed = sizes(theirs)
            if listed is not None and self._is_whole(listed):
                journal.say("ended")
            else:
                journal.say("sealed", by="another process", sizes=listed)
            raise Refused("the experiment has ended already, so nothing is uploaded from this spool")
        if self._claim is not None:
            self._claim.run()

    def give_way(self) -> None:
        """Do nothing: there is only one."""


def read_end(store: Store) -> bytes | None:
    """Return the end.json of an experiment; None if there is none, or if it may not be read."""
    with contextlib.suppress(AccessDenied, KeyError):
        return store.get(_spec.LAYOUT_END).data
    return None


class Sealing:
    """Seals one experiment, or goes on with that."""

    def __init__(self, sender: Sender, uploads: Uploads, spool: Spool, script: Script) -> None:
        self._sender = sender
        self._uploads = uploads
        self._spool = spool
        self._script = script
        self.is_begun = False

    def begin(self, document: documents.Document, lines: list[Line]) -> None:
        """Seal it; ``lines`` is the queue."""
        data = jsontext.encode(document, lambda _kind: None)
        stored = _store(self._spool, data)
        self._submit(stored, is_final=self._is_over_for_good(lines) and stored == data)

    def resume(self, lines: list[Line]) -> bool:
        """Go on where another process was sealing it; returns whether one was. ``lines`` is the queue."""
        data = _begun(self._spool, self._sender.journal)
        if data is None:
            return False
        # Its script may have lived, and recorded more since, or ended in another way.
        is_whole = next(beyond(self._spool, lines, sizes(data)), None) is None and _is_as_told(data, lines)
        self._submit(data, is_final=is_whole and self._is_over_for_good(lines))
        return True

    def is_whole(self, lines: list[Line], listed: Mapping[str, int]) -> bool:
        """Return whether end.json lists all of a spool whose script is over; ``lines`` is the queue."""
        published = self._sender.journal.published.items()
        is_listed = all(listed.get(name) == sent.bytes for name, sent in published)
        has_more = next(beyond(self._spool, lines, listed), None) is not None
        return is_listed and not has_more and self._is_over_for_good(lines)

    def _submit(self, data: bytes, *, is_final: bool) -> None:
        self.is_begun = True
        self._uploads.submit(_spec.LAYOUT_END, SealJob(self._sender, data, is_final=is_final))

    def _is_over_for_good(self, lines: list[Line]) -> bool:
        """Say whether it is certain that the script records nothing any more."""
        life = self._script.life()
        if life is Life.ALIVE:
            return any(line.get("verb") == "end" for line in lines)
        return life is Life.DEAD or has_ended(lines, self._spool.root)


def _store(spool: Spool, data: bytes) -> bytes:
    """Store end.json in a spool, unless one is there; return what is there then."""
    # A full disk must not stop a delivery.
    with contextlib.suppress(OSError):
        spool.create(_spec.LAYOUT_END, data)
    return stored(spool) or data


def stored(spool: Spool) -> bytes | None:
    """Return the end.json that a spool holds."""
    with contextlib.suppress(OSError), open(spool.file(_spec.LAYOUT_END), "rb") as file:
        return file.read()
    return None


def _begun(spool: Spool, journal: Journal) -> bytes | None:
    """Return the end.json that may have been sent; one that never was is removed."""
    data = stored(spool)
    if data is None or hashlib.sha256(data).hexdigest() in journal.sealing:
        return data
    os.unlink(spool.file(_spec.LAYOUT_END))
    return None


def _is_as_told(end: bytes, lines: Iterable[Line]) -> bool:
    """Say whether end.json has the outcome that its script gave, if it gave one."""
    with contextlib.suppress(Unreadable):
        outcome = documents.read_end(end)["outcome"]
        return all(line.get("outcome") == outcome for line in lines if line.get("verb") == "end")
    return False


def sizes(end: bytes | None) -> dict[str, int] | None:
    """Return how many bytes of each file end.json lists; None where that is not known."""
    try:
        files = documents.read_end(end or b"")["files"]
    except Unreadable:
        return None
    # It may be a stranger's.
    found = {name: entry.get("bytes") for name, entry in files.items() if isinstance(entry, dict)}
    return {name: size for name, size in found.items() if isinstance(size, int)}


def beyond(spool: Spool, lines: Iterable[Line], sealed: Mapping[str, int] | None) -> Iterator[str]:
    """Yield what a spool holds and a sealed experiment does not, each as a part of a sentence."""
    for line in lines:
        with contextlib.suppress(LabWorkbookError, OSError):
            if line.get("verb") == "series":
                name = names.check(line.get("name"))
                count = _rows_from(spool.artifact(name), (sealed or {}).get(name, 0))
                if count:
                    yield f"{count} {'row' if count == 1 else 'rows'} of {name!r}"
            elif line.get("verb") == "put" and os.path.exists(spool.outbox(line.get("outbox"))):
                yield repr(names.check(line.get("name")))


def _rows_from(path: str, start: int) -> int:
    """Return how many whole rows of a series begin at a byte or later."""
    with open(path, "rb") as file:
        file.seek(start)
        data = file.read()
    count = count_rows(data[: end_of_rows(data)])
    # The header is not a row.
    return max(0, count - (start == 0))
