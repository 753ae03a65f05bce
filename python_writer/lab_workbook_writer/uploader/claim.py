"""
The claim: begin.json, created once, makes a tag ours.

An answer that was lost leaves it open whether the document is in the bucket. The next attempt is then
told "exists already", by our own success or by another experiment: a tag that we made up is ours, and
one that the caller chose is ours if the document there carries our nonce.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from typing import Any

from lab_workbook.errors import (
    AccessDenied,
    AlreadyExists,
    BucketNotFound,
    ConfigurationError,
    CredentialsExpired,
    CredentialsMissing,
    LabWorkbookError,
    TagTaken,
    Unreadable,
)
from lab_workbook.protocol import _spec, documents
from lab_workbook.store import Store

from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.upload_queue import Kind
from lab_workbook_writer.uploader.uploads import Refused

# What the journal calls a refusal. Expired credentials are none: new ones may come while we wait.
_REASONS: Mapping[type[LabWorkbookError], str] = {
    TagTaken: "taken",
    BucketNotFound: "bucket",
    AccessDenied: "access",
    CredentialsMissing: "credentials",
    ConfigurationError: "settings",
}


class ClaimJob:
    """
    Creates begin.json; ``explicit`` says that the caller chose the tag.

    ``open_store`` is called when the bucket is needed, because it may be what fails.
    """

    kind = Kind.CLAIM
    is_bulky = False

    def __init__(
        self,
        journal: Journal,
        open_store: Callable[[], Store],
        data: bytes,
        *,
        tag: str,
        explicit: bool,
    ) -> None:
        self._journal = journal
        self._open_store = open_store
        self._data = data
        self._tag = tag
        self._explicit = explicit

    def run(self) -> None:
        """
        Claim the tag.

        Raises:
            Refused: the answer is final, and is in the journal.
        """
        try:
            self._claim(self._open_store())
        except CredentialsExpired:
            raise
        except LabWorkbookError as error:
            reason = _REASONS.get(type(error))
            if reason is None:
                raise
            self._journal.say("refused", reason=reason, message=str(error))
            raise Refused(str(error)) from error
        self._journal.say("claimed")

    def give_way(self) -> None:
        """Do nothing: there is only one."""

    def _claim(self, store: Store) -> None:
        may_be_there = self._journal.is_claim_open
        self._journal.say("claiming")
        try:
            store.create(_spec.LAYOUT_BEGIN, io.BytesIO(self._data))
        except AlreadyExists:
            if not (may_be_there and self._is_ours(store)):
                raise TagTaken(f"another experiment has the tag {self._tag!r}: choose another tag") from None

    def _is_ours(self, store: Store) -> bool:
        if not self._explicit:
            return True
        # Where we may not read, we cannot know, and must not write into another's experiment.
        with contextlib.suppress(AccessDenied, KeyError, Unreadable):
            theirs = documents.read_begin(store.get(_spec.LAYOUT_BEGIN).data)
            return _nonce(theirs) is not None and _nonce(theirs) == _nonce(documents.read_begin(self._data))
        return False


def _nonce(begin: Mapping[str, Any]) -> Any:
    return begin.get("nonce")
