"""Where the files of an experiment go. A folder; whatever has the same verbs may take its place."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Protocol

from lab_workbook_conformance.constants import SPEC

_TMP = SPEC["layout"]["tmp"]


class Store(Protocol):
    """All that a writer asks of a place."""

    def create(self, name: str, data: bytes) -> None:
        """Put what must not be there yet; raises FileExistsError where it is."""

    def replace(self, name: str, data: bytes) -> None:
        """Put what may be there, all of its bytes in one step."""

    def append(self, name: str, data: bytes) -> None:
        """Add to what is there all of the data or nothing, else raises OSError."""

    def grows(self, name: str, every: int | None) -> None:
        """Take note that a series begins, which is published after so many rows."""

    def flush(self) -> None:
        """Let all that was given arrive."""

    def settle(self) -> None:
        """Let the rest arrive, before end.json is written."""

    def delivery(self) -> dict[str, Any] | None:
        """Return what was sent; None where nothing has to be."""

    def end(self) -> None:
        """Take away what only the writer needed."""


class Folder:
    """An experiment in a folder, which is absolute, so that nobody minds where the script goes."""

    def __init__(self, path: str) -> None:
        self._path = path

    def create(self, name: str, data: bytes) -> None:
        self.check_free()
        with open(self.place(name), "xb", buffering=0) as file:
            file.write(data)

    def check_free(self) -> None:
        """Raise FileExistsError if the folder holds a file: experiments of 1.0 have no begin.json."""
        if self.names():
            raise FileExistsError(f"{self._path} has files")

    def replace(self, name: str, data: bytes) -> None:
        os.replace(self._written(data), self.place(name))

    def append(self, name: str, data: bytes) -> None:
        # Not "ab", which would create the file without its header.
        with open(self.place(name), "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            # One write a row, so that whoever looks sees whole rows; it may take less than it was given.
            if file.write(data) < len(data):
                self.mend(name, size)
                raise OSError("the disk took only a part of a row")

    def mend(self, name: str, size: int) -> None:
        """Remove what is torn behind the last whole row."""
        os.truncate(self.place(name), size)

    def end(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(os.path.dirname(self.place(_TMP)))

    def grows(self, name: str, every: int | None) -> None:
        """Do nothing: whoever looks sees the file grow."""

    def flush(self) -> None:
        """Do nothing: it has arrived."""

    def settle(self) -> None:
        """Do nothing, as above."""

    def delivery(self) -> dict[str, Any] | None:
        """Return None: nothing was sent."""
        return None

    def names(self) -> list[str]:
        """Return the names of all that is there."""
        found = [os.path.join(folder, file) for folder, _, files in os.walk(self._path) for file in files]
        return [os.path.relpath(path, self._path) for path in found]

    def place(self, name: str) -> str:
        """Return the path of a file, and make its folder."""
        path = self._path + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def _written(self, data: bytes) -> str:
        """Write a file under a name that nobody reads, and return its path."""
        path = self.place(f"{_TMP}{os.getpid()}")
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError:
            os.unlink(path)
            raise
        return path
