"""
Level core, for writers: a script is killed, and what it was told has been recorded is there.

An ack says that a call has returned. The whole process group gets SIGKILL after some of them; what the
adapter has printed until then still comes through the pipe, so the kit knows of each call whether it had.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lab_workbook_conformance import judges, plays, series, verdicts
from lab_workbook_conformance.adapter import AdapterDied
from lab_workbook_conformance.bench import Bench, Unsupported, experiments_in
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels import given
from lab_workbook_conformance.levels.examples import NEW

Findings = Iterable[Finding]

_SERIES = ["newTimeSeriesLog", "loss", ["epoch", "note"]]
# More than any adapter plays between an ack and the kill that answers it.
_MORE = 3000
# After the first row, in the middle, and when a buffer of some size would be half full.
_POINTS = (2, 9, 200)


class Killed(NamedTuple):
    """What a killed script leaves: ``acked`` calls have returned, of these steps."""

    prefix: str
    tag: str
    steps: list[Any]
    acked: int
    files: dict[str, bytes]


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield Case("series.kept-killed", ("series.kept", "begin.first", "end.outcome"), "core", "writer", _rows)
    yield Case("kind.replace-killed", ("kind.replace",), "core", "writer", _replaced)


def killed(bench: Bench, steps: list[Any], point: int) -> Killed | None:
    """Play steps and kill the script after so many acks; None: it was done before the kill came."""
    prefix = bench.scratch()
    acked = 0
    with bench.another() as other:
        pid = other.adapter.pid

        def count(step: int) -> None:
            nonlocal acked
            acked = step + 1
            if acked == point:
                # It may be over already.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

        try:
            other.record(steps, prefix=prefix, on_ack=count)
        except AdapterDied:
            tag, files = next(iter(experiments_in(prefix).items()), ("", {}))
            return Killed(prefix, tag, steps, acked, files)
    return None


def _rows(bench: Bench) -> Findings:
    # As texts they sort as they came, so that a reader which sorts them is no affair of these cases.
    rows = [["log", "loss", {"epoch": 10000 + at, "note": "a, b"}] for at in range(_MORE)]
    every = [killed(bench, [NEW, _SERIES, *rows], point) for point in _POINTS]
    if not any(every):
        raise Unsupported("it prints its acks too late for a kill to come between them")
    for found in filter(None, every):
        findings = [*_kept(found, bench), *_not_ended(found)]
        # A reader of what is wrong may say anything.
        yield from findings or _seen(found, bench)


def _kept(found: Killed, bench: Bench) -> Findings:
    """Judge the rows: those that were acked and perhaps one more, each as it was logged."""
    data = found.files.get("loss.csv", b"")
    count, acked = len(series.raw_rows(data)) - 1, max(found.acked - 2, 0)
    logged = f"{acked} calls of the log had returned when the script was killed"
    if not acked <= count <= acked + 1 and "series.csv" not in series.broken_rules(data):
        yield Finding("series.kept", f"there are {count} whole rows", logged, shown(data[-200:]))
    # No cell of these has a line feed.
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    before = _broken(found, b"".join(lines[:-1]), bench)
    for rule in sorted(before):
        yield Finding(rule, "the files of a killed script break it", logged, shown(data[-200:]))
    # Whether a row is wrong because it is the last one shows only beside another.
    if len(lines) > 2 and _broken(found, b"".join(lines), bench) - before:
        yield Finding("series.kept", "the last row is not as it was logged", logged, shown(data[-200:]))


def _broken(found: Killed, data: bytes, bench: Bench) -> set[str]:
    """Return the rules that are broken where the series is these whole rows."""
    files = {**found.files, "loss.csv": data}
    steps = found.steps[: 1 + len(series.raw_rows(data))]
    rules = {rule for _, rule in plays.broken_by(steps, files, integers=bench.integers)}
    # What was being written when the kill came may lie about.
    return (rules | {rule for _, rule in judges.experiment(files)}) - {"layout.working"}


def _not_ended(found: Killed) -> Findings:
    end = verdicts.document(found.files, "end")
    if end and end.get("outcome") in (SPEC["outcome"]["finished"], SPEC["outcome"]["failed"]):
        yield Finding("end.outcome", "the script was killed", "", shown(str(end["outcome"])))


def _seen(found: Killed, bench: Bench) -> Findings:
    """Let the reader of the same adapter look at it, where it has one."""
    data = found.files.get("loss.csv", b"")
    # Of a single row it is not known by now whether it is as it was logged.
    if "read" not in bench.hello["verbs"] or len(series.raw_rows(data)) <= 2:
        return
    answer = bench.read_only(found.prefix, found.tag)
    text = data.decode("utf-8", "surrogateescape")
    yield from given.shows(answer, "loss.csv", "rows", given.table(text), "series.row-end", bench=bench)
    if answer[0] == "saw" and answer[1]["status"] in ("finished", "running"):
        yield Finding("status.answer", "the script was killed", "", shown(answer[1]["status"]))


def _replaced(bench: Bench) -> Findings:
    """Kill a script that saves one text again and again: there is the last one that returned, or the next."""
    texts = [f"{at} " * 2000 for at in range(_MORE // 10)]
    for point in (2, 40):
        found = killed(bench, [NEW, *(["saveText", "notes", text] for text in texts)], point)
        if found is None:
            continue
        last = found.acked - 2
        right = [text.encode() for text in texts[max(last, 0) : last + 2]]
        data = found.files.get("notes", b"")
        if data not in right:
            message = f"there is neither text {last}, which was saved, nor the next one"
            yield Finding("kind.replace", message, "the script was killed", shown(data))
