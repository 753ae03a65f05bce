"""
Where the processes of one training find the experiment of their rank 0.

Rank 0 puts a small file into a folder of the user's, named for what the processes have in common, and
removes it before it ends. The others look for it when they have a row to write, for seconds at most, and
believe it only while the process that wrote it runs: one that was killed has left its file behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec, process
from lab_workbook.protocol.private import make_folders, replacing

from lab_workbook_writer.place import remove
from lab_workbook_writer.ranks import Rank

_POLL_SECONDS: Final = 0.02

# The second experiment of a script is the second one on each rank.
_experiments = itertools.count()


class Run(NamedTuple):
    """The experiment of rank 0: its tag, its URL, and the folder where its files lie on this host."""

    tag: str
    where: str
    root: str


class Meeting:
    """One experiment's place to meet, in a folder of spools."""

    def __init__(self, rank: Rank, spool_dir: str) -> None:
        self.rank = rank
        self._folder = os.path.join(spool_dir, _spec.RANKS_FOLDER)
        words = f"{os.uname().nodename}\n{rank.group}\n{next(_experiments)}"
        self._path = f"{self._folder}{hashlib.sha256(words.encode()).hexdigest()[:32]}.json"
        self._is_late = False

    def announce(self, run: Run) -> None:
        """
        Say where the experiment is, as rank 0.

        Raises:
            OSError: the disk refused.
        """
        make_folders(self._folder)
        _sweep(self._folder)
        with replacing(self._path) as file:
            file.write(json.dumps({**run._asdict(), **process.identity()}).encode())

    def leave(self) -> None:
        """Let nobody else in, as rank 0."""
        remove(self._path)

    def find(self) -> Run | None:
        """Return the experiment of rank 0; waits for it a little, once."""
        is_hopeless = self._is_late or not self.rank.is_near
        until = time.monotonic() + (0 if is_hopeless else _spec.RANKS_MEET_SECONDS)
        while (run := self.look()) is None and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        self._is_late = run is None
        return run

    def look(self) -> Run | None:
        """Return the experiment of rank 0, if it is there now."""
        found = _read(self._path) if self.rank.is_near else None
        return Run(found["tag"], found["where"], found["root"]) if found and process.is_alive(found) else None


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    is_whole = isinstance(found, dict) and all(isinstance(found.get(field), str) for field in Run._fields)
    return found if is_whole else None


def _sweep(folder: str) -> None:
    """Remove what processes of this host have left behind that were killed."""
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            path = folder + name
            found = _read(path)
            if found is not None and process.is_alive(found) is False:
                os.unlink(path)
