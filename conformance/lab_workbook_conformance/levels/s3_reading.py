"""Level s3, for readers: the kit fills a bucket, and compares what the reader sees with what is there."""

from __future__ import annotations

import contextlib
import email.utils
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from lab_workbook_conformance import answers
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import Example, examples
from lab_workbook_conformance.levels.given import (
    DATE,
    Files,
    Findings,
    experiment,
    saw,
    says_error,
    says_status,
    shows,
    statuses,
    table,
    with_facts,
)
from lab_workbook_conformance.s3.proxy import Answer, Exchange, Fault
from lab_workbook_conformance.s3.stage import Stage

_LAYOUT = SPEC["layout"]
_TAG = "baseline"
# Ten bytes of the examples are a row of forty, because segments end where rows do.
_ROW_BYTES = 40
_SCALE = _ROW_BYTES // 10
_TRUTH = b"".join(
    [f"{'x' * 34},Date\n".encode(), *(f'"row {at:012}",{DATE}\n'.encode() for at in range(1, 64))],
)
# A listing has a thousand keys a page.
_MANY = 1005


def cases() -> Iterator[Case]:
    """Yield the examples that take a bucket, and what they cannot show."""
    for example in examples():
        if example.accepts and example.asked("live"):
            yield Case(example.name, (example.rule,), "s3", "reader", partial(_live, example=example))
        elif example.accepts and example.asked("status"):
            play = partial(_statuses, example=example)
            yield Case(f"{example.name}-bucket", (example.rule,), "s3", "reader", play)
    for name, play in _MORE:
        yield Case(name, (name.partition("-")[0],), "s3", "reader", play)


class Shelf:
    """A context manager: experiments in a bucket, and one reader for all of them."""

    def __init__(self, bench: Bench) -> None:
        self._stage = Stage(bench)
        self._count = itertools.count(1)
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Shelf:  # noqa: PYI034 - Self came with Python 3.11
        self._open.enter_context(self._stage)
        self._reader = self._open.enter_context(self._stage.another())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def read(self, files: Files, *, names: Sequence[str] = (), later: float = 0) -> tuple[str, Any]:
        """Put an experiment there, and return what the reader says; for the server it is ``later``."""
        place = f"{next(self._count)}/"
        self._stage.bucket.fill(f"{self._stage.folder}{place}{_TAG}/", files)
        with self._stage.proxy.fault(_later(later)):
            return self._reader.read_only(self._stage.prefix + place, _TAG, names)


def read(bench: Bench, files: Files, *, names: Sequence[str] = ()) -> tuple[str, Any]:
    """Put one experiment in a bucket, and return what the reader says."""
    with Shelf(bench) as shelf:
        return shelf.read(files, names=names)


