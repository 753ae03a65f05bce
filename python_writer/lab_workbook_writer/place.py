"""
Where a workbook's files go: `folder.Folder`, `spool.Spool`, or nowhere.

A workbook knows nothing but `Place`. The two real places are both a `Tree`, the files of one
experiment below a local folder, and differ in how a file is handed over and in who writes end.json.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import math
import os
import time
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Protocol, TypeVar

from lab_workbook.errors import AccessDenied, StoreError
from lab_workbook.protocol import _spec, tags

from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.descriptors import GROWING, open_regular, sync
from lab_workbook_writer.ends import Wait, settled
from lab_workbook_writer.new_names import move_to_new_name

Fill = Callable[[str], object]
Discard = Callable[[str], object]
_Result = TypeVar("_Result")


def twice(attempt: Callable[[], _Result]) -> _Result:
    """Try again once: a fault that passes must not cost the end of an experiment."""
    with contextlib.suppress(OSError):
        return attempt()
    return attempt()


def remove(path: str) -> None:
    """Remove a working file, if that is possible."""
    with contextlib.suppress(OSError):
        os.unlink(path)


class Ending(NamedTuple):
    """What a workbook says of itself when it ends."""

    ended: str
    outcome: str
    error: dict[str, str] | None
    lost: dict[str, int]


class Place(Protocol):
    """All that a workbook asks of the place where its experiment lies."""

    where: str

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:
        """Make a series with its header, in one step, or open it again; returns a descriptor to append to."""
        ...

    def keep(self, name: str, file: AppendFile) -> None:
        """Restore a series from its open file whenever it was removed."""
        ...

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:
        """
        Put an artifact into place in one step; ``fill(path)`` writes the file at that path.

        ``discard(path)`` is called if it cannot be put into place.
        """
        ...

    def restore(self) -> None:
        """Put back what was removed, as far as that is possible."""
        ...

    def flush(self, seconds: float | None) -> bool:
        """Make everything so far survive a power loss; wait so long until it has arrived."""
        ...

    def look(self) -> None:
        """Say what is new about its way to where it belongs; called at most once a second a series."""
        ...

    def adopt(self, names: Collection[str]) -> None:
        """Count series that other processes have made here among its own."""
        ...

    def end(self, ending: Ending, began: float) -> Wait:
        """Write the ending; ``began`` is when the script's experiments began to end (`time.monotonic`)."""
        ...

    def after_fork(self) -> None:
        """Let go of what this process, a forked child, must not hold open."""
        ...


class Nowhere:
    """
    The place of a workbook that must not write: switched off, or in a forked child.

    ``notice`` is called whenever something would have been written.
    """

    def __init__(self, where: str, notice: Callable[[], None]) -> None:
        self.where = where
        self._notice = notice

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:  # noqa: ARG002 - as in Place
        self._notice()
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def keep(self, name: str, file: AppendFile) -> None:
        pass

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:  # noqa: ARG002 - as in Place
        self._notice()

    def restore(self) -> None:
        pass

    def flush(self, seconds: float | None) -> bool:  # noqa: ARG002 - as in Place
        return True

    def look(self) -> None:
        pass

    def adopt(self, names: Collection[str]) -> None:
        pass

    def end(self, ending: Ending, began: float) -> Wait:  # noqa: ARG002 - as in Place
        return settled(True)

    def after_fork(self) -> None:
        pass


