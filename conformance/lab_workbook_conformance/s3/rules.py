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
from lab_workbook_conformance.s3 import rows
from lab_workbook_conformance.s3.story import Story, Write, blame, kind

_LAYOUT = SPEC["layout"]
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
        rows.segment_key,
        rows.segment_rows,
        rows.segment_cover,
        rows.refresh,
        replacing,
        rows.deleting,
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
            yield blame("tag.claim", "it was put without If-None-Match: *", write)


def begin_first(story: Story) -> Findings:
    """Find that something was sent before begin.json had arrived."""
    begins = story.puts(_LAYOUT["begin"])
    arrived = begins[0].seen.stored if begins else None
    for write in story.writes:
        is_other = not write.is_delete and write.name != _LAYOUT["begin"]
        if is_other and write.seen.stored and (arrived is None or write.seen.stored < arrived):
            yield blame("begin.first", "it was there before begin.json", write)


def end_last(story: Story) -> Findings:
    """Find that something was still put or deleted when end.json was sent, or afterwards."""
    end = story.end()
    if end is None:
        return
    for write in story.writes:
        is_free = write.name == _LAYOUT["end"] or write.name.startswith(_LAYOUT["notes"])
        if not is_free and (write.seen.told is None or write.seen.told > end.seen.at) and _lasts(write, end):
            yield blame("end.last", "it was put or deleted when end.json had been sent", write)


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
            yield blame("kind.content-type", f"it is {expected}, and was put as {found}", write)


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
            yield blame("layout.working", "it is for the writer alone", write)


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


def first_put(story: Story) -> Findings:
    """Find an object that was put at first as if it might be there, or an artifact before anyone knew."""
    seen: set[str] = set()
    for write in story.writes:
        if not write.is_delete and write.name not in seen and not write.is_first:
            yield blame("segments.first", "its first put has no If-None-Match: *", write)
        seen |= set() if write.is_delete else {write.name}
    if story.closing is None:
        return
    known = _known_overwrites(story)
    for write in story.artifacts():
        if write.seen.at < min(known, story.closing):
            yield blame("segments.first", "it was put before it was known whether it can be replaced", write)


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
            yield blame("heartbeat.document", "this is no heartbeat", write)
        elif json.loads(write.seen.content)["first"] != (number == 0):
            yield blame("heartbeat.document", f"`first` is wrong in beat {number + 1}", write)


def heartbeat_beat(story: Story) -> Findings:
    """Find that there was no heartbeat while the script lived, or that it was beaten too often."""
    if story.found.answer == "refused":
        return
    begins, beats = story.puts(_LAYOUT["begin"]), story.puts(_LAYOUT["heartbeat"])
    if begins and not beats and _outlived_claim(story):
        yield Finding("heartbeat.beat", "there was none", "", _LAYOUT["heartbeat"])
    if not beats or story.closing is None:
        return
    minutes = max(0, story.closing - beats[0].seen.at) / SPEC["timing"]["heartbeat_seconds"]
    # The first, the second at once, and one that falls on the last moment.
    if len(beats) > minutes + 3:
        message = f"it was beaten {len(beats)} times in {minutes:.1f} minutes"
        yield blame("heartbeat.beat", message, beats[-1])


def _outlived_claim(story: Story) -> bool:
    """Say whether a script went on, after its claim was answered, for so long that a heartbeat is due."""
    answered = [write.seen.told or 0 for write in story.writes if write.name == _LAYOUT["begin"]]
    return story.closing is None or story.closing - max(answered) >= SPEC["timing"]["claim_seconds"]


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
