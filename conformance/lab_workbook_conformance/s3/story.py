"""What happened to one experiment in a bucket: who asked what of the server, when, and what is there now."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs

from lab_workbook_conformance import series
from lab_workbook_conformance.bench import Recording
from lab_workbook_conformance.case import Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.proxy import Seen

_LAYOUT = SPEC["layout"]
_SEGMENT = re.compile(f"{re.escape(_LAYOUT['segments'])}(.+)/([0-9]+)-([0-9]+)", re.DOTALL)
_DELETED = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)


# The number of no step: when the steps were asked for.
ASKED = -1


class Segment(NamedTuple):
    """The bytes of a series that a segment holds, as its key says."""

    series: str
    start: int
    end: int


class Write(NamedTuple):
    """A request that put or deleted an object; ``name`` is relative to the experiment."""

    name: str
    is_delete: bool
    seen: Seen

    @property
    def is_taken(self) -> bool:
        """Whether the server did as it was asked."""
        return self.seen.outcome is not None and self.seen.outcome < 300

    @property
    def is_first(self) -> bool:
        """Whether it was only to be put where nothing was."""
        return self.seen.headers.get("if-none-match") == "*"

    @property
    def segment(self) -> Segment | None:
        """Which segment it is; None where it is none."""
        return segment_of(self.name)


class Story(NamedTuple):
    """
    One experiment: what was recorded, all requests that were seen meanwhile, and what they wrote.

    ``acks`` has the time at which each step was said to be done, on the clock of the requests, and when it
    was asked for.
    """

    found: Recording
    folder: str
    requests: list[Seen]
    acks: dict[int, float]

    @property
    def writes(self) -> list[Write]:
        """What was put and deleted in the experiment, in the order in which it came."""
        return list(_writes(self.requests, f"{self.folder}{self.found.tag}/"))

    @property
    def closing(self) -> float | None:
        """
        When the script was not ending yet; None where nobody has said.

        One step earlier than it seems, because what is said to be done is heard a little later.
        """
        closes = [at for at, step in enumerate(self.found.steps) if step[0] in ("close", "fail")]
        return self.acks.get(closes[0] - 2) if closes else None

    def puts(self, pattern: str = "*") -> list[Write]:
        """Return what was put under such names, in the order in which the server took it."""
        taken = [
            write
            for write in self.writes
            if write.seen.stored and not write.is_delete and fnmatch.fnmatchcase(write.name, pattern)
        ]
        return sorted(taken, key=lambda write: write.seen.stored or 0)

    def artifacts(self) -> list[Write]:
        """Return what was put under the names of artifacts, in that order."""
        return [write for write in self.puts() if not write.name.startswith(f"{_LAYOUT['reserved']}/")]

    def segments(self) -> dict[str, list[tuple[Segment, Write]]]:
        """Return the segments that arrived, by series, in that order."""
        arrived: dict[str, list[tuple[Segment, Write]]] = {}
        for write in self.puts():
            segment = write.segment
            if segment:
                arrived.setdefault(segment.series, []).append((segment, write))
        return arrived

    def end(self) -> Write | None:
        """Return the put of end.json that the server took."""
        return next(iter(self.puts(_LAYOUT["end"])), None)


def segment_of(name: str) -> Segment | None:
    """Return which segment lies under a name; None where it is the name of something else."""
    found = _SEGMENT.fullmatch(name)
    return Segment(found[1], int(found[3]), int(found[2])) if found else None


def kind(seen: Seen) -> str:
    """Return what a request is counted as: its method, or `LIST`."""
    lists = seen.method == "GET" and ("list-type" in seen.query or "prefix" in parse_qs(seen.query))
    return "LIST" if lists else seen.method


def ends_with_row(data: bytes) -> bool:
    """Say whether these bytes of a series end where a row ends."""
    return not series.tail(data.decode("utf-8", "surrogateescape"))


def _writes(requests: Sequence[Seen], folder: str) -> Iterator[Write]:
    for seen in requests:
        for name, is_delete in _written(seen):
            if name.startswith(folder):
                yield Write(name.removeprefix(folder), is_delete, seen)


def _written(seen: Seen) -> list[tuple[str, bool]]:
    """Return the keys that a request writes, each with whether it deletes it; parts are no objects."""
    if seen.method == "DELETE":
        return [(seen.key, True)] if "uploadId=" not in seen.query else []
    if seen.method == "PUT":
        return [(seen.key, False)] if "partNumber=" not in seen.query else []
    if seen.method == "POST" and "uploadId=" in seen.query:
        return [(seen.key, False)]
    if seen.method == "POST" and "delete" in parse_qs(seen.query, keep_blank_values=True):
        return [(key, True) for key in _DELETED.findall(seen.body.decode("utf-8", "replace"))]
    return []


def blame(rule: str, message: str, write: Write) -> Finding:
    """Return a finding about a request."""
    verb = "DELETE" if write.is_delete else write.seen.method
    shown_headers = {
        name: write.seen.headers[name]
        for name in ("if-none-match", "content-type")
        if name in write.seen.headers
    }
    asked = f"{verb} {write.name} {shown_headers or ''}".rstrip()
    return Finding(rule, message, asked, shown(write.seen.content))
