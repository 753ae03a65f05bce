"""A spool as its uploader sees it: a folder with a lock, a first document and files to send."""

from __future__ import annotations

import contextlib
import os
import re
import shutil

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, documents

from lab_workbook_writer.uploader.lock import locked

_NUMBER = re.compile("[0-9]{1,18}")

# What is left of a delivered spool when its removal was interrupted.
_REMOVED = ".removed-"

# These grow when the uploader works; all other files grow when the script does.
_OWN = frozenset({_spec.LAYOUT_JOURNAL, _spec.LAYOUT_LOG, _spec.LAYOUT_LOCK})


class Spool:
    """The folder of one experiment on its way to a bucket."""

    def __init__(self, path: str) -> None:
        self.root = os.path.join(os.path.abspath(path), "")

    def __str__(self) -> str:
        return self.root.rstrip("/")

    def file(self, name: str) -> str:
        """Return where one of the protocol's own files lies."""
        return self.root + name

    def artifact(self, name: str) -> str:
        """Return where a series lies, by a name that was checked."""
        return self.root + name

    def outbox(self, number: object) -> str:
        """
        Return where a saved artifact lies.

        Raises:
            LabWorkbookError: it is no number, and may not become a path.
        """
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            raise LabWorkbookError(f"{number!r} is no number of the outbox")
        return self.root + _spec.LAYOUT_OUTBOX + number

    def begin(self) -> tuple[bytes, documents.Document]:
        """
        Return begin.json, as bytes and as what they mean.

        Raises:
            LabWorkbookError: there is none, or it cannot be read.
        """
        try:
            with open(self.file(_spec.LAYOUT_BEGIN), "rb") as file:
                data = file.read()
        except OSError as error:
            raise LabWorkbookError(f"{self} is not a spool: {error.strerror}: {_spec.LAYOUT_BEGIN}") from None
        return data, documents.read_begin(data)

    def rewrite_begin(self, data: bytes) -> None:
        """Replace begin.json in one step."""
        path = self.file(_spec.LAYOUT_BEGIN)
        with open(path + ".new", "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)

    def locked(self) -> contextlib.AbstractContextManager[bool]:
        """Hold the lock of whoever delivers this spool, for the length of a ``with``, if it can be had."""
        return locked(self.file(_spec.LAYOUT_LOCK))

    def last_change(self) -> float:
        """Return when the script last wrote something here, in seconds since 1970."""
        newest = 0.0
        for folder, _, files in os.walk(self.root):
            for file in files:
                path = os.path.join(folder, file)
                if path.removeprefix(self.root) not in _OWN:
                    with contextlib.suppress(OSError):
                        newest = max(newest, os.stat(path).st_mtime)
        return newest

    def remove(self) -> None:
        """Remove the spool, in one step as far as anyone can see."""
        parent, name = os.path.split(str(self))
        # A half-removed spool would look like one whose tag was taken by another experiment.
        removed = os.path.join(parent, _REMOVED + name)
        os.rename(str(self), removed)
        shutil.rmtree(removed, ignore_errors=True)


def all_spools(folder: str) -> list[Spool]:
    """Return the spools in a folder, the oldest tag first; sweeps up what removals left behind."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return []
    spools = []
    for entry in entries:
        path = os.path.join(folder, entry)
        if entry.startswith(_REMOVED):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.isfile(os.path.join(path, _spec.LAYOUT_QUEUE)):
            spools.append(Spool(path))
    return spools