class Tree:
    """The files of one experiment below ``root``, an absolute path that ends with a slash."""

    def __init__(self, root: str) -> None:
        self.root = root
        # A counter and not a set of random names: next() on it is one step for all threads.
        self._numbers = itertools.count(1)
        # Two that claim one tag write into one folder for a moment, and must not take each other's file.
        self._mark = tags.random_text(8)
        self._unsynced: set[str] = set()
        self._unsynced_folders: set[str] = set()

    def make(self) -> None:
        """Make the folder for working files, and so the experiment's own."""
        os.makedirs(self.root + _spec.LAYOUT_TMP, exist_ok=True)

    def write_temporary(self, fill: Fill) -> str:
        """Let ``fill`` write a new file among the working files, and return its path."""
        path = f"{self.root}{_spec.LAYOUT_TMP}{self._mark}-{next(self._numbers)}"
        try:
            fill(path)
        except BaseException:
            remove(path)
            raise
        return path

    def put(self, name: str, fill: Fill, discard: Discard = remove) -> None:
        """Put a whole file into place in one step, whatever was there."""
        self.replace(name, self.write_temporary(fill), discard)

    def replace(self, name: str, temporary: str, discard: Discard = remove) -> None:
        """Move a temporary file to its name, whatever was there."""
        path = self.root + name
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.replace(temporary, path)
        except OSError:
            discard(temporary)
            raise
        self._note_new(path)

    def create(self, name: str, data: bytes) -> None:
        """
        Put a file that must not exist yet.

        Raises:
            FileExistsError: it does.
        """
        path = self.root + name
        temporary = self.write_temporary(lambda path: write_file(path, data))
        try:
            move_to_new_name(temporary, path)
        except FileExistsError:
            raise
        except OSError:
            # Removed first, because a full disk has room for one copy only, and for one inode.
            remove(temporary)
            write_file(path, data)
        finally:
            remove(temporary)
        self._note_new(path)

    def create_series(self, name: str, header: bytes) -> int:
        """Make the file of a series with its header, in one step; returns its descriptor."""
        descriptor = -1

        def fill(path: str) -> None:
            nonlocal descriptor
            descriptor = os.open(path, GROWING | os.O_CREAT | os.O_EXCL, 0o666)
            _write_all(descriptor, header)

        try:
            self.put(name, fill)
        except BaseException:
            if descriptor >= 0:
                os.close(descriptor)
            raise
        # Whoever appends to it syncs it.
        self._unsynced.discard(self.root + name)
        return descriptor

    def reopen_series(self, name: str) -> int:
        """Return a new descriptor of a series that is there: the script may have closed the last one."""
        return open_regular(self.root + name, GROWING)

    def sync(self, series: Iterable[str] = (), *, until: float = math.inf) -> int:
        """
        Make all new files, their names and some series survive a power loss, small files first.

        Returns:
            How many files and folders were left at the time ``until`` of `time.monotonic`.
        """
        files, self._unsynced = self._unsynced, set()
        folders, self._unsynced_folders = self._unsynced_folders, set()
        files.update(self.root + name for name in series)
        root = self.root.rstrip("/")
        above = {root, os.path.dirname(root)} if folders else set()
        try:
            return _sync_each([*sorted(files, key=size_of), *sorted(folders | above)], until)
        except OSError:
            self._unsynced |= files
            self._unsynced_folders |= folders
            raise

    def _note_new(self, path: str) -> None:
        self._unsynced.add(path)
        self._unsynced_folders.add(os.path.dirname(path))


def write_file(path: str, data: bytes) -> None:
    """Write a file that must not exist yet; nothing of it stays if the disk refuses."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        _write_all(descriptor, data)
    except BaseException:
        remove(path)
        raise
    finally:
        os.close(descriptor)


def size_of(path: str) -> int:
    """Return the size of a file; 0 if there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def refused(folder: str, error: OSError, advice: str) -> StoreError:
    """Return what to tell the caller when an experiment cannot be started in a folder."""
    kind = AccessDenied if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else StoreError
    return kind(f"{folder} cannot be written: {error.strerror or error}; {advice}")


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_each(paths: Collection[str], until: float) -> int:
    """Sync files and folders in their order; return how many were left at a time."""
    for index, path in enumerate(paths):
        if time.monotonic() >= until:
            return len(paths) - index
        _sync(path)
    return 0


def _sync(path: str) -> None:
    try:
        # A FIFO in its place must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        # Delivered and removed, or replaced, since it was put into place.
        return
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
