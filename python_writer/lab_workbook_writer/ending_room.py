"""
Room for end.json: a file that keeps some of a disk free until the experiment ends.

Others may fill the disk meanwhile. Without an end.json a finished experiment would be taken for a lost one,
and the rows that the disk refused would be counted nowhere.

>>> room = EndingRoom("/runs/201602122149-PMJ8a76csB/.lab-workbook/tmp/reserve")
>>> room.keep(["Training loss.csv"])
>>> room.free()
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Final

from lab_workbook.protocol import _spec

_BLOCK: Final = b" " * _spec.FOLDER_ENDING_BLOCK_BYTES


class EndingRoom:
    """The file at ``path``: one block, and more where many files have to be listed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._needed = 0
        self._kept = 0

    def keep(self, names: Iterable[str]) -> None:
        """Keep room for the entries of more files; a disk that is full already has none."""
        self._needed += sum(_spec.FOLDER_ENDING_ENTRY_BYTES + len(name.encode()) for name in names)
        while self._kept <= self._needed:
            self._kept += len(_BLOCK)
            # Without a buffer, because what the disk refuses is refused when it is written.
            with contextlib.suppress(OSError), open(self._path, "ab", buffering=0) as file:
                file.write(_BLOCK)

    def restore(self) -> None:
        """Keep the same room again after the file was removed."""
        if self._kept and not os.path.exists(self._path):
            self._kept = 0
            self.keep(())

    def free(self) -> None:
        """Give the room to end.json."""
        self._kept = 0
        with contextlib.suppress(OSError):
            os.unlink(self._path)
