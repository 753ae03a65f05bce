"""
begin.json and end.json: the first and the last thing that an experiment says of itself.

Both are made here by the Python writer and the uploader, and read here by everyone. What comes from
a bucket is checked for the types that readers rely on; unknown keys are kept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from lab_workbook.errors import Unreadable, UnsupportedProtocol
from lab_workbook.protocol import _spec, jsontext

Document = dict[str, Any]


def now() -> str:
    """Return the time as all our files spell it, in UTC: ``2016-02-12T22:17:34Z``."""
    return time.strftime(_spec.SERIES_DATE_FORMAT, time.gmtime())


def moment(text: object) -> datetime | None:
    """Return the time that a text of ours spells, in UTC; None where it spells none."""
    try:
        return datetime.strptime(str(text), _spec.SERIES_DATE_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def begin(tag: str, writer: str, runtime: str, optional: Mapping[str, Any]) -> Document:
    """Return a begin.json; ``optional`` adds what is known of host, process, note and lineage."""
    return {
        "protocol": f"{_spec.PROTOCOL_NAME} {_spec.PROTOCOL_VERSION}",
        "tag": tag,
        "writer": writer,
        "runtime": runtime,
        "started": now(),
        **{key: value for key, value in optional.items() if value is not None},
    }


def end(
    outcome: str,
    error: Mapping[str, str] | None,
    lost: Mapping[str, int],
    files: Mapping[str, Mapping[str, Any]],
    *,
    ended: str | None = None,
    delivery: Mapping[str, Any] | None = None,
) -> Document:
    """
    Return an end.json; ``files`` maps each published name to its ``bytes`` and ``sha256``.

    ``delivery`` is what an uploader counted: ``requests`` by kind, and ``bytes``.
    """
    return {
        "ended": ended or now(),
        "outcome": outcome,
        "error": error,
        "lost": dict(lost),
        "files": {name: dict(files[name]) for name in sorted(files)},
        **({} if delivery is None else {"delivery": dict(delivery)}),
    }


def read_begin(data: bytes) -> Document:
    """
    Return a begin.json from a stranger.

    Raises:
        Unreadable: it is no such document.
        UnsupportedProtocol: a newer major version wrote it (rule ``begin.version``).
    """
    document = _object(data, _spec.LAYOUT_BEGIN)
    name, _, version = str(document.get("protocol")).partition(" ")
    major = version.partition(".")[0]
    if name != _spec.PROTOCOL_NAME or not major.isdecimal():
        raise Unreadable(f"{_spec.LAYOUT_BEGIN} does not say which protocol this is: {name[:80]!r}")
    if int(major[:9]) != _spec.PROTOCOL_MAJOR:
        raise UnsupportedProtocol(
            f"this experiment speaks {name} {version[:20]}, and this reader {_spec.PROTOCOL_VERSION}:"
            " upgrade with `pip install -U lab-workbook` (rule begin.version)"
        )
    return document


def read_end(data: bytes) -> Document:
    """
    Return an end.json from a stranger, with ``files`` and ``lost`` that are tables.

    Raises:
        Unreadable: it is no such document.
    """
    document = _object(data, _spec.LAYOUT_END)
    for key in ("files", "lost"):
        if not isinstance(document.setdefault(key, {}), dict):
            raise Unreadable(f"{_spec.LAYOUT_END}: {key!r} is not a table")
    if not isinstance(document.get("outcome"), str):
        raise Unreadable(f"{_spec.LAYOUT_END} gives no outcome")
    return document


def _object(data: bytes, name: str) -> Document:
    try:
        document = jsontext.decode(data)
    except ValueError as error:
        raise Unreadable(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Unreadable(f"{name} is not a JSON object")
    return document
