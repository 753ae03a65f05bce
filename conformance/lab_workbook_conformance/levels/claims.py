"""Level core, for writers: cases about the folder and the note with which an experiment begins."""

from __future__ import annotations

import os
from collections.abc import Iterable

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE

Findings = Iterable[Finding]

_TAG = "baseline"
_NEW = ["newExperiment", {"tag": _TAG}]
_OLD = {"options.json": b'{"rate": 0.1}', "loss.csv": b"epoch,Date\n1,2016-02-12T22:17:34Z\n"}
# Half of a surrogate pair, which a text of any language can contain.
_NOTE = {"$bytes": "776964657220EDA080"}


def cases() -> Iterable[Case]:
    """Yield the cases."""
    yield Case("tag.claim-old", ("tag.claim",), "core", "writer", _claim_old)
    yield Case("tag.claim-empty", ("tag.claim",), "core", "writer", _claim_empty)
    yield Case(
        "begin.optional-mended", ("begin.optional", "text.mended", "end.lost"), "core", "writer", _mend_note
    )


def _claim_old(bench: Bench) -> Findings:
    """Ask for the tag of an experiment of 1.0, which has no begin.json."""
    for files in (_OLD, {"models/1/net.t7": b"4\n1\n"}):
        prefix = bench.scratch()
        write(os.path.join(prefix, _TAG), files)
        found = bench.record([_NEW], prefix=prefix)
        # The files are not those of this writer.
        yield from verdicts.refused(found._replace(experiments={}), "tag.claim")
        if found.experiments.get(_TAG) != files:
            there = ", ".join(found.experiments.get(_TAG, {}))
            yield Finding("tag.claim", "the experiment of 1.0 has changed", shown(found.steps), there)


def _claim_empty(bench: Bench) -> Findings:
    """Ask for a tag whose folder is empty, as a job scheduler may have made it."""
    prefix = bench.scratch()
    os.makedirs(os.path.join(prefix, _TAG))
    found = bench.record([_NEW, ["saveText", "notes", "x"], CLOSE], prefix=prefix)
    yield from verdicts.played(found, "tag.claim")
    if found.is_done:
        yield from verdicts.recording(found, "tag.claim", integers=bench.integers)


def _mend_note(bench: Bench) -> Findings:
    """Give a note that is not valid UTF-8: a writer refuses it, or mends and counts it."""
    found = bench.record([["newExperiment", {"note": _NOTE}], CLOSE])
    if found.answer == "refused" and found.said["step"] == 0:
        if found.said["rule"] != "begin.optional":
            message = "the refusal does not name begin.optional"
            yield Finding("begin.optional", message, shown(found.steps[0]), shown(found.said["message"]))
        return
    yield from verdicts.recording(found, "begin.optional", integers=bench.integers)
    yield from verdicts.lost(found, {SPEC["loss"]["texts"]: 1})
    note = (verdicts.document(found.files, "begin") or {}).get("note", "")
    mark = SPEC["text"]["replacement"]
    is_mended = note.endswith(mark) and note.rstrip(mark) == "wider "
    if found.is_done and not is_mended:
        yield Finding("text.mended", "the note is not mended", shown(found.steps[0]), shown(note))
