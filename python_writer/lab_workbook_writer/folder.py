"""
A folder as the place of an experiment: what is written is where it belongs at once.

So there is nothing to deliver and nothing to wait for, and the ending, with the checksum of every
file, is written here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

from lab_workbook.errors import TagTaken, warn
from lab_workbook.protocol import _spec, documents, jsontext, prefix

from lab_workbook_writer import checksums, guard
from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.ending_room import EndingRoom
from lab_workbook_writer.ends import Wait, settled
from lab_workbook_writer.place import Discard, Ending, Fill, Tree, refused, remove, twice
from lab_workbook_writer.restorer import Restorer
from lab_workbook_writer.spelling import Speller

_ADVICE = (
    "give bucket_prefix=..., set LAB_WORKBOOK_BUCKET_PREFIX,"
    " or write bucketPrefix = ... into ~/.lab-workbook-config, to use another folder"
)


class Folder(Tree):
    """The place of an experiment with a ``file://`` prefix."""

    def __init__(self, home: prefix.Prefix, begin: documents.Document, exit_max: float) -> None:
        """
        Claim the tag (rule ``tag.claim``); ``exit_max`` is how long `end` may read and sync files.

        Raises:
            TagTaken: another experiment has it.
            StoreError: the folder cannot be written.
        """
        super().__init__(f"{home.path}{begin['tag']}/")
        self.where = f"{home}{begin['tag']}/"
        self._names = {_spec.LAYOUT_BEGIN}
        self._speller = Speller(self.root)
        self._exit_max = exit_max
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

    def end(self, ending: Ending, began: float) -> Wait:
        until = began + self._exit_max
        self._restorer.settle(ending.lost)
        self._restorer.require()
        self._room.free()
        found = checksums.describe(self.root, self._names - self._restorer.missing, until, self._exit_max)
        # What end.json lists must outlive a power loss that end.json itself outlives.
        with guard.absorbing(_warn_of_power_loss):
            left = self.sync(self._restorer.kept, until=until)
            if left:
                _warn_of_power_loss(
                    f"syncing {left} more files and folders would take longer than exitMax,"
                    f" which is {self._exit_max:g} s"
                )
        # Reading files for their sums takes minutes, in which some may be removed.
        is_whole = self._restorer.settle(ending.lost)
        self._restorer.require()
        self._room.free()
        names = self._names - self._restorer.missing
        found = checksums.update(self.root, names, found, until, self._exit_max)
        ending.lost[_spec.LOSS_ARTIFACTS] += len(names) - len(found)
        # Anew, because a removed folder may have returned under another spelling.
        speller = Speller(self.root)
        files = {_spell(speller, name): facts for name, facts in found.items()}
        document = documents.end(ending.outcome, ending.error, ending.lost, files, ended=ending.ended)
        data = jsontext.encode(document, _unreported)
        # What was restored meanwhile; nothing is synced twice.
        with guard.absorbing(_warn_of_power_loss):
            self.sync(until=until)
        twice(lambda: self.create(_spec.LAYOUT_END, data))
        with guard.absorbing(_warn_of_power_loss):
            self.sync()
        with contextlib.suppress(OSError):
            os.rmdir(self.root + _spec.LAYOUT_TMP)
        return settled(is_whole and len(found) == len(names))

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


def _spell(speller: Speller, name: str) -> str:
    """Return a name as the file system spells it, as far as the folder can be listed: end.json is needed."""
    with contextlib.suppress(OSError):
        return speller.spell(name)
    return name


def _warn_of_power_loss(why: str) -> None:
    warn(f"the experiment is complete, but might not survive a power loss: {why}")


def _unreported(_kind: str) -> None:
    """Mend a text of our own documents without counting it: no artifact lost anything."""
