"""
A folder as the place of an experiment: what is written is where it belongs at once.

So there is nothing to deliver and nothing to wait for, and the ending, with the checksum of every
file, is written here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from lab_workbook.errors import TagTaken, warn
from lab_workbook.protocol import _spec, documents, jsontext, prefix

from lab_workbook_writer import guard
from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.ending_room import EndingRoom
from lab_workbook_writer.place import Discard, Ending, Fill, Tree, refused, remove, twice
from lab_workbook_writer.restorer import Restorer
from lab_workbook_writer.spelling import Speller

_ADVICE = (
    "give bucket_prefix=..., set LAB_WORKBOOK_BUCKET_PREFIX,"
    " or write bucketPrefix = ... into ~/.lab-workbook-config, to use another folder"
)


class Folder(Tree):
    """The place of an experiment with a ``file://`` prefix."""

    def __init__(self, home: prefix.Prefix, begin: documents.Document) -> None:
        """
        Claim the tag (rule ``tag.claim``).

        Raises:
            TagTaken: another experiment has it.
            StoreError: the folder cannot be written.
        """
        super().__init__(f"{home.path}{begin['tag']}/")
        self.where = f"{home}{begin['tag']}/"
        self._names = {_spec.LAYOUT_BEGIN}
        self._speller = Speller(self.root)
        self._room = EndingRoom(f"{self.root}{_spec.LAYOUT_TMP}reserve")
        data = jsontext.encode(begin, _unreported)
        try:
            self._claim(data)
        except FileExistsError:
            raise TagTaken(
                f"{self.where} exists and is not empty: choose another tag, or leave it out (rule tag.claim)"
            ) from None
        except OSError as error:
            raise refused(self.root, error, _ADVICE) from error
        self._room.keep(self._names)
        self._restorer = Restorer(self, data, make_folders=self._make_again, saved=self._saved)

    def look_for(self, resumed: str | None) -> None:
        """Warn if the experiment that this one goes on from is not beside it."""
        beside = os.path.dirname(self.root.rstrip("/"))
        if resumed is not None and not os.path.isdir(os.path.join(beside, resumed)):
            warn(f"{resumed!r}, which this experiment resumes, is not in {beside}: nobody can stitch the two")

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:  # noqa: ARG002 - as in Place
        self._restorer.require()
        if name in self._names:
            with contextlib.suppress(FileNotFoundError):
                return self.reopen_series(name)
        else:
            self._speller.check(name)
        descriptor = self.create_series(name, header)
        self._add(name)
        return descriptor

    def keep(self, name: str, file: AppendFile) -> None:
        self._restorer.keep(name, file)

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:
        self._restorer.prepare()
        if name not in self._names:
            self._speller.check(name)
        self.put(name, fill, discard)
        self._add(name)

    def restore(self) -> None:
        self._restorer.check()

    def flush(self, seconds: float | None) -> bool:  # noqa: ARG002 - what is in the folder has arrived
        is_whole = self._restorer.check()
        self.sync()
        return is_whole

    def look(self) -> None:
        self._restorer.look()

    def adopt(self, names: Collection[str]) -> None:
        for name in names:
            self._add(name)

    def end(self, ending: Ending) -> bool:
        is_whole = self._restorer.settle(ending.lost)
        self._restorer.require()
        self._room.free()
        names = self._names - self._restorer.missing
        # Anew, because a removed folder may have returned under another spelling.
        files, sha256, speller = {}, _sha256(), Speller(self.root)
        for name in sorted(names):
            with guard.absorbing(partial(_warn_of_unreadable, self.root + name)):
                files[speller.spell(name)] = twice(partial(_facts, self.root + name, sha256))
        ending.lost[_spec.LOSS_ARTIFACTS] += len(names) - len(files)
        document = documents.end(ending.outcome, ending.error, ending.lost, files, ended=ending.ended)
        data = jsontext.encode(document, _unreported)
        # What end.json lists must outlive a power loss that end.json itself outlives.
        with guard.absorbing(_warn_of_power_loss):
            self.sync()
        twice(lambda: self.create(_spec.LAYOUT_END, data))
        with guard.absorbing(_warn_of_power_loss):
            self.sync()
        with contextlib.suppress(OSError):
            os.rmdir(self.root + _spec.LAYOUT_TMP)
        return is_whole

    def after_fork(self) -> None:
        pass

    def _saved(self) -> Collection[str]:
        return self._names - self._restorer.kept - {_spec.LAYOUT_BEGIN}

    def _add(self, name: str) -> None:
        if name not in self._names:
            self._names.add(name)
            self._room.keep([name])

    def _make_again(self) -> None:
        self.make()
        self._room.restore()

    def _claim(self, begin: bytes) -> None:
        os.makedirs(self.root, exist_ok=True)
        if os.listdir(self.root):
            raise FileExistsError
        self.make()
        self.create(_spec.LAYOUT_BEGIN, begin)


def _facts(path: str, sha256: Callable[[], Any] | None) -> dict[str, Any]:
    """Return what end.json lists about a file."""
    digest, size = sha256() if sha256 else None, 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 20):
            size += len(block)
            if digest is not None:
                digest.update(block)
    return {"bytes": size, **({} if digest is None else {"sha256": digest.hexdigest()})}


def _sha256() -> Callable[[], Any] | None:
    """Return what makes a digest, or None if it cannot be loaded: a checksum is optional, end.json is not."""
    with guard.absorbing(lambda why: warn(f"end.json lists no checksums: {why}")):
        import hashlib

        return hashlib.sha256
    return None


def _warn_of_unreadable(path: str, why: str) -> None:
    warn(f"{path} cannot be read again ({why}): end.json does not list it")


def _warn_of_power_loss(why: str) -> None:
    warn(f"the experiment is complete, but might not survive a power loss: {why}")


def _unreported(_kind: str) -> None:
    """Mend a text of our own documents without counting it: no artifact lost anything."""
