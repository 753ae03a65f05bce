"""Level core, for writers: cases that watch by which steps the files of an experiment change."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab_workbook_conformance import series, verdicts
from lab_workbook_conformance.bench import Bench, Recording, Unsupported
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.levels.examples import CLOSE, NEW, PAUSE

Findings = Iterable[Finding]

# Of inotify(7).
_MODIFY, _MOVED_FROM, _DELETE, _CREATE, _MOVED_TO = 0x2, 0x40, 0x200, 0x100, 0x80
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 1 << 20

_BORN, _LOSS = "born", "loss"
_REPLACED = ("best.json", "notes.md", "model.bin")
# The watch begins in the pause; `born` has no rows, so that each change of its file is one of its header.
_STEPS = [
    NEW,
    ["saveJSON", "best", {"epoch": 1}],
    ["saveText", "notes.md", "first"],
    ["saveFile", "model.bin", {"$bytes": "01FF"}],
    ["newTimeSeriesLog", _LOSS, ["epoch"]],
    ["log", _LOSS, {"epoch": 1}],
    PAUSE,
    ["newTimeSeriesLog", _BORN, ["epoch", "a much longer field than that", "x"]],
    ["saveJSON", "best", {"epoch": 2, "more": [1, 2, 3]}],
    ["saveText", "notes.md", "second and longer"],
    ["saveFile", "model.bin", {"$bytes": "02FFFFFF"}],
    ["log", _LOSS, {"epoch": 2}],
    CLOSE,
]


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield Case(
        "kind.replace-steps", ("kind.replace", "series.birth", "series.date"), "core", "writer", _watch_steps
    )


def _watch_steps(bench: Bench) -> Findings:
    """Replace artifacts and begin a series while the folder is watched, and log before and after a second."""
    prefix = bench.scratch()
    watched: list[_Watch] = []

    def watch(step: int) -> None:
        if step + 1 == _STEPS.index(PAUSE):
            (tag,) = os.listdir(prefix)
            watched.append(_Watch(os.path.join(prefix, tag)))

    found = bench.record(_STEPS, prefix=prefix, on_ack=watch)
    yield from verdicts.recording(found, "kind.replace", integers=bench.integers)
    changes = [change for each in watched for change in each.changes()]
    yield from _is_one_step(changes)
    yield from _clock_goes_on(found)


def _is_one_step(changes: Iterable[_Change]) -> Findings:
    """Find that a file was written, or removed, where everyone can see it."""
    wrong: dict[str, list[str]] = {}
    for name, mask in changes:
        if mask & (_MODIFY | _DELETE | _MOVED_FROM):
            word = "written" if mask & _MODIFY else "removed"
            wrong.setdefault(name, []).append(word)
    for name in _REPLACED:
        if name in wrong:
            message = f"{name} is not replaced in one step: it was {wrong[name][0]} in its place"
            yield Finding("kind.replace", message, "", ", ".join(wrong[name]))
    if f"{_BORN}.csv" in wrong:
        message = f"{_BORN}.csv appears without its whole header: it was changed after that"
        yield Finding("series.birth", message, shown(_STEPS[7]), ", ".join(wrong[f"{_BORN}.csv"]))


def _clock_goes_on(found: Recording) -> Findings:
    rows = series.raw_rows(found.files.get(f"{_LOSS}.csv", b""))[1:]
    dates = [row[-1] for row in rows]
    if found.is_done and len(dates) == 2 and dates[0] == dates[1]:
        yield Finding("series.date", "two rows have one date, and a second was between them", "", dates[0])


class _Change(NamedTuple):
    name: str
    mask: int


class _Watch:
    """What happens to the names in a folder from now on; of Linux alone."""

    def __init__(self, folder: str) -> None:
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._descriptor = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        except (AttributeError, OSError) as error:
            raise Unsupported("this system cannot watch a folder") from error
        mask = _MODIFY | _MOVED_FROM | _DELETE | _CREATE | _MOVED_TO
        if (
            self._descriptor < 0
            or self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask) < 0
        ):
            raise Unsupported("this system has no watch left")

    def changes(self) -> list[_Change]:
        """Return what has happened, and end the watch."""
        try:
            data = b"".join(iter(self._read, b""))
        finally:
            os.close(self._descriptor)
        found, at = [], 0
        while at < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, at)
            name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
            found.append(_Change(os.fsdecode(name), mask))
            at += _EVENT.size + length
        return found

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, _BUFFER_BYTES)
        except BlockingIOError:
            return b""