def _later(seconds: float) -> Fault:
    """The clock of the server has gone on since the objects were put."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        now = email.utils.formatdate(time.time() + seconds, usegmt=True)
        headers = [(name, value) for name, value in answer.headers if name.lower() != "date"]
        exchange.reply(Answer(answer.status, answer.reason, [*headers, ("Date", now)], answer.body))

    return fault


def segment(first: int, last: int, name: str = "loss.csv") -> str:
    """Return where a segment lies."""
    digits = SPEC["segment"]["digits"]
    return f"{_LAYOUT['segments']}{name}/{last:0{digits}}-{first:0{digits}}"


def _live(bench: Bench, example: Example) -> Findings:
    with Shelf(bench) as shelf:
        for _, there, right in example.asked("live"):
            yield from _pieces(shelf, there, right, example.rule, bench)


def _pieces(shelf: Shelf, there: Mapping[str, Any], right: Any, rule: str, bench: Bench) -> Findings:
    """Lay a series out in pieces; those that are not to be read hold other bytes, and would show."""
    size = there["artifact"]
    files = experiment({} if size is None else {"loss.csv": _TRUTH[: _SCALE * size]})
    for ends in there["segments"]:
        first, last = (_SCALE * each for each in ends)
        files[segment(first, last)] = _TRUTH[first:last] if ends in (right or []) else b"?" * (last - first)
    answer = shelf.read(files, names=["loss.csv"])
    if right is None:
        yield from says_error(answer, "loss.csv", "", rule)
    else:
        reach = right[-1][1] if right else size
        yield from shows(answer, "loss.csv", "rows", _rows(reach), rule, bench=bench)
        yield from _lists(answer, ["loss.csv"], rule)


def _rows(reach: int) -> Any:
    return table(_TRUTH[: _SCALE * reach].decode())


def _lists(answer: tuple[str, Any], names: list[str], rule: str) -> Findings:
    # Files of the protocol in a listing are for rule layout.hidden to find.
    listed = [name for name in answer[1].get("listed", ()) if answers.is_listed(name)]
    if answer[0] == "saw" and sorted(listed) != sorted(names):
        yield Finding(rule, "other artifacts are listed than there are", shown(names), shown(listed))


def _short_segment(bench: Bench) -> Findings:
    """Lay a segment out that has fewer bytes than its key says, beside others that hold some of its rows."""
    files = experiment({})
    files |= {
        segment(0, 200): _TRUTH[:200],
        segment(200, 400): _TRUTH[200:400],
        segment(0, 800): _TRUTH[:640],
    }
    answer = read(bench, files, names=["loss.csv"])
    # Rows up to byte 400 are there, and whoever gives only them says less than was published.
    yield from says_error(answer, "loss.csv", "", "live.read")


def _others(bench: Bench) -> Findings:
    """Lay out what only looks like a segment, and the segments of a series whose name begins alike."""
    files = experiment({"loss.csv": _TRUTH[:200]})
    files |= {segment(200, 400, "loss.csv/more.csv"): _TRUTH[200:400], segment(0, 400, "loss"): _TRUTH[:400]}
    files[f"{_LAYOUT['segments']}loss.csv/400-200"] = _TRUTH[200:400]
    answer = read(bench, files)
    yield from shows(answer, "loss.csv", "rows", table(_TRUTH[:200].decode()), "segments.key", bench=bench)


def _after_end(bench: Bench) -> Findings:
    """Keep segments after the end that reach further than the series: nobody needs them any more."""
    files = experiment({"loss.csv": _TRUTH[:400]}, outcome="finished")
    files[segment(0, 800)] = _TRUTH[:800]
    answer = read(bench, files)
    yield from shows(answer, "loss.csv", "rows", table(_TRUTH[:400].decode()), "live.read", bench=bench)


def _restored(bench: Bench) -> Findings:
    """Put an older artifact in the place of what end.json lists: a reader may restore the rest, or say so."""
    files = experiment({"loss.csv": _TRUTH[:800]}, outcome="finished")
    files |= {
        "loss.csv": _TRUTH[:400],
        segment(200, 600): _TRUTH[200:600],
        segment(600, 800): _TRUTH[600:800],
    }
    answer = read(bench, files)
    yield from saw(answer, "live.read")
    if answer[0] == "saw" and "error" not in answer[1]["artifacts"].get("loss.csv", {}):
        yield from shows(answer, "loss.csv", "rows", table(_TRUTH[:800].decode()), "live.read", bench=bench)


def _gone(bench: Bench) -> Findings:
    """Take a file away that end.json lists."""
    files = experiment({"notes.json": b"1", "model.t7": b"4\n1\n"}, outcome="finished")
    del files["model.t7"]
    answer = read(bench, files, names=["model.t7"])
    yield from shows(answer, "notes.json", "value", 1, "end.missing", bench=bench)
    yield from says_error(answer, "model.t7", "model.t7", "end.missing")
    yield from _lists(answer, ["notes.json"], "end.missing")


def _many(bench: Bench) -> Findings:
    """List an experiment in two pages: its artifacts come after a thousand notes."""
    notes = [f"20160213T{at // 60:04}{at % 60:02}Z-aaaaaa.json" for at in range(_MANY)]
    note = json.dumps({"time": DATE, "text": "", "author": "certify"}).encode()
    files = experiment({"a.json": b"1", "b.json": b"2"})
    answer = read(bench, {**files, **{_LAYOUT["notes"] + name: note for name in notes}})
    yield from shows(answer, "b.json", "value", 2, "end.missing", bench=bench)
    yield from _lists(answer, ["a.json", "b.json"], "end.missing")


def _names(bench: Bench) -> Findings:
    """Read keys as 1.0 wrote them, and as no folder could hold them."""
    names = ["../escape.json", "/leading.json", "a//b.json", "./here.json", "a/../b.json", "per%20cent.json"]
    names += [
        "plus+and&amp.json",
        "q?x=1#frag.json",
        "trailing .json",
        "ünï雪.json",
        "back\\slash.json",
        "~'()*!.json",
    ]
    files = {name: json.dumps(at).encode() for at, name in enumerate(names)}
    answer = read(bench, experiment(files), names=names)
    for at, name in enumerate(names):
        yield from shows(answer, name, "value", at, "name.reading", bench=bench)


def _statuses(bench: Bench, example: Example) -> Findings:
    with Shelf(bench) as shelf:
        for facts, status in statuses(example):
            answer = shelf.read(with_facts(facts), later=facts["heartbeat"] or 0)
            yield from says_status(answer, facts, status, example.rule)


_MORE: tuple[tuple[str, Any], ...] = (
    ("live.read-short", _short_segment),
    ("live.read-ended", _after_end),
    ("live.read-restored", _restored),
    ("segments.key-reading", _others),
    ("end.missing-bucket", _gone),
    ("end.missing-many", _many),
    ("name.reading-bucket", _names),
)
