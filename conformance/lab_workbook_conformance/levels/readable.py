"""Readers: cases about cells, values, names and times at the edges of what a reader has to take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from lab_workbook_conformance.bench import TAG, Bench, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.given import (
    DATE,
    Findings,
    experiment,
    saw,
    says_status,
    shows,
    table,
    with_facts,
)

_LAYOUT, _STATUS = SPEC["layout"], SPEC["status"]
_LOST_SECONDS = SPEC["timing"]["lost_seconds"]
# More than the moment between the setting of a time and the reader's look at it.
_MARGIN_SECONDS = 10
# Deeper than a value that people save, and not too deep for the JSON of an answer.
_DEPTH = 64

_WORDS = {
    "booleans": ["true", "false", "true"],
    "capitals": ["True", "FALSE", "yes"],
    "missing": ["nil", "null", "None"],
    "absent": ["NA", "NaN", "N/A"],
    "special": ["nan", "inf", "-inf"],
    "integers": ["1", "2", "-3"],
    "zeros": ["007", "-0", "+1"],
    "floats": ["0.5", "1e5", "-0.0"],
    "times": [DATE, DATE, "2016-02-12"],
    "empty": ["", "", ""],
}
_CELLS = [
    "a\r\nb",
    "\r\n",
    "\r",
    "a\rb\n",
    "\n\r",
    "\u2028\u2029\u0085\v\f",
    " padded\t",
    "\ufeffmark",
    'a""b"',
    "e\u0301 \ufb01 \u212b",
    "x, y\n",
]


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, rules, play in (
        ("series.types-words", ("series.types",), _words),
        ("series.types-lines", ("series.types", "series.row-end"), _lines),
        ("series.row-end-quote", ("series.row-end",), _old_quote),
        ("json.reading-deep", ("json.reading",), _deep),
        ("end.missing-unlisted", ("end.missing",), _unlisted),
        ("layout.hidden-conventions", ("layout.hidden", "kind.reading"), _conventions),
        ("status.answer-limits", ("status.answer",), _limits),
    ):
        yield Case(name, rules, "core", "reader", play)


def _words(bench: Bench) -> Findings:
    """Read columns of quoted cells alone, which spell something else without their quotes."""
    rows = enumerate(zip(*_WORDS.values(), strict=True))
    lines = [",".join([str(at), *(f'"{cell}"' for cell in row), DATE]) for at, row in rows]
    text = "\n".join([",".join(["at", *_WORDS, "Date"]), *lines, ""])
    answer = bench.read(experiment({"words.csv": text.encode()}, outcome="finished"))
    yield from shows(answer, "words.csv", "rows", table(text), "series.types", bench=bench)


def _lines(bench: Bench) -> Findings:
    """Read texts with line ends and white space of all kinds."""
    # Where a line feed is in a cell, it may be taken for the end of a row.
    texts = {
        "series.types": [cell for cell in _CELLS if "\n" not in cell],
        "series.row-end": [cell for cell in _CELLS if "\n" in cell],
    }
    for rule, cells in texts.items():
        right = [["at", "note", "Date"], *([at, cell, DATE] for at, cell in enumerate(cells))]
        quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
        text = "".join(["at,note,Date\n", *(f"{at},{cell},{DATE}\n" for at, cell in enumerate(quoted))])
        answer = bench.read(experiment({"lines.csv": text.encode()}, outcome="finished"))
        yield from shows(answer, "lines.csv", "rows", right, rule, bench=bench)


def _old_quote(bench: Bench) -> Findings:
    """Read a series of 1.0 with a cell that begins with a quote, which quotes nothing."""
    text = f'epoch,note,Date\n1,"hi,{DATE}\n2,there,{DATE}\n3,"x,{DATE}\n'
    answer = bench.read({"loss.csv": text.encode()})
    yield from saw(answer, "series.row-end")
    found = answer[1].get("artifacts", {}).get("loss.csv", {})
    epochs = [row[0] for row in found.get("rows", ())]
    if answer[0] == "saw" and epochs[1:] != [1, 2, 3]:
        yield Finding(
            "series.row-end", "it has three rows: nothing is quoted in 1.0", text, shown(repr(found))
        )


def _deep(bench: Bench) -> Findings:
    """Read arrays and objects in each other."""
    value: object = 1
    spelled = "1"
    for level in range(_DEPTH):
        value = {"a": value} if level % 2 else [value]
        spelled = f'{{"a": {spelled}}}' if level % 2 else f"[{spelled}]"
    answer = bench.read(experiment({"deep.json": spelled.encode()}))
    yield from shows(answer, "deep.json", "value", value, "json.reading", bench=bench)


def _unlisted(bench: Bench) -> Findings:
    """Read artifacts that end.json does not name: somebody has put them there after the end."""
    text = f"epoch,Date\n1,{DATE}\n"
    more = {"later.json": b'{"rate": 1}', "a/later.csv": text.encode(), "later.txt": b"x"}
    answer = bench.read({**experiment({"notes.json": b"1"}, outcome="finished"), **more})
    yield from shows(answer, "later.json", "value", {"rate": 1}, "end.missing", bench=bench)
    yield from shows(answer, "a/later.csv", "rows", table(text), "end.missing", bench=bench)
    listed = answer[1].get("listed", [])
    if answer[0] == "saw" and sorted(listed) != sorted(["notes.json", *more]):
        yield Finding("end.missing", "each artifact that exists is listed", ", ".join(more), shown(listed))


def _conventions(bench: Bench) -> Findings:
    """Read artifacts whose names have a meaning for some writers; for a reader they are like all others."""
    text = f"step,loss,Date\n1,2,{DATE}\n"
    mark, metrics = SPEC["ranks"]["mark"], SPEC["metrics"]
    names = [f"Loss{mark}1.csv", *(f"{metrics[key]}.csv" for key in ("name", "rest")), f"metrics{mark}3.csv"]
    files = dict.fromkeys(names, text.encode())
    document = f"{SPEC['environment']['default_name']}.json"
    answer = bench.read(experiment({**files, document: b'{"variables": {}}'}, outcome="finished"))
    for name in names:
        yield from shows(answer, name, "rows", table(text), "kind.reading", bench=bench)
    yield from shows(answer, document, "value", {"variables": {}}, "kind.reading", bench=bench)
    listed = answer[1].get("listed", [])
    if answer[0] == "saw" and sorted(listed) != sorted([*names, document]):
        yield Finding("layout.hidden", "all of them are artifacts", ", ".join(names), shown(listed))


def _limits(bench: Bench) -> Findings:
    """Ask for the status by heartbeats a little younger and older than three minutes."""
    young, old = _LOST_SECONDS - _MARGIN_SECONDS, _LOST_SECONDS + _MARGIN_SECONDS
    for age, is_first, status in (
        (young, False, "running"),
        (old, False, "lost"),
        (young, True, "running"),
        (old, True, "open"),
    ):
        facts = {"begin": True, "end": None, "alive": None, "heartbeat": age, "first": is_first}
        prefix = bench.scratch()
        write(os.path.join(prefix, TAG), with_facts(facts))
        then = time.time() - age
        os.utime(os.path.join(prefix, TAG, _LAYOUT["heartbeat"]), (then, then))
        yield from says_status(bench.read_only(prefix, TAG), facts, _STATUS[status], "status.answer")
