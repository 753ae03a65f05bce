"""A spool as its uploader sees it: a folder with a lock, a first document and files to send."""

from __future__ import annotations

import contextlib
import os
import re
import shutil

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, documents, jsontext, tags
from lab_workbook.protocol.locks import Lock, locked

_NUMBER = re.compile("[0-9]{1,18}")

# What is left of a delivered spool when its removal was interrupted.
_REMOVED = ".removed-"

# These grow when the uploader works; all other files grow when the script does.
_OWN = (_spec.LAYOUT_JOURNAL, _spec.LAYOUT_LOG, _spec.LAYOUT_LOCK, _spec.LAYOUT_END)

_QUEUES = (_spec.LAYOUT_QUEUE, _spec.LAYOUT_SEALED)

# What the worker in sh reads in place of the queue.
_WORKLIST = f"{_spec.LAYOUT_RESERVED}/worklist"


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
        os.replace(self._write_temporary(data), self.file(_spec.LAYOUT_BEGIN))

    def create(self, name: str, data: bytes) -> None:
        """
        Put one of the protocol's own files that is not there yet, whole.

        Raises:
            FileExistsError: it is there.
        """
        temporary, path = self._write_temporary(data), self.file(name)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links. Whoever writes here holds the lock.
            os.rename(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)

    def _write_temporary(self, data: bytes) -> str:
        path = f"{self.file(_spec.LAYOUT_TMP)}{tags.random_text(8)}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path

    def locked(self, *, by_force: bool = False) -> contextlib.AbstractContextManager[Lock]:
        """Hold the lock of whoever delivers this spool, for the length of a ``with``, if it can be had."""
        return locked(self.file(_spec.LAYOUT_LOCK), by_force=by_force)

    @property
    def is_set_aside(self) -> bool:
        """Whether its experiment was sealed, and what its script recorded later is only here."""
        return os.path.exists(self.file(_spec.LAYOUT_SEALED))

    def set_aside(self) -> None:
        """
        Keep what is here, as the spool of an experiment that is sealed.

        The queue gets another name, so that released versions, which would remove the spool, see none.
        """
        worklist = self.file(_WORKLIST)
        for path, aside in (
            (self.file(_spec.LAYOUT_QUEUE), self.file(_spec.LAYOUT_SEALED)),
            (worklist, f"{worklist}.sealed"),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.rename(path, aside)

    def last_change(self) -> float:
        """Return when the script last wrote something here, in seconds since 1970."""
        newest = 0.0
        for folder, _, files in os.walk(self.root):
            for file in files:
                path = os.path.join(folder, file)
                if not path.removeprefix(self.root).startswith(_OWN):
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
    """
    Return the spools in a folder, the oldest tag first; sweeps up what removals left behind.

    Those that were set aside are among them. A copy under another name, such as ``TAG.NONCE.bak``, is not: it
    would replace newer versions of the spool that it was copied from.
    """
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return []
    spools = []
    for entry in entries:
        path = os.path.join(folder, entry)
        if entry.startswith(_REMOVED):
            shutil.rmtree(path, ignore_errors=True)
        elif any(os.path.isfile(os.path.join(path, name)) for name in _QUEUES):
            spools.append(Spool(path))
    return [spool for spool in spools if not _is_copy(spool)]


def _is_copy(spool: Spool) -> bool:
    """Return whether a spool is known to have been made under another name, which has tag and nonce."""
    # The tag of begin.json is another one after `push --tag`. A damaged spool is not known to be a copy.
    with contextlib.suppress(LabWorkbookError, OSError, ValueError, AttributeError):
        with open(spool.file(_QUEUES[spool.is_set_aside]), "rb") as file:
            tag = jsontext.decode(file.readline().rstrip(b"\n")).get("tag")
        nonce = spool.begin()[1].get("nonce")
        name = os.path.basename(str(spool))
        return isinstance(tag, str) and isinstance(nonce, str) and name != f"{tag}.{nonce}"
    return False
