"""
Level core, for writers: scripts that end without closing, each in another way, and their end.json.

The last step of these records ends the process: its last line, an exit status, an exception, a signal. What
was recorded before it has to be there in any case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, Recording
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_OUTCOME = SPEC["outcome"]
_ABSENT = "no end.json"
_ERROR = "loss is nan"
_RECORDED: list[Any] = [
    NEW,
    ["newTimeSeriesLog", "loss", ["epoch"]],
    ["log", "loss", {"epoch": 1}],
    ["saveText", "notes", "x"],
]


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    rules = ("end.outcome", "series.kept")
    yield Case("end.outcome-exit", rules, "core", "writer", _last_line)
    yield Case("end.outcome-status", rules, "core", "writer", _statuses)
    yield Case("end.outcome-raised", (*rules, "end.document"), "core", "writer", _raised)
    yield Case("end.outcome-signals", rules, "core", "writer", _signals)
    yield Case("end.outcome-closed", ("end.outcome", "end.last"), "core", "writer", _closed_first)


def _last_line(bench: Bench) -> Findings:
    """Reach the last line of a script that has closed nothing."""
    yield from _left(bench, ["exit"], {_OUTCOME["ended"]})


def _statuses(bench: Bench) -> Findings:
    """Exit with status 0, and with another one."""
    for status, outcome in ((0, _OUTCOME["ended"]), (3, _OUTCOME["failed"])):
        # Some languages run nothing of a library once a script exits by a status.
        allowed = {outcome} if _is_told(bench, "exit") else {outcome, _OUTCOME["ended"], _ABSENT}
        yield from _left(bench, ["exit", status], allowed)


def _raised(bench: Bench) -> Findings:
    """Raise an error that nobody catches."""
    allowed = {_OUTCOME["failed"]}
    if not _is_told(bench, "raise"):
        allowed |= {_OUTCOME["ended"], _ABSENT}
    for found in _played(bench, [*_RECORDED, ["raise", _ERROR]]):
        yield from _judged(found, allowed, bench)
        error = (verdicts.document(found.files, "end") or {}).get("error")
        if isinstance(error, dict) and error.get("message") != _ERROR:
            yield Finding("end.document", "the message is another one", shown(_ERROR), shown(repr(error)))
        elif error is None and _outcome(found) == _OUTCOME["failed"]:
            yield Finding("end.document", "it has failed without an error", shown(_ERROR), shown(repr(error)))


def _signals(bench: Bench) -> Findings:
    """Get a signal that can be handled, and one that cannot."""
    usual = {finding.rule for finding in _left(bench, ["exit"], {_OUTCOME["ended"]})}
    for name in ("SIGTERM", "SIGKILL"):
        for finding in _left(bench, ["signal", name], {_ABSENT, _OUTCOME["interrupted"]}):
            # A row that is as given after another end was not written yet when the process ended.
            is_lost = finding.rule.startswith("series.") and finding.rule not in usual
            yield finding._replace(rule="series.kept") if is_lost else finding


def _closed_first(bench: Bench) -> Findings:
    """Close, and then end by a status or an error, which says nothing about the experiment any more."""
    for how in (["exit", 3], ["raise", _ERROR]):
        for found in _played(bench, [*_RECORDED, CLOSE, how]):
            yield from verdicts.recording(found, "end.outcome", integers=bench.integers)


def _is_told(bench: Bench, verb: str) -> bool:
    """Return whether the writer can tell this way out from a normal end."""
    return verb in bench.hello.get("failures", ("exit", "raise"))


def _left(bench: Bench, how: list[Any], allowed: Collection[str]) -> Findings:
    """Record, end the script in this way, and judge what is there."""
    for found in _played(bench, [*_RECORDED, how]):
        yield from _judged(found, allowed, bench)


def _played(bench: Bench, steps: list[Any]) -> Iterator[Recording]:
    """Yield what comes of steps that end the process, which is one of its own."""
    with bench.another() as other:
        yield other.record(steps)


def _judged(found: Recording, allowed: Collection[str], bench: Bench) -> Findings:
    yield from verdicts.played(found, "end.outcome")
    if not found.is_done:
        return
    outcome = _outcome(found)
    if outcome not in allowed:
        message = f"it should be {' or '.join(sorted(allowed))}"
        yield Finding("end.outcome", message, shown(found.steps[-1]), shown(outcome))
    # What a process has left that was killed may lie about.
    yield from (
        finding for finding in verdicts.sound(found) if finding.rule != "layout.working" or outcome != _ABSENT
    )
    yield from verdicts.kept(found, integers=bench.integers)


def _outcome(found: Recording) -> str:
    end = verdicts.document(found.files, "end")
    return _ABSENT if end is None else str(end.get("outcome"))
