"""The rows of a series that still grows: what a reader would get of what is there."""

from __future__ import annotations

from collections.abc import Mapping

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.story import Segment, Story, segment_of

_HEAD = SPEC["layout"]["segments"]


def rows(files: Mapping[str, bytes], name: str) -> bytes:
    """Return the bytes of a series as far as its artifact and its segments have them."""
    data = files.get(name, b"")
    segments = {segment_of(path): held for path, held in files.items() if path.startswith(_HEAD)}
    while following := _following(segments, name, len(data)):
        data += segments[following][len(data) - following.start :]
    return data


def _following(segments: Mapping[Segment | None, bytes], name: str, position: int) -> Segment | None:
    fits = [each for each in segments if each and each.series == name and each.start <= position < each.end]
    return max(fits, key=lambda each: each.end, default=None)


def published(story: Story, name: str, *, before: float) -> bytes:
    """Return what of a series had been put by then, whatever has been deleted since."""
    files = {
        write.name: write.seen.content
        for write in story.puts()
        if (write.name == name or write.segment) and write.seen.forwarded and write.seen.forwarded <= before
    }
    return rows(files, name)
