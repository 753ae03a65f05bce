"""
The heartbeat: a small document that is written again and again while the script lives.

The second beat follows the first at once, because it shows whether the bucket lets objects be replaced.
Until that is known no artifact is put, and where it is refused there is no further beat.
"""

from __future__ import annotations

import contextlib
import io

from lab_workbook.errors import (
    AccessDenied,
    AlreadyExists,
    BucketNotFound,
    CredentialsMissing,
    StoreError,
    Unreachable,
)
from lab_workbook.protocol import _spec, documents, jsontext

from lab_workbook_writer.uploader.jobs import Sender
from lab_workbook_writer.uploader.upload_queue import Kind
from lab_workbook_writer.uploader.uploads import Uploads


class Heartbeat:
    """Beats once a minute."""

    def __init__(self, sender: Sender, uploads: Uploads) -> None:
        self._sender = sender
        self._uploads = uploads
        self._next = float("-inf")

    def turn(self, now: float) -> None:
        """Beat, if it is time; ``now`` is that of a monotonic clock."""
        if now >= self._next and self._sender.journal.overwrites is not False:
            self._next = now + _spec.TIMING_HEARTBEAT_SECONDS
            self._uploads.submit(_spec.LAYOUT_HEARTBEAT, BeatJob(self._sender))


class BeatJob:
    """One beat, or the first two."""

    kind = Kind.DOCUMENT
    is_bulky = False

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def run(self) -> None:
        """Write the document; says in the journal whether it may be replaced, the first time."""
        journal, store = self._sender.journal, self._sender.store
        try:
            if journal.overwrites is None:
                with contextlib.suppress(AlreadyExists, AccessDenied):
                    store.create(_spec.LAYOUT_HEARTBEAT, _document(is_first=True))
            store.replace(_spec.LAYOUT_HEARTBEAT, _document(is_first=False))
        except (Unreachable, CredentialsMissing, BucketNotFound):
            raise
        except StoreError:
            if journal.overwrites is None:
                journal.say("bucket", overwrites=False)
        else:
            if journal.overwrites is None:
                journal.say("bucket", overwrites=True)

    def give_way(self) -> None:
        """Do nothing: the newer one says the same of a later time."""


def _document(*, is_first: bool) -> io.BytesIO:
    document = {"time": documents.now(), "first": is_first}
    return io.BytesIO(jsontext.encode(document, lambda _kind: None))
