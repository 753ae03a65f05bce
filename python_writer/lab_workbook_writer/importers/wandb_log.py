"""
The log of a W&B run, ``run-….wandb``: a record for all that it has logged, in the order in which it did.

The records lie in blocks of 32 kB as LevelDB has its log, each with a checksum; each is a message of
wandb_internal.proto, whose values are texts of JSON.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec, jsontext

from lab_workbook_writer.importers.run import Run, sane
from lab_workbook_writer.importers.wire import Malformed, as_bytes, as_int, as_text, fields

_MAGIC: Final = b":W&B\xe1\xbe"
_FILE_HEAD: Final = 7
_BLOCK: Final = 32768
_HEAD: Final = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MOST: Final = 1 << 28

# The fields of a Record, and those of what is in it.
_HISTORY, _SUMMARY, _CONFIG, _EXIT, _RUN = 2, 3, 5, 18, 17
_KEY, _NESTED, _JSON = 1, 2, 16
_RUN_TEXTS: Final = {1: "run", 3: "project", 6: "group", 7: "job", 8: "title", 9: "notes"}
_STEP, _TIME, _RUNTIME = "_step", "_timestamp", "_runtime"


class Damaged(ValueError):
    """A record is not what was written."""


def read(file: BinaryIO, run: Run) -> None:
    """
    Add what a log says to a run; what follows a damaged record is left out, and told as a problem.

    Raises:
        Unreadable: it is no such log.
    """
    if file.read(_FILE_HEAD)[: len(_MAGIC)] != _MAGIC:
        raise Unreadable(f"{file.name} is no log of W&B, or of a version that has another form")
    try:
        for data in records(file):
            for number, value in fields(data):
                if number in _READERS:
                    _READERS[number](as_bytes(value), run)
    except (Damaged, Malformed) as problem:
        run.problems.append(f"{problem}; what comes before it is imported")


def records(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the records of a log; one at its end that is torn, as after a kill, is not given.

    Raises:
        Damaged: a checksum is not that of its bytes.
    """
    at, size = _FILE_HEAD, 0
    parts: list[bytes] = []
    while True:
        room = _BLOCK - at % _BLOCK
        if room < _HEAD.size:
            file.read(room)
            at += room
            continue
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        check, length, kind = _HEAD.unpack(head)
        body = file.read(length)
        if len(body) < length:
            return
        if zlib.crc32(body, zlib.crc32(head[-1:])) != check or kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
            raise Damaged(f"the record at byte {at} is damaged")
        at += _HEAD.size + length
        if kind in (_FULL, _FIRST):
            parts, size = [], 0
        parts.append(body)
        size += length
        if size > _MOST:
            raise Damaged(f"the record before byte {at} is too long for one")
        if kind in (_FULL, _LAST):
            yield b"".join(parts)


def _history(data: bytes, run: Run) -> None:
    row = dict(_items(data, 1))
    step, time = row.get(_STEP), row.get(_TIME)
    add_row(run, row, step if isinstance(step, int) else None, time)


def add_row(run: Run, row: dict[str, Any], step: int | None, time: Any) -> None:
    """Add a row of a history: a point for each value that a cell can hold."""
    seconds = sane(time) or math.nan
    # A row that does not say its step, or one that no step can be, comes after all before it.
    is_step = step is not None and _spec.SERIES_INTEGER_MIN <= step <= _spec.SERIES_INTEGER_MAX
    number = step if step is not None and is_step else run.origin["rows"]
    run.origin["rows"] += 1
    for name, value in row.items():
        if name in (_STEP, _TIME, _RUNTIME) or value is None:
            continue
        if isinstance(value, (bool, int, float, str)):
            run.add(name, number, seconds, value)
        else:
            kind = value.get("_type") if isinstance(value, dict) else None
            run.left_out[kind if isinstance(kind, str) else "lists and tables"] += 1


def _document(name: str) -> Any:
    def read_document(data: bytes, run: Run) -> None:
        table = run.documents.setdefault(name, {})
        for key, value in _items(data, 1):
            if key.partition(".")[0] != "_wandb":
                table[key] = value

    return read_document


def _run(data: bytes, run: Run) -> None:
    tags = []
    for number, value in fields(data):
        if number in _RUN_TEXTS:
            run.origin[_RUN_TEXTS[number]] = as_text(value)
        elif number == 10:
            tags.append(as_text(value))
        elif number == 4:
            _document("config")(as_bytes(value), run)
    run.origin["tags"] = tags


def _exit(data: bytes, run: Run) -> None:
    found = dict(fields(data))
    run.origin["exitCode"] = as_int(found.get(1, 0))


def _items(data: bytes, wanted: int) -> Iterator[tuple[str, Any]]:
    """Yield the key and the value of each item; nested keys are joined by dots, as W&B shows them."""
    for number, item in fields(data):
        if number != wanted:
            continue
        key, nested, value = "", [], None
        for inner, content in fields(as_bytes(item)):
            if inner == _KEY:
                key = as_text(content)
            elif inner == _NESTED:
                nested.append(as_text(content))
            elif inner == _JSON:
                try:
                    value = jsontext.decode(as_bytes(content))
                except ValueError:
                    raise Malformed("a value is no JSON") from None
        yield key or ".".join(nested), value


_READERS: Final = {
    _HISTORY: _history,
    _SUMMARY: _document("summary"),
    _CONFIG: _document("config"),
    _EXIT: _exit,
    _RUN: _run,
}
