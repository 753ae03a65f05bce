"""
The queue: what the writer says was saved, line by line.

>>> Queue(".../.lab-workbook/queue").read()
[{'verb': 'destination', ...}, {'verb': 'series', 'name': 'Training loss.csv', 'saveEvery': None}]
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from lab_workbook.errors import LabWorkbookError, warn
from lab_workbook.protocol import _spec, jsontext, prefix, tags
from lab_workbook.protocol.prefix import Prefix
from lab_workbook.store.put_options import PutOptions
from lab_workbook.store.s3 import S3Store
from lab_workbook.store.wire import Wire

from lab_workbook_writer.descriptors import NO_FILE, identity, identity_at, open_regular

Line = dict[str, Any]


class Queue:
    """A file of lines that another process appends to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._position = 0
        self._identity = NO_FILE

    def is_in_place(self) -> bool:
        """Return whether the file that was read is still there, and no other one in its place."""
        return self._identity == NO_FILE or identity_at(self._path) in (self._identity, None)

    def read(self) -> list[Line]:
        """Return the lines that have become whole since the last call; none of a file in place of ours."""
        try:
            with os.fdopen(open_regular(self._path, os.O_RDONLY), "rb") as file:
                if self._identity not in (NO_FILE, identity(file.fileno())):
                    return []
                self._identity = identity(file.fileno())
                file.seek(self._position)
                whole, line_feed, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._position += len(whole) + len(line_feed)
        lines = (_line(text) for text in whole.split(b"\n") if text)
        return [line for line in lines if line is not None]


class Destination(NamedTuple):
    """Where an experiment goes, as the first line of its queue says."""

    prefix: Prefix
    tag: str
    explicit: bool
    endpoint_url: str | None
    region: str | None
    profile: str | None
    addressing_style: str
    options: PutOptions
    upload_every: float
    # The writer notices that the journal was compacted.
    rereads_journal: bool
    # What holds the spool, as its writer sees it: `lab_workbook.protocol.file_systems`.
    file_system: str

    def open(self, tag: str, wire: Wire) -> S3Store:
        """Return the folder of the experiment in the bucket."""
        return S3Store(
            self.prefix._replace(path=f"{self.prefix.path}{tag}/"),
            endpoint_url=self.endpoint_url,
            profile=self.profile,
            region=self.region,
            addressing_style=self.addressing_style,
            options=self.options,
            wire=wire,
        )


def destination(lines: list[Line], origin: str) -> Destination:
    """
    Read the first line of a queue.

    Raises:
        LabWorkbookError: there is none, or it leads to no bucket.
    """
    line = lines[0] if lines else {}
    if line.get("verb") != "destination":
        raise LabWorkbookError(f"{origin} is not a spool: its queue does not begin with a destination")
    place = prefix.parse(str(line.get("prefix")))
    if place.kind != "s3":
        raise LabWorkbookError(f"{origin} is not a spool: {place} is no bucket")
    return Destination(
        place,
        tags.check(line.get("tag")),
        explicit=bool(line.get("explicit")),
        endpoint_url=line.get("endpointUrl") or None,
        region=line.get("region") or None,
        profile=line.get("profile") or None,
        addressing_style=line.get("addressingStyle") or "auto",
        options=PutOptions(
            line.get("serverSideEncryption") or None,
            line.get("kmsKeyId") or None,
            line.get("storageClass") or None,
            line.get("acl") or None,
        ),
        upload_every=_seconds(line.get("uploadEvery")),
        rereads_journal=line.get("rereadsJournal") is True,
        file_system=str(line.get("fileSystem") or ""),
    )


def _seconds(value: Any) -> float:
    default: Any = _spec.CONFIG_DEFAULTS["uploadEvery"]
    return float(value if isinstance(value, (int, float)) and value >= 0 else default)


def _line(text: bytes) -> Line | None:
    try:
        line = jsontext.decode(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        # A full disk can tear a line; the writer then counts what it stood for as lost.
        warn(f"a line of the queue is not a JSON object and is passed over: {text[:200]!r}")
        return None
    return line
