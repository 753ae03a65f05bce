"""
What the requests of a writer say against it: one function for each rule, and all of them at once.

The objects that are there at the end are judged as files are in a folder; here it is about when and how
they came.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from lab_workbook_conformance import answers, judges, verdicts
from lab_workbook_conformance.case import Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.story import Segment, Story, Write, ends_with_row, kind

_LAYOUT = SPEC["layout"]
_RESERVED = f"{_LAYOUT['reserved']}/"
_WORKING = tuple(_LAYOUT[key] for key in ("tmp", "queue", "outbox", "journal", "lock", "log"))
_KNOWN_SUFFIXES = tuple(kind["suffix"] for kind in SPEC["kind"].values() if kind["suffix"])

Findings = Iterator[Finding]


def requests(story: Story) -> Findings:
    """Judge all requests of an experiment, however it went."""
    for rule in (
        tag_claim,
        begin_first,
        end_last,
        end_delivery,
        content_type,
        place,
        working,
        segment_key,
        segment_rows,
        segment_cover,
        refresh,
        replacing,
        deleting,
        first_put,
        heartbeat_document,
        heartbeat_beat,
    ):
        yield from rule(story)


def finished(story: Story, rule: str, *, integers: bool) -> Findings:
    """Judge an experiment that ought to have been played to its end: its objects, and its requests."""
    yield from verdicts.recording(story.found, rule, integers=integers)
    yield from requests(story)
    if story.found.is_done:
        yield from missing(story)


def tag_claim(story: Story) -> Findings:
    """Find that begin.json was put in a way that overwrites another one's."""
    for write in story.writes:
        if write.name == _LAYOUT["begin"] and not write.is_first:
            yield _finding("tag.claim", "it was put without If-None-Match: *", write)


def begin_first(story: Story) -> Findings:
    """Find that something was sent before begin.json had arrived."""
    begins = story.puts(_LAYOUT["begin"])
    arrived = begins[0].seen.stored if begins else None
    for write in story.writes:
        is_other = not write.is_delete and write.name != _LAYOUT["begin"]
        if is_other and write.seen.stored and (arrived is None or write.seen.stored < arrived):
            yield _finding("begin.first", "it was there before begin.json", write)


def end_last(story: Story) -> Findings:
    """Find that something was still put or deleted when end.json was sent, or afterwards."""
    end = story.end()
    if end is None:
        return
    for write in story.writes:
        is_free = write.name == _LAYOUT["end"] or write.name.startswith(_LAYOUT["notes"])
        if not is_free and (write.seen.told is None or write.seen.told > end.seen.at) and _lasts(write, end):
            yield _finding("end.last", "it was put or deleted when end.json had been sent", write)


def _lasts(write: Write, end: Write) -> bool:
    """Say whether a request was sent after end.json, or had changed something after it."""
    late = bool(write.seen.stored and write.seen.stored > (end.seen.stored or 0))
    return late or write.seen.at > end.seen.at or (write.seen.told or 0) > end.seen.at


def end_delivery(story: Story) -> Findings:
    """Compare what end.json says was sent with what was seen."""
    end = story.end()
    document = verdicts.document(story.found.files, "end")
    if end is None or document is None:
        return
    before = [seen for seen in story.requests if seen.at < end.seen.at and seen is not end.seen]
    sent = {"requests": dict(Counter(map(kind, before))), "bytes": sum(seen.size for seen in before)}
    told = document.get("delivery")
    if isinstance(told, dict) and isinstance(told.get("requests"), dict):
        told = {"requests": {k: n for k, n in told["requests"].items() if n}, "bytes": told.get("bytes")}
    if told != sent:
        yield Finding("end.delivery", f"it was {sent} that was sent before end.json", "", f"{told}")


def content_type(story: Story) -> Findings:
    """Find an artifact that has another Content-Type than its kind."""
    for write in story.artifacts():
        expected, found = answers.content_type(write.name), _type_of(story, write)
        if write.name.endswith(_KNOWN_SUFFIXES) and found != expected:
            yield _finding("kind.content-type", f"it is {expected}, and was put as {found}", write)


def _type_of(story: Story, write: Write) -> str | None:
    """Return the Content-Type of an object; of one that came in parts, what its upload began with."""
    if write.seen.method == "PUT":
        return write.seen.headers.get("content-type")
    begun = [
        seen for seen in story.requests if seen.key == write.seen.key and seen.query.startswith("uploads")
    ]
    return begun[-1].headers.get("content-type") if begun else None


def place(story: Story) -> Findings:
    """Find an object that lies outside of the experiment."""
    folder = f"{story.folder}{story.found.tag}/"
    for seen in story.requests:
        if seen.stored and not seen.key.startswith(folder):
            yield Finding("layout.place", "it lies outside of the experiment", folder, seen.key)


def missing(story: Story) -> Findings:
    """Find that an artifact which was saved does not lie under its name."""
    for step in story.found.steps:
        if step[0] in ("saveJSON", "saveText", "saveFile", "newTimeSeriesLog"):
            for name in answers.files(step):
                if name not in story.found.files:
                    there = "\n".join(sorted(story.found.files))
                    yield Finding("layout.place", f"{name} is not there", shown(step), there)


def working(story: Story) -> Findings:
    """Find that a file was put which is for the writer and its uploader alone."""
    for write in story.writes:
        if not write.is_delete and write.name.startswith(_WORKING):
            yield _finding("layout.working", "it is for the writer alone", write)


def segment_key(story: Story) -> Findings:
    """Find a segment under a key that says nothing, or something else than it should."""
    for write in story.puts(f"{_LAYOUT['segments']}*"):
        for rule in judges.tree([_LAYOUT["begin"], write.name]):
            yield _finding(rule, "no reader takes this for a segment", write)


