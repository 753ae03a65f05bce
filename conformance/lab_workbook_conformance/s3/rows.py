"""What the requests of a writer say against how it publishes a series that grows: the rules of live rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from lab_workbook_conformance import answers, judges, verdicts
from lab_workbook_conformance.case import Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.story import Segment, Story, Write, blame, ends_with_row

_LAYOUT = SPEC["layout"]

Findings = Iterator[Finding]


def segment_key(story: Story) -> Findings:
    """Find a segment under a key that says nothing, or something else than it should."""
    for write in story.puts(f"{_LAYOUT['segments']}*"):
        for rule in judges.tree([_LAYOUT["begin"], write.name]):
            yield blame(rule, "no reader takes this for a segment", write)


def segment_rows(story: Story) -> Findings:
    """Compare each segment with its series, and find one that was replaced."""
    for name, arrived in story.segments().items():
        counts = Counter(segment for segment, _ in arrived)
        whole = story.found.files.get(name)
        for segment, write in arrived:
            data = write.seen.content
            if counts[segment] > 1 or not write.is_first:
                yield blame("segments.rows", "it is to be created, and was put so that it replaces", write)
            if len(data) != segment.end - segment.start or not ends_with_row(_upto(arrived, segment, data)):
                yield blame("segments.rows", "it has other bytes than its key says", write)
            elif _LAYOUT["end"] in story.found.files and not data.startswith(_part(whole or b"", segment)):
                yield blame("segments.rows", "the series has other bytes there", write)


def _part(whole: bytes, segment: Segment) -> bytes:
    return whole[segment.start : segment.end]


def _upto(arrived: list[tuple[Segment, Write]], segment: Segment, data: bytes) -> bytes:
    """Return the series up to the end of a segment, because only there it shows where a row ends."""
    position = b""
    for each, write in arrived:
        if each.start <= len(position) < each.end <= segment.start:
            position += write.seen.content[len(position) - each.start :]
    return position + data if len(position) == segment.start else data


def segment_cover(story: Story) -> Findings:
    """Find a segment that does not hold the publications that it should."""
    for arrived in story.segments().values():
        ends: list[int] = []
        for segment, write in arrived:
            ends.append(segment.end)
            expected = answers.segment(ends)
            if [segment.start, segment.end] != expected:
                message = f"after publication {len(ends)} it has to hold {expected[0]} to {expected[1]}"
                yield blame("segments.cover", message, write)
                break


def refresh(story: Story) -> Findings:
    """Find a series that was put with rows missing or torn, or with fewer than before."""
    end, files = story.end(), story.found.files
    promised = (verdicts.document(files, "end") or {}).get("files", {})
    for name in sorted(_series(story)):
        size = promised[name].get("bytes", 0) if name in promised else 0
        if name in files and len(files[name]) < size:
            yield Finding("segments.refresh", f"{name} is not whole at the end", "", shown(files[name]))
        puts = story.puts(name)
        for write in puts:
            whole = files.get(name, b"")
            is_part = end is None or whole.startswith(write.seen.content)
            if write.seen.method == "PUT" and not (is_part and ends_with_row(write.seen.content)):
                yield blame("segments.refresh", "it is no beginning of the series", write)
        for earlier, later in pairwise(puts):
            if len(later.seen.content) < len(earlier.seen.content):
                yield blame("segments.refresh", "it has less than the one that was there", later)


def deleting(story: Story) -> Findings:
    """Find a segment that was deleted before a reader that knows of it has had its time."""
    for write in story.writes:
        segment = write.segment
        if write.is_delete and segment and not _is_superseded(story, segment, write.seen.at):
            seconds = SPEC["segment"]["delete_seconds"]
            message = f"its rows have not been elsewhere for {seconds} seconds"
            yield blame("segments.delete", message, write)


def _is_superseded(story: Story, segment: Segment, now: float) -> bool:
    """Say whether its bytes have been in one later segment, or in the artifact, for long enough."""
    until = now - SPEC["segment"]["delete_seconds"]
    later = [
        write.seen.told
        for each, write in story.segments().get(segment.series, [])
        if each != segment and each.start <= segment.start and segment.end <= each.end
    ]
    whole = [put.seen.told for put in story.puts(segment.series) if len(put.seen.content) >= segment.end]
    return any(told is not None and told <= until for told in [*later, *whole])


def _series(story: Story) -> set[str]:
    """Return the names of the series that the steps began."""
    return {f"{step[1]}.csv" for step in story.found.steps if step[0] == "newTimeSeriesLog"}
