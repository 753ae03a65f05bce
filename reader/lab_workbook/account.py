"""
What an experiment says of itself: when it began and ended, how, and what people noted.

>>> repository["201602122149-PMJ8a76csB"].status
'finished'

Of this nothing is remembered but begin.json and end.json, which never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab_workbook import status
from lab_workbook.protocol import _spec, documents, process
from lab_workbook.protocol.documents import Document
from lab_workbook.store import Annotates


class Account:
    """The documents of one experiment; `lab_workbook.Experiment` adds its artifacts."""

    def __init__(self, store: Annotates, tag: str) -> None:
        self.tag = tag
        self._store = store
        self._begin: Document | None = None
        self._end: Document | None = None

    @property
    def begin(self) -> Mapping[str, Any]:
        """What begin.json says; empty for protocol 1.0, which had none."""
        if self._begin is None:
            data = self._document(_spec.LAYOUT_BEGIN)
            if data is None:
                self._check_exists()
            self._begin = {} if data is None else documents.read_begin(data)
        return self._begin

    @property
    def end(self) -> Mapping[str, Any]:
        """What end.json says; empty until the experiment has ended."""
        if self._end is None:
            data = self._document(_spec.LAYOUT_END)
            if data is None:
                return {}
            self._end = documents.read_end(data)
            self._grows_no_more()
        return self._end

    @property
    def status(self) -> str:
        """
        How it ended, or whether it goes on; never a guess.

        ``finished`` if its script closed it, ``failed``, ``interrupted``, or ``ended``. Before that it is
        ``running`` or ``lost`` where that can be known, and otherwise ``open``. Experiments of protocol
        1.0 are ``unknown``.
        """
        # Asked in this order, because a writer puts end.json before it goes.
        is_alive = None if self._end else self._is_alive()
        if self.end:
            return str(self.end["outcome"])
        return status.of(self.begin, None, is_alive=is_alive)

    @property
    def started(self) -> datetime | None:
        """When it began, in UTC; None where protocol 1.0 does not say."""
        return documents.moment(self.begin.get("started"))

    @property
    def ended(self) -> datetime | None:
        """When it ended, in UTC; None before that."""
        return documents.moment(self.end.get("ended"))

    @property
    def note(self) -> str | None:
        """What its writer noted when it began."""
        note = self.begin.get("note")
        return note if isinstance(note, str) else None

    @property
    def notes(self) -> list[Mapping[str, Any]]:
        """The notes that were added later, oldest first, each with ``time``, ``text`` and ``author``."""
        from lab_workbook import notes

        return list(notes.read(self._store, self.tag))

    def add_note(self, text: str, *, author: str | None = None) -> Mapping[str, Any]:
        """
        Add a note, at any time, also long after the end, and return it.

        >>> experiment.add_note("diverged at epoch 30: the rate was too high")
        {'time': '2016-02-13T08:15:00Z', 'text': 'diverged at …', 'author': 'ann'}

        The author is the user's name in the system, unless another is given. A note is never changed,
        nor is any other file of the experiment; who may put objects into a bucket may add notes there.

        Raises:
            InvalidValue: there is no text (rule ``notes.document``).
            ExperimentNotFound: nothing lies under this tag.
            AccessDenied: the folder or the bucket is there for reading only.
        """
        from lab_workbook import notes

        # So that a misspelt tag does not become an experiment.
        self._check_exists()
        return notes.add(self._store, self.tag, text, author=author)

    @property
    def error(self) -> Mapping[str, str] | None:
        """
        The ``type`` and ``message`` of the exception that made it fail.

        An experiment of a notebook that nobody closed has ``ended``, and this is its last uncaught exception.
        """
        error = self.end.get("error")
        return error if isinstance(error, dict) else None

    @property
    def resumes(self) -> str | None:
        """The tag of the experiment that this one goes on from, if any; `stitch` puts them together."""
        resumes = self.begin.get("resumes")
        return resumes if isinstance(resumes, str) else None

    def _check_exists(self) -> None:
        """Raise `ExperimentNotFound` where nothing lies under this tag."""

    def _grows_no_more(self) -> None:
        """Forget what was only needed before the end."""

    def _is_alive(self) -> bool | None:
        is_alive = process.is_alive(self.begin)
        if is_alive is not None:
            return is_alive
        try:
            heartbeat = self._store.get(f"{self.tag}/{_spec.LAYOUT_HEARTBEAT}")
        except KeyError:
            return None
        if status.is_young((heartbeat.now - heartbeat.modified).total_seconds()):
            return True
        return None if status.is_first(heartbeat.data) else False

    def _document(self, name: str) -> bytes | None:
        try:
            return self._store.get(f"{self.tag}/{name}").data
        except KeyError:
            return None
