"""
What a notebook shows of an experiment or a repository.

The requests are bounded: of an experiment one listing, its begin.json and end.json, small JSON artifacts,
notes and a few small series; of a repository the listing of its tags and three small files of each of the
newest.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from lab_workbook.errors import LabWorkbookError
from lab_workbook.experiment import Experiment
from lab_workbook.html import facts, render
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt
from lab_workbook.repository import ExperimentRepository
from lab_workbook.store import parallel

_NEWEST = 10
_SERIES_MAX_BYTES = 4 * 1024 * 1024
_SERIES_MAX = 4
_CURVES_MAX = 4
_WIDTH, _HEIGHT = 160, 24


class Curve(NamedTuple):
    """A column of a series as a sparkline: its points, and its last, lowest and highest value."""

    series: str
    column: str
    rows: int
    lines: list[str]
    last: float
    low: float
    high: float


def experiment(shown: Experiment) -> str:
    """Return an experiment as HTML; what cannot be read is said in its place."""
    try:
        told = facts.of(shown)
        curves = list(_curves(shown, told))
    except LabWorkbookError as error:
        return render("message.html", title=repr(shown), message=str(error))
    return render("experiment.html", facts=told, curves=curves, width=_WIDTH, height=_HEIGHT)


def repository(shown: ExperimentRepository) -> str:
    """Return a repository as HTML, with a line for each of the newest experiments."""
    try:
        experiments = shown.list_experiments()
        newest = experiments[: -_NEWEST - 1 : -1]
        lines = dict(parallel.each(_line, newest, "experiments"))
    except LabWorkbookError as error:
        return render("message.html", title=repr(shown), message=str(error))
    return render(
        "repository.html", title=shown.where, count=len(experiments), lines=[lines[each] for each in newest]
    )


def _line(each: Experiment) -> dict[str, Any]:
    line: dict[str, Any] = {"tag": each.tag, "status": "unreadable", "started": None, "note": ""}
    problems: list[str] = []
    told = attempt(
        lambda: {"status": each.status, "started": each.started, "note": each.note or ""}, problems.append
    )
    return line | ({"note": problems[0]} if told is None else told)


def _curves(shown: Experiment, told: facts.Facts) -> Iterator[Curve]:
    names = [
        name
        for name, size in told.artifacts.items()
        if name.endswith(_spec.KIND_SERIES_SUFFIX) and size <= _SERIES_MAX_BYTES
    ]
    for name in names[:_SERIES_MAX]:
        curves = attempt(functools.partial(_read, shown, name), told.problems.append)
        yield from curves or ()


def _read(shown: Experiment, name: str) -> list[Curve]:
    return list(_curves_of(name, shown[name]))


def _curves_of(name: str, table: Any) -> Iterator[Curve]:
    import numpy as np

    from lab_workbook.html import columns, sparkline

    for column in columns.numeric(table)[:_CURVES_MAX]:
        numbers = columns.floats(table.iloc[:, column])
        lines = sparkline.lines(numbers, width=_WIDTH, height=_HEIGHT)
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            points = [" ".join(f"{x:g},{y:g}" for x, y in line) for line in lines]
            label = str(table.columns[column])
            yield Curve(name, label, len(numbers), points, finite[-1], finite.min(), finite.max())
