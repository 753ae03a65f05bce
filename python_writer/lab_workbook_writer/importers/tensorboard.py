"""
TensorBoard: folders of event files, as TensorFlow, PyTorch and many others write them.

Each folder with event files is a run, as TensorBoard itself has it. Scalars become metrics, hyperparameters
``hparams.json`` and texts ``texts.json``; pictures, sounds, histograms and graphs are counted and left out.

The files: https://www.tensorflow.org/tutorials/load_data/tfrecord, and tensorflow/core/util/event.proto.
"""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

from lab_workbook.errors import Unreadable

from lab_workbook_writer.importers import trees
from lab_workbook_writer.importers.crc32c import masked
from lab_workbook_writer.importers.record import digest
from lab_workbook_writer.importers.run import Found, Run, below, sane, tag_of
from lab_workbook_writer.importers.tensors import scalar, texts
from lab_workbook_writer.importers.wire import Malformed, as_bytes, as_float, as_int, as_text, fields

_MARK: Final = "tfevents"

# A length and its checksum stand before the bytes of a record, and their checksum behind.
_HEAD: Final = struct.Struct("<QI")
_FOOT: Final = struct.Struct("<I")

# Graphs have tens of megabytes; a file that claims more for one record would fill the memory.
_MOST: Final = 1 << 28

# Each takes hundreds of bytes in memory, and a stranger's file two for it.
_MOST_KEPT: Final = 100_000

# The fields of an Event, a Summary.Value, and what is inside of them.
_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5
_OTHERS: Final = {4: "graphs", 8: "run metadata", 9: "graphs"}
_TAG, _SIMPLE, _TENSOR, _METADATA = 1, 2, 8, 9
_MEDIA: Final = {4: "images", 5: "histograms", 6: "sounds"}


class Damaged(ValueError):
    """A record is not what was written."""


def find(path: str) -> Iterator[Found]:
    """
    Yield each folder at or below a path that has event files, or the file at the path.

    Raises:
        Unreadable: there is none.
    """
    if os.path.isfile(path):
        # One file of a folder that has several: what it tells is a run as well.
        yield _found(os.path.dirname(path), trees.base(os.path.dirname(path)), [path])
        return
    yield from below("tensorboard", path, _runs, f"there are no event files of TensorBoard, *{_MARK}*")


def _runs(folder: str, name: str) -> Iterator[Found]:
    """Yield the run of a folder, if it has one."""
    files = [each.path for each in trees.files(folder) if _MARK in each.name]
    if files:
        yield _found(folder, name, files)


def _found(folder: str, name: str, files: list[str]) -> Found:
    return Found("tensorboard", name, _tag(folder, files), _Loader(files).load)


