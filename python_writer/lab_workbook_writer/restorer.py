"""
Removed files of a running experiment: found missing at their paths, and restored.

A cleaner of /tmp, or a person, may remove or replace the files of an experiment whose script goes on. The
script would write to files without a name until its end. The bytes of begin.json are known, and each growing
file is still open, so both are restored. Saved artifacts have no other copy: they are counted as lost.
So are the rows that a truncated series lacks; later rows follow what is left of it, or are in a new series.

>>> restorer = Restorer(tree, begin_data, make_folders=tree.make)
>>> restorer.keep("loss.csv", file)
>>> restorer.check()
True
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final, Protocol

from lab_workbook.errors import Unreadable, UnsupportedProtocol, warn
from lab_workbook.protocol import _spec, documents

from lab_workbook_writer.descriptors import NO_FILE, identity_at, open_regular
from lab_workbook_writer.place import Fill, Tree, remove

_LOOK_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 30.0
_NAMES_SHOWN: Final = 4

# Names that another process gives to growing files: the queue of an experiment that it has sealed.
_ASIDE: Final = {_spec.LAYOUT_QUEUE: _spec.LAYOUT_SEALED}


class Kept(Protocol):
    """A growing file that can be restored, as `append_file.AppendFile` is."""

    rows: int
    lost_rows: int

    def is_at(self, path: str) -> bool:
        """Return whether the file is at a path."""
        ...

    def is_cut(self) -> bool:
        """Return whether the file was truncated."""
        ...

    def begin_again(self, path: str) -> None:
        """
        Go on after a truncation; rows that are not left are counted.

        Raises:
            OSError: that is not possible just now.
        """
        ...

    def restore(self, put: Callable[[Fill], object]) -> None:
        """
        Let ``put`` move a copy to its path; what cannot be read again is counted, and the file begun anew.

        Raises:
            OSError: that is not possible just now.
        """
        ...


class Restorer:
    """
    Keeps the files of one experiment at their paths, for as long as its script runs.

    Args:
        tree: Where the files are.
        begin: The bytes of begin.json.
        make_folders: Makes the folders that are there from the start.
        saved: Returns the names of the artifacts that should be in place.
        on_restored: Called with the names of what was restored.
        rename_cut: Given the name of a truncated file, returns the name of the file for later rows.
    """

    def __init__(
        self,
        tree: Tree,
        begin: bytes,
        *,
        make_folders: Callable[[], object],
        saved: Callable[[], Collection[str]] = tuple,
        on_restored: Callable[[Collection[str]], object] = lambda _names: None,
        rename_cut: Callable[[str], str] = lambda name: name,
    ) -> None:
        self._tree = tree
        self._begin = begin
        self._make_folders = make_folders
        self._saved = saved
        self._on_restored = on_restored
        self._rename_cut = rename_cut
        self._nonce = documents.read_begin(begin).get("nonce")
        self._begin_identity = identity_at(tree.root + _spec.LAYOUT_BEGIN)
        self._files: dict[str, Kept] = {}
        # Artifacts that are missing, as far as it is known.
        self.missing: set[str] = set()
        # The rows and artifacts that `settle` has counted.
        self._settled = (0, 0)
        self._is_taken = False
        self._problem = ""
        self._reported: set[str] = set()
        self._next_look = 0.0
        # A signal handler may save something while its own thread is in here.
        self._lock = threading.RLock()
        self._is_checking = False

    @property
    def kept(self) -> set[str]:
        """The names of the growing files."""
        return set(self._files)

    def keep(self, name: str, file: Kept) -> None:
        """Restore a growing file from now on."""
        self._files[name] = file

    def look(self) -> bool:
        """Check at most once a second; return whether everything that can be restored was in place then."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._check(patience=0)
        return not self._problem

    def prepare(self) -> None:
        """
        Restore what is missing, so that a new file can be put into place.

        Raises:
            OSError: the folder cannot be restored, or holds another experiment.
        """
        self._check(patience=0)
        self.require()

    def require(self) -> None:
        """
        See that files are written into no folder but that of this experiment.

        Raises:
            OSError: the folder could not be restored, or holds another experiment.
        """
        if self._is_taken or identity_at(self._tree.root + _spec.LAYOUT_BEGIN) == NO_FILE:
            raise OSError(errno.ESTALE, self._problem or os.strerror(errno.ESTALE))

    def check(self) -> bool:
        """Restore what is missing; return whether nothing is lost."""
        is_done = self._check(patience=_PATIENCE_SECONDS, is_thorough=True)
        is_lost = self._problem or self.missing or any(file.lost_rows for file in list(self._files.values()))
        return is_done and not is_lost

    def settle(self, lost: dict[str, int]) -> bool:
        """
        Check again and add what is lost to the counts of end.json; return whether nothing is.

        A second call adds only what was lost since the first.
        """
        is_whole = self.check()
        absent = [file for name, file in list(self._files.items()) if not self._is_in_place(name, file)]
        rows = sum(file.lost_rows for file in list(self._files.values())) + sum(file.rows for file in absent)
        before, self._settled = self._settled, (rows, len(self.missing))
        lost[_spec.LOSS_ROWS] += rows - before[0]
        lost[_spec.LOSS_ARTIFACTS] += len(self.missing) - before[1]
        if rows > before[0]:
            where = self._tree.root + (f" ({self._problem})" if self._problem else "")
            warn(f"{rows} rows cannot be restored after their files were removed or truncated in {where}")
        return is_whole

    def _check(self, *, patience: float, is_thorough: bool = False) -> bool:
        """Restore what is missing, unless another thread does and goes on for longer than our patience."""
        # Bounded, because a signal handler may save while its own thread holds the lock of a file, for which
        # the thread that restores waits.
        if not self._lock.acquire(timeout=patience):
            return False
        try:
            # What a signal handler has interrupted in here goes on afterwards.
            return self._is_checking or self._restore_once(is_thorough=is_thorough)
        finally:
            self._lock.release()

    def _restore_once(self, *, is_thorough: bool) -> bool:
        self._is_checking = True
        try:
            self._restore(is_thorough=is_thorough)
        finally:
            self._is_checking = False
        return True

    def _restore(self, *, is_thorough: bool) -> None:
        self._problem = ""
        if self._holds_another():
            self._is_taken = True
            self._problem = "another experiment is there now, which is left alone"
            self._report([_spec.LAYOUT_BEGIN], f"not restored: {self._problem}")
            return
        self._continue_cut_files()
        absent = self._absent()
        restored = self._restored(absent)
        if restored:
            self._on_restored(restored)
        before = self.missing
        if absent or is_thorough:
            self.missing = {name for name in self._saved() if identity_at(self._tree.root + name) == NO_FILE}
        self._report_changes(restored, set(absent).difference(restored), self.missing - before)

    def _continue_cut_files(self) -> None:
        for name, file in list(self._files.items()):
            if file.is_at(self._tree.root + name) and file.is_cut():
                try:
                    self._continue(name, file)
                except OSError as error:
                    self._problem = f"{name!r}: {error.strerror or error}"

    def _continue(self, name: str, file: Kept) -> None:
        before, later = file.lost_rows, self._rename_cut(name)
        if later != name:
            self._files[later] = self._files.pop(name)
        try:
            file.begin_again(self._tree.root + name)
            self._on_restored([name])
        finally:
            if file.lost_rows > before:
                warn(
                    f"{self._tree.root}{name} was truncated while its script runs: {file.lost_rows - before}"
                    f" rows of it are lost; later rows are in {later!r}"
                )

    def _absent(self) -> list[str]:
        names = [name for name, file in list(self._files.items()) if not self._is_in_place(name, file)]
        folders = (_spec.LAYOUT_BEGIN, _spec.LAYOUT_TMP)
        return [name for name in folders if identity_at(self._tree.root + name) == NO_FILE] + names

    def _is_in_place(self, name: str, file: Kept) -> bool:
        names = (name, _ASIDE.get(name, name))
        return not self._is_taken and any(file.is_at(self._tree.root + each) for each in names)

    def _restored(self, names: Collection[str]) -> list[str]:
        """Restore files; return the names of those with which that has worked."""
        try:
            if names:
                self._make_folders()
        except OSError as error:
            self._problem = f"{self._tree.root}: {error.strerror or error}"
            return []
        return [name for name in names if self._is_restored(name)]

    def _is_restored(self, name: str) -> bool:
        try:
            if name == _spec.LAYOUT_BEGIN:
                self._restore_begin()
            elif name in self._files:
                self._files[name].restore(lambda fill: self._tree.put(name, fill))
        except OSError as error:
            self._problem = self._problem or f"{name!r}: {error.strerror or error}"
            return False
        return True

    def _restore_begin(self) -> None:
        # Whose a file is that has appeared meanwhile is seen by the next look.
        with contextlib.suppress(FileExistsError):
            self._tree.create(_spec.LAYOUT_BEGIN, self._begin)
            self._begin_identity = identity_at(self._tree.root + _spec.LAYOUT_BEGIN)

    def _holds_another(self) -> bool:
        """Return whether the begin.json that is there belongs to another experiment."""
        path = self._tree.root + _spec.LAYOUT_BEGIN
        found = identity_at(path)
        if found in (self._begin_identity, NO_FILE, None):
            return False
        try:
            with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
                theirs = documents.read_begin(file.read())
        except UnsupportedProtocol:
            return True
        except (Unreadable, FileNotFoundError):
            # Of no use to anyone, and in the way of ours.
            remove(path)
            return False
        except OSError:
            return False
        # `push --tag` has written our own anew.
        if theirs.get("nonce") == self._nonce:
            self._begin_identity = found
            return False
        return True

    def _report_changes(
        self, restored: Collection[str], refused: Collection[str], missing: Collection[str]
    ) -> None:
        told = []
        if restored:
            told.append(f"restored: {_shown(restored)}")
        if missing:
            told.append(f"lost, because there is no other copy: {_shown(missing)}")
        if refused:
            told.append(f"not restored yet: {self._problem}")
        self._report([*restored, *refused, *missing], "; ".join(told))

    def _report(self, names: Collection[str], what: str) -> None:
        """Warn, unless all these names were in a warning before."""
        if not self._reported.issuperset(names):
            self._reported.update(names)
            warn(f"files were removed or replaced in {self._tree.root} while its script runs; {what}")


def _shown(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
    return ", ".join(map(repr, listed[:_NAMES_SHOWN])) + more
