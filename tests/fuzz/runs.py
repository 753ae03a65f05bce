"""Calls the importers with files of other programs, which lie in memory."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lab_workbook.protocol import jsontext
from lab_workbook_writer import importers
from lab_workbook_writer.importers import grouping
from lab_workbook_writer.importers.crc32c import masked


class Runs:
    """
    Files of another program, one of which is the input; they are read as far as tables and documents.

    ``at`` is the path that is imported: the folder of them all, or one file.
    """

    def __init__(self, kind: str, path: str, rest: Iterable[tuple[str, bytes]] = (), *, at: str = "") -> None:
        self._kind = kind
        self._path = path
        self._at = at
        self._rest = tuple(rest)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __call__(self, data: bytes) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
            for name, content in self._rest:
                _put(Path(self._folder.name, name), content)
        _put(Path(self._folder.name, self._path), data)
        for found in importers.find(self._kind, os.path.join(self._folder.name, self._at)):
            run = found.load()
            for table in grouping.tables(run.metrics):
                list(table.rows)
            for document in run.documents.values():
                jsontext.encode(document, lambda *_: None)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


_EVENTS = Runs("tensorboard", "events.out.tfevents.1")
_WANDB = Runs("wandb", "run-20261123_134048-abcd1234/run-abcd1234.wandb")
# What the logs of W&B begin with.
_LOG_HEAD: Final = b":W&B\xe1\xbe\x00"
# What stands between the bodies of records in an input.
_BETWEEN: Final = b"====="


def import_events(data: bytes) -> None:
    """Import events whose checksums are right."""
    frames = []
    for body in data.split(_BETWEEN):
        head = struct.pack("<Q", len(body))
        frames.append(head + struct.pack("<I", masked(head)) + body + struct.pack("<I", masked(body)))
    _EVENTS(b"".join(frames))


def import_log(data: bytes) -> None:
    """Import a log whose checksums are right; it is shorter than a block, in which a record may not end."""
    frames = [_LOG_HEAD]
    for body in data[:30_000].split(_BETWEEN):
        kind = b"\x01"
        frames.append(struct.pack("<IHB", zlib.crc32(body, zlib.crc32(kind)), len(body), 1) + body)
    _WANDB(b"".join(frames))


def event_bodies(data: bytes) -> bytes:
    """Return the bodies of the records in a file of events, as the target of their bodies takes them."""
    bodies, at = [], 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        bodies.append(data[at + 12 : at + 12 + size])
        at += 16 + size
    return _BETWEEN.join(bodies)


def log_bodies(data: bytes) -> bytes:
    """Return the bodies of the records in a log of one block."""
    bodies, at = [], len(_LOG_HEAD)
    while at + 7 <= len(data):
        _, size, _ = struct.unpack_from("<IHB", data, at)
        bodies.append(data[at + 7 : at + 7 + size])
        at += 7 + size
    return _BETWEEN.join(bodies)
