"""What the kit lays before a reader, and how it compares what the reader sees with what is there."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab_workbook_conformance import comparison, notation, series
from lab_workbook_conformance.bench import TAG, Bench
from lab_workbook_conformance.case import Finding, shown
from lab_workbook_conformance.comparison import Difference
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import Example

Findings = Iterable[Finding]
Files = Mapping[str, bytes]

_LAYOUT = SPEC["layout"]
# Of another machine, so that nobody can know whether the process is still there.
_BEGIN = {
    "protocol": f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}",
    "tag": TAG,
    "writer": "certify 1.1",
    "runtime": "none",
    "started": "2016-02-12T21:49:00Z",
    "host": "another-machine",
}
DATE = "2016-02-12T22:17:34Z"


def begin(**more: Any) -> bytes:
    """Return a begin.json."""
    return json.dumps({**_BEGIN, **more}).encode()


def end(files: Files, *, outcome: str = "finished") -> bytes:
    """Return an end.json that lists these files."""
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    }
    return json.dumps(
        {"ended": "2016-02-12T22:49:00Z", "outcome": outcome, "error": None, "lost": {}, "files": listed}
    ).encode()


def experiment(artifacts: Files, *, outcome: str | None = None) -> dict[str, bytes]:
    """Return the files of an experiment with these artifacts; without an outcome it has not ended."""
    files = {_LAYOUT["begin"]: begin(), **artifacts}
    return {**files, _LAYOUT["end"]: end(files, outcome=outcome)} if outcome else files


def with_facts(facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of an experiment of which an example tells the facts that make its status."""
    files = experiment({"notes": b"x"}, outcome=facts["end"])
    if not facts["begin"]:
        del files[_LAYOUT["begin"]]
    if facts["heartbeat"] is not None:
        # The clock of the script may be wrong by years.
        beat = {"time": DATE, "first": facts.get("first", False)}
        files[_LAYOUT["heartbeat"]] = json.dumps(beat).encode()
    return files


def statuses(example: Example) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield facts and status of each question; whether a process lives is what the kit cannot make."""
    for _, facts, status in example.asked("status"):
        if facts["alive"] is None or facts["end"]:
            yield facts, status


# What the reader says, compared with what is right.


def saw(answer: tuple[str, Any], rule: str) -> Iterator[Finding]:
    """Find that an experiment was refused as a whole."""
    if answer[0] != "saw":
        yield Finding(rule, "an experiment that can be read was refused", "", shown(answer[1]["message"]))


def shows(
    answer: tuple[str, Any], name: str, member: str, right: Any, rule: str, *, bench: Bench
) -> Iterator[Finding]:
    """Compare one member of what a reader says of an artifact with what is right; None: as a plain table."""
    yield from saw(answer, rule)
    if answer[0] != "saw":
        return
    found = answer[1]["artifacts"].get(name, {"error": "nothing is said of it"})
    wanted = shown(f"{name}: {notation.spelled(right)!r}")
    if member not in found:
        yield Finding(rule, f"{name} is not given as {member}", wanted, shown(repr(found)))
        return
    value = notation.value(found[member])
    if member == "rows":
        value = with_holes(right, value)
    differs = comparison.first_difference(right, value, integers=bench.integers)
    if differs:
        message = f"{name} is not given as it is: {_place(differs, value if member == 'rows' else None)}"
        yield Finding(rule, message, wanted, shown(repr(found[member])))


def _place(differs: Difference, rows: Any) -> str:
    """Return where values differ; in a table by row and field."""
    if not rows or len(differs.path) != 2 or differs.path[0] == 0:
        return str(differs)
    row, column = (int(at) for at in differs.path)
    return f"row {row}, field {rows[0][column]!r}: {differs._replace(path=())}"


def with_holes(right: list[list[Any]], given: Any) -> Any:
    """
    Return the rows that a reader gave with null where it gives not-a-number for a missing value.

    Tables in many languages have no other spelling of a missing value in a column of floats (`series.types`),
    nor in a column without any value.
    """
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        return given
    kinds = [{type(cell) for cell in column if cell is not None} for column in zip(*right[1:], strict=False)]
    may_be_nan = [kind <= {float} for kind in kinds]
    holes = {
        (at, place)
        for at, row in enumerate(right)
        for place, cell in enumerate(row)
        if at and cell is None and place < len(may_be_nan) and may_be_nan[place]
    }
    return [
        [None if (at, place) in holes and _is_nan(cell) else cell for place, cell in enumerate(row)]
        for at, row in enumerate(given)
    ]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def table(text: str) -> list[list[Any]] | None:
    """Return the fields and rows of a series as a table has them: integers beside floats are floats."""
    rows = series.read(text)
    return None if rows is None else as_table(rows)


def as_table(rows: list[list[Any]]) -> list[list[Any]]:
    """Return rows with each column of one kind, as far as a table needs it."""
    header, *body = rows
    columns = [_column([row[at] for row in body]) for at in range(len(header))]
    return [header, *map(list, zip(*columns, strict=True))]


def _column(cells: list[Any]) -> list[Any]:
    kinds = {type(cell) for cell in cells if cell is not None}
    is_float = kinds == {int, float}
    return [float(cell) if is_float and isinstance(cell, int) else cell for cell in cells]


def says_error(answer: tuple[str, Any], name: str, word: str, rule: str) -> Findings:
    """Demand an error in place of an artifact, with a word in it."""
    yield from saw(answer, rule)
    if answer[0] != "saw":
        return
    found = answer[1]["artifacts"].get(name, {})
    if word not in found.get("error", "" if word else "?") or "error" not in found:
        yield Finding(rule, f"there should be an error about {name}", name, shown(repr(found)))


def says_status(answer: tuple[str, Any], facts: Mapping[str, Any], status: str, rule: str) -> Findings:
    """Compare the status with the right one."""
    yield from saw(answer, rule)
    if answer[0] == "saw" and answer[1]["status"] != status:
        yield Finding(rule, f"the status is {status}", shown(dict(facts)), shown(answer[1]["status"]))