def records(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the records of an event file; one at its end that is torn, as after a kill, is not given.

    Raises:
        Damaged: a checksum is not that of its bytes.
    """
    at = 0
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        size, check = _HEAD.unpack(head)
        if masked(head[:8]) != check or size > _MOST:
            raise Damaged(f"the record at byte {at} is damaged")
        body = file.read(size + _FOOT.size)
        if len(body) < size + _FOOT.size:
            return
        if masked(body[:size]) != _FOOT.unpack(body[size:])[0]:
            raise Damaged(f"the record at byte {at} is damaged")
        yield body[:size]
        at += len(head) + len(body)


def _tag(folder: str, files: list[str]) -> str:
    """Return the tag: what comes first does not change while a run goes on, nor where it is moved to."""
    first = b""
    try:
        with trees.opened(files[0]) as file:
            first = next(records(file), b"")
        started = next((as_float(value) for number, value in fields(first) if number == _WALL_TIME), 0.0)
    except (Damaged, Malformed, Unreadable):
        started = 0.0
    return tag_of("tensorboard", sane(started), trees.base(folder), trees.base(files[0]), first)


class _Loader:
    """Reads the event files of one run, which are parts of one story."""

    def __init__(self, files: list[str]) -> None:
        self._files = files
        self._run = Run()
        # Only the first value of a tag says which plugin shows it.
        self._plugins: dict[str, str] = {}
        self._kept: Counter[str] = Counter()

    def load(self) -> Run:
        run = self._run
        for path in self._files:
            with trees.opened(path) as file:
                try:
                    for data in records(file):
                        self._event(data)
                except (Damaged, Malformed) as problem:
                    run.problems.append(f"{trees.base(path)}: {problem}; what comes before it is imported")
        run.origin["sources"] = [digest(path) for path in self._files]
        return run

    def _event(self, data: bytes) -> None:
        wall_time, step, summaries = math.nan, 0, []
        for number, value in fields(data):
            if number == _WALL_TIME:
                wall_time = as_float(value)
            elif number == _STEP:
                step = as_int(value)
            elif number == _SUMMARY:
                summaries.append(as_bytes(value))
            elif number in _OTHERS:
                self._run.left_out[_OTHERS[number]] += 1
        for summary in summaries:
            for number, value in fields(summary):
                if number == 1:
                    self._value(as_bytes(value), step, wall_time)

    def _value(self, data: bytes, step: int, wall_time: float) -> None:
        run = self._run
        found = dict(fields(data))
        tag = as_text(found.get(_TAG, b""))
        if _METADATA in found:
            plugin, content = _plugin(as_bytes(found[_METADATA]))
            if plugin == "hparams":
                self._keep_hyperparameters(content)
                return
            self._plugins.setdefault(tag, plugin)
        if _SIMPLE in found:
            run.add(tag, step, wall_time, as_float(found[_SIMPLE]))
        elif _TENSOR in found:
            self._tensor(tag, as_bytes(found[_TENSOR]), step, wall_time)
        else:
            run.left_out.update(
                [next((name for key, name in _MEDIA.items() if key in found), "other values")]
            )

    def _tensor(self, tag: str, data: bytes, step: int, wall_time: float) -> None:
        run, plugin = self._run, self._plugins.get(tag, "")
        if plugin == "text":
            self._keep_texts(tag, data, step, wall_time)
            return
        number = scalar(data) if plugin in ("scalars", "") else None
        if number is None:
            run.left_out[plugin or "tensors"] += 1
        else:
            run.add(tag, step, wall_time, number)

    def _keep_texts(self, tag: str, data: bytes, step: int, wall_time: float) -> None:
        kept = self._run.documents.setdefault("texts", {}).setdefault(tag, [])
        for each in texts(data):
            if self._has_room("texts"):
                kept.append({"step": step, "wall time": wall_time, "text": each})

    def _keep_hyperparameters(self, content: bytes) -> None:
        kept = self._run.documents.setdefault("hparams", {})
        for name, value in _hyperparameters(content):
            if name in kept or self._has_room("hyperparameters"):
                kept[name] = value

    def _has_room(self, kind: str) -> bool:
        """Return whether one more may be kept; if not, it is counted as left out."""
        self._kept[kind] += 1
        if self._kept[kind] <= _MOST_KEPT:
            return True
        self._run.left_out[f"{kind} beyond the first {_MOST_KEPT:,}"] += 1
        return False


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    """Return the name of the plugin that shows a value, and what it has said about it."""
    for number, value in fields(metadata):
        if number == 1:
            found = dict(fields(as_bytes(value)))
            return as_text(found.get(1, b"")), as_bytes(found.get(2, b""))
    return "", b""


def _hyperparameters(content: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the hyperparameters of a session that starts; of anything else, none."""
    for number, value in fields(content):
        if number != 3:
            continue
        # A map is a list of pairs.
        for key, pair in fields(as_bytes(value)):
            if key == 1:
                entry = dict(fields(as_bytes(pair)))
                yield as_text(entry.get(1, b"")), _plain(as_bytes(entry.get(2, b"")))


def _plain(value: bytes) -> Any:
    """Return the value of a `google.protobuf.Value` that is no list or object."""
    for number, content in islice(fields(value), 1):
        if number == 2:
            return as_float(content)
        if number == 3:
            return as_text(content)
        if number == 4:
            return bool(as_int(content))
    return None
