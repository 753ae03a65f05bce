"""Level core, for writers: a case about a value that stands in several places of another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lab_workbook_conformance import jsontext, notation, verdicts
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_VALUES: tuple[Any, ...] = ([1, 2], {"a": [1, {"b": "x"}]}, {"rate": 1, "layers": [3, 4]})


def cases() -> Iterator[Case]:
    """Yield the case."""
    yield Case("json.depth-shared", ("json.depth", "json.value"), "core", "writer", _save_shared)


def _save_shared(bench: Bench) -> Findings:
    """Save values that stand in two places, which is not a cycle."""
    steps = [["saveShared", f"{at}", value] for at, value in enumerate(_VALUES)]
    found = bench.record([NEW, *steps, CLOSE])
    yield from verdicts.recording(found, "json.depth", integers=bench.integers)
    for at, value in enumerate(_VALUES) if found.is_done else ():
        right = [notation.value(value)] * 2
        data = found.files.get(f"{at}.json", b"null")
        for rule in jsontext.broken_by(right, data, integers=bench.integers):
            yield Finding(rule, "the value is not there twice", shown(right), shown(data))
