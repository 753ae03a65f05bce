"""Level core, for writers: cases about the end of an experiment, and what comes after it."""

from __future__ import annotations

import time
from collections.abc import Iterable

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, Recording, experiments_in
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_LAYOUT = SPEC["layout"]
_MESSAGES = ("", "loss is nan\nin “Größe” 雪\t\\")
# What an experiment that has ended may have beside the files that end.json lists.
_UNLISTED = (_LAYOUT["end"], _LAYOUT["heartbeat"])
_UNLISTED_BELOW = (_LAYOUT["notes"], _LAYOUT["segments"])


def cases() -> Iterable[Case]:
    """Yield the cases."""
    yield Case("end.last-again", ("end.last", "end.outcome", "end.document"), "core", "writer", _close_again)
    yield Case("end.document-messages", ("end.document", "end.outcome"), "core", "writer", _fail)
    yield Case("end.files-rest", ("end.files",), "core", "writer", _leave_nothing)


def _close_again(bench: Bench) -> Findings:
    """Close and flush after close, which does nothing."""
    steps = [NEW, ["saveText", "notes", "x"], CLOSE, CLOSE, ["flush"], ["flush"], CLOSE]
    found = bench.record(steps)
    yield from verdicts.recording(found, "end.last", integers=bench.integers)


def _fail(bench: Bench) -> Findings:
    """End by exceptions with an empty message and with a long one, and let the program exit."""
    prefixes = [bench.scratch() for _ in _MESSAGES]
    with bench.another() as other:
        recordings = [
            other.record([NEW, ["fail", message]], prefix=prefix)
            for message, prefix in zip(_MESSAGES, prefixes, strict=True)
        ]
        other.end()
    ended = int(time.time())
    for message, prefix, found in zip(_MESSAGES, prefixes, recordings, strict=True):
        # Where the program has to exit for its end, that is when it ends.
        whole = found._replace(experiments=experiments_in(prefix), window=(found.window[0], ended))
        yield from _says(whole, message)


def _says(found: Recording, message: str) -> Findings:
    yield from verdicts.played(found, "end.document")
    yield from verdicts.sound(found)
    end = verdicts.document(found.files, "end") or {}
    error = end.get("error")
    # Plain Lua cannot tell an error from an end (`end.outcome`).
    if error is None and end.get("outcome") == SPEC["outcome"]["failed"]:
        yield Finding("end.document", "it has failed without an error", shown(message), shown(repr(end)))
    elif isinstance(error, dict) and error.get("message") != message:
        yield Finding("end.document", "the message is another one", shown(message), shown(repr(error)))


def _leave_nothing(bench: Bench) -> Findings:
    """Save an artifact of each kind, and look for files that end.json does not list."""
    steps = [
        NEW,
        ["newTimeSeriesLog", "loss", ["epoch"]],
        ["log", "loss", {"epoch": 1}],
        ["saveJSON", "options", {"rate": 1}],
        ["saveText", "notes", "x"],
        ["saveFile", "a/model.bin", {"$bytes": "00FF"}],
        CLOSE,
    ]
    found = bench.record(steps)
    yield from verdicts.recording(found, "end.files", integers=bench.integers)
    listed = (verdicts.document(found.files, "end") or {}).get("files", {})
    left = [
        name
        for name in found.files
        if name not in listed and name not in _UNLISTED and not name.startswith(_UNLISTED_BELOW)
    ]
    if found.is_done and left:
        yield Finding("end.files", "files are left that end.json does not list", "", ", ".join(left))