def segment_rows(story: Story) -> Findings:
    """Compare each segment with its series, and find one that was replaced."""
    for name, arrived in story.segments().items():
        counts = Counter(segment for segment, _ in arrived)
        whole = story.found.files.get(name)
        for segment, write in arrived:
            data = write.seen.content
            if counts[segment] > 1 or not write.is_first:
                yield _finding("segments.rows", "it is to be created, and was put so that it replaces", write)
            if len(data) != segment.end - segment.start or not ends_with_row(_upto(arrived, segment, data)):
                yield _finding("segments.rows", "it has other bytes than its key says", write)
            elif _LAYOUT["end"] in story.found.files and whole is not None and data != _part(whole, segment):
                yield _finding("segments.rows", "the series has other bytes there", write)


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
                yield _finding("segments.cover", message, write)
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
                yield _finding("segments.refresh", "it is no beginning of the series", write)
        for earlier, later in pairwise(puts):
            if len(later.seen.content) < len(earlier.seen.content):
                yield _finding("segments.refresh", "it has less than the one that was there", later)


def replacing(story: Story) -> Findings:
    """Find that an older artifact took the place of a newer one."""
    last: dict[str, bytes] = {}
    for step, name, data in _saves(story):
        last[name] = data
        known = [data for _, each, data in _saves(story) if each == name]
        order = [known.index(put.seen.content) for put in story.puts(name) if put.seen.content in known]
        if order != sorted(order):
            message = f"{name} came in the order {order} of what was saved"
            yield Finding("kind.replace", message, shown(step), shown(story.found.files.get(name, b"")))


def _saves(story: Story) -> Iterator[tuple[list[object], str, bytes]]:
    """Yield the texts that were saved: their bytes are known, and different ones show which is which."""
    for step in story.found.steps:
        if step[0] == "saveText":
            yield step, step[1], step[2].encode()


def deleting(story: Story) -> Findings:
    """Find a segment that was deleted before a reader that knows of it has had its time."""
    for write in story.writes:
        segment = write.segment
        if write.is_delete and segment and not _is_superseded(story, segment, write.seen.at):
            seconds = SPEC["segment"]["delete_seconds"]
            message = f"its rows have not been elsewhere for {seconds} seconds"
            yield _finding("segments.delete", message, write)


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


def first_put(story: Story) -> Findings:
    """Find an object that was put at first as if it might be there, or an artifact before anyone knew."""
    seen: set[str] = set()
    for write in story.writes:
        if not write.is_delete and write.name not in seen and not write.is_first:
            yield _finding("segments.first", "its first put has no If-None-Match: *", write)
        seen |= set() if write.is_delete else {write.name}
    if story.closing is None:
        return
    known = _known_overwrites(story)
    for write in story.artifacts():
        if write.seen.at < min(known, story.closing):
            yield _finding(
                "segments.first", "it was put before it was known whether it can be replaced", write
            )


def _known_overwrites(story: Story) -> float:
    """Return when the bucket had let something be replaced."""
    seen: set[str] = set()
    for write in sorted(story.writes, key=lambda write: write.seen.told or float("inf")):
        if write.name in seen and write.is_taken and not write.is_first and not write.is_delete:
            return write.seen.told or float("inf")
        seen.add(write.name)
    return float("inf")


def heartbeat_document(story: Story) -> Findings:
    """Judge each beat, and whether it says that it is the first."""
    for number, write in enumerate(story.puts(_LAYOUT["heartbeat"])):
        broken = judges.heartbeat(write.seen.content)
        if broken:
            yield _finding("heartbeat.document", "this is no heartbeat", write)
        elif json.loads(write.seen.content)["first"] != (number == 0):
            yield _finding("heartbeat.document", f"`first` is wrong in beat {number + 1}", write)


def heartbeat_beat(story: Story) -> Findings:
    """Find that there was no heartbeat while the script lived, or that it was beaten too often."""
    if story.found.answer == "refused":
        return
    begins, beats = story.puts(_LAYOUT["begin"]), story.puts(_LAYOUT["heartbeat"])
    if begins and not beats:
        yield Finding("heartbeat.beat", "there was none", "", _LAYOUT["heartbeat"])
    if not beats or story.closing is None:
        return
    minutes = max(0, story.closing - beats[0].seen.at) / SPEC["timing"]["heartbeat_seconds"]
    # The first, the second at once, and one that falls on the last moment.
    if len(beats) > minutes + 3:
        message = f"it was beaten {len(beats)} times in {minutes:.1f} minutes"
        yield _finding("heartbeat.beat", message, beats[-1])


def heartbeat_goes_on(story: Story) -> Findings:
    """Find that the second beat was not at once, or none a minute later; for a script that lives so long."""
    beats = [write.seen.at for write in story.puts(_LAYOUT["heartbeat"])]
    half = SPEC["timing"]["heartbeat_seconds"] / 2
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    if story.closing is not None and (len(gaps) < 2 or gaps[0] > half or gaps[1] < half):
        shown_gaps = ", ".join(f"{gap:.0f} s" for gap in gaps)
        yield Finding(
            "heartbeat.beat", "the second beat comes at once, and the third after a minute", "", shown_gaps
        )


def _series(story: Story) -> set[str]:
    """Return the names of the series that the steps began."""
    return {f"{step[1]}.csv" for step in story.found.steps if step[0] == "newTimeSeriesLog"}


def _finding(rule: str, message: str, write: Write) -> Finding:
    verb = "DELETE" if write.is_delete else write.seen.method
    shown_headers = {
        name: write.seen.headers[name]
        for name in ("if-none-match", "content-type")
        if name in write.seen.headers
    }
    asked = f"{verb} {write.name} {shown_headers or ''}".rstrip()
    return Finding(rule, message, asked, shown(write.seen.content))
