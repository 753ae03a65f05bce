"""
The workbook of a rank other than 0, which is a guest in the experiment of rank 0.

It claims nothing and saves nothing. A series of its own, ``Loss@rank1.csv``, goes beside those of rank 0,
if both are on one host; `rendezvous` says where that is. When rank 0 ends, it takes these files over
(`host`), for what end.json lists must not change: a row that comes later is lost, and is said to be.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable
from typing import NamedTuple

from lab_workbook.protocol import _spec

from lab_workbook_writer.append_file import AppendFile, Opener
from lab_workbook_writer.descriptors import GROWING, NO_FILE, identity, identity_at
from lab_workbook_writer.ends import Wait, settled
from lab_workbook_writer.place import Discard, Ending, Fill, Nowhere, Tree, remove
from lab_workbook_writer.rendezvous import Meeting, Run


class Guest(Nowhere):
    """
    The place of a workbook that is not rank 0's: nowhere, but for its series.

    ``say`` says something about a subject, once.
    """

    say: Callable[[str, str], None]

    def __init__(self, meeting: Meeting) -> None:
        self.number = meeting.rank.number
        super().__init__(f"the experiment of rank 0 (this is rank {self.number})", lambda: None)
        self.mark = f"{_spec.RANKS_MARK}{self.number}"
        self._meeting = meeting
        self._run: Run | None = None
        self._files: dict[str, _Place] = {}
        self._kept: dict[str, AppendFile] = {}

    def run(self) -> Run | None:
        """Return the experiment of rank 0, if it is on this host and to be found."""
        if self._run is None:
            self._run = self._meeting.find()
        return self._run

    def new_file(self, name: str, opener: Opener) -> AppendFile:
        """Return the file of a series, which notices when rank 0 has taken it over."""
        return _GuestFile(opener, lambda file: self._is_ours(name, file))

    def keep(self, name: str, file: AppendFile) -> None:
        self._kept[name] = file

    def restore(self) -> None:
        for name, file in list(self._kept.items()):
            self._is_ours(name, file)

    def flush(self, seconds: float | None) -> bool:  # noqa: ARG002 - as in Place
        return not any(place.is_missing() for place in self._files.values())

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:
        if name in self._files:
            return _opened(self._files[name])
        run = self.run()
        if run is not None and self._meeting.look() is None:
            raise _ended()
        if run is None:
            where = "was not found on this host" if self._meeting.rank.is_near else "is on another host"
            self.say("series", f"the experiment of rank 0 {where}: series of rank {self.number} are not kept")
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        tree = Tree(run.root)
        try:
            if "/" in name:
                os.makedirs(os.path.dirname(run.root + name), exist_ok=True)
            tree.create(name, header)
        except FileExistsError:
            # Of another process that was given the same rank, or of this one before it was restarted.
            self.say(
                name, f"{run.where}{name} is there already: this series of rank {self.number} is not kept"
            )
            return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        descriptor = tree.reopen_series(name)
        place = _Place(run.root + name, identity(descriptor))
        if self._meeting.look() is None:
            # Rank 0 ends just now, and may have looked around before the file was there.
            os.close(descriptor)
            if place.is_ours():
                remove(place.path)
            raise _ended()
        _tell(run.root, name, save_every)
        self._files[name] = place
        return descriptor

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:  # noqa: ARG002 - as in Place
        self.say(
            "save",
            f"rank {self.number} saves no {name!r}: rank 0 records the experiment (rank=0 changes that)",
        )

    def end(self, ending: Ending, began: float) -> Wait:  # noqa: ARG002 - as in Place
        self.restore()
        lost = ending.lost[_spec.LOSS_ROWS] + sum(map(self._lost_rows, self._files))
        if lost:
            self.say("lost", f"rank {self.number} has lost {lost} rows in all")
        return settled(True)

    def _lost_rows(self, name: str) -> int:
        file = self._kept[name]
        return file.lost_rows + (file.rows if self._files[name].is_missing() else 0)

    def _is_ours(self, name: str, file: AppendFile) -> bool:
        """Return whether rank 0 has not taken a series over; put it back if it was removed."""
        place = self._files.get(name)
        if place is None or place.is_ours():
            return True
        run = self._meeting.look()
        if run is None or not place.is_missing():
            return False
        # Rank 0 puts back the folder. Until it has, the rows are in the file that is open.
        with contextlib.suppress(OSError):
            tree = Tree(run.root)
            file.restore(lambda fill: tree.put(name, fill))
            self._files[name] = place._replace(file=identity_at(place.path) or NO_FILE)
        return True


class _Place(NamedTuple):
    """Where a series of ours was put, and which file that was."""

    path: str
    file: tuple[int, int]

    def is_ours(self) -> bool:
        """Say whether it still is there, and not the copy that rank 0 has made of it."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.file

    def is_missing(self) -> bool:
        """Return whether nothing is there."""
        return identity_at(self.path) == NO_FILE


class _GuestFile(AppendFile):
    """A series in the experiment of another process."""

    def __init__(self, opener: Opener, is_ours: Callable[[AppendFile], bool]) -> None:
        super().__init__(opener)
        self._is_still_ours = is_ours
        self._is_taken = False

    def append(self, piece: bytes, rows: int = 1) -> None:
        """
        Append all of a piece or nothing of it.

        Raises:
            OSError: the disk refused it, or rank 0 has ended meanwhile.
        """
        if self._is_taken:
            raise _ended()
        super().append(piece, rows)
        # What was appended before the file was taken over is copied, so it is enough to look afterwards.
        if not self._is_still_ours(self):
            self._is_taken = True
            raise _ended()


def _opened(place: _Place) -> int:
    """Open a series again, because the script has closed its descriptor; never the copy of rank 0."""
    descriptor = os.open(place.path, GROWING)
    if identity(descriptor) != place.file:
        os.close(descriptor)
        raise _ended()
    return descriptor


def _tell(root: str, name: str, save_every: int | None) -> None:
    """Tell the uploader of a series, where the experiment is a spool and has one."""
    try:
        queue = os.open(root + _spec.LAYOUT_QUEUE, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(
            queue, json.dumps({"verb": "series", "name": name, "saveEvery": save_every}).encode() + b"\n"
        )
    finally:
        os.close(queue)


def _ended() -> OSError:
    return OSError(errno.ESTALE, "the experiment of rank 0 has ended")
