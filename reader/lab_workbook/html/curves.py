"""
The series of several experiments, as the data of a page: every number of every row.

A series is a chart for each of its columns, and a chart has a curve for each experiment that has the column.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from lab_workbook.experiment import Experiment
from lab_workbook.html import columns, visible
from lab_workbook.html.facts import Facts
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt

# Each is a chart; nobody looks at more, and a page of ten thousand would not open.
_COLUMNS_MAX = 100

Series = dict[str, Any]


class Curve(NamedTuple):
    """One experiment's rows of a series, packed; ``left`` names the columns that are not drawn."""

    field: str | None
    packed: dict[str, Any]
    left: list[str]


def of(experiment: Experiment, told: Facts) -> dict[str, Curve]:
    """Return the series of an experiment by name; what cannot be read is added to its problems."""
    found = {}
    for name in told.artifacts:
        if name.endswith(_spec.KIND_SERIES_SUFFIX):
            curve = attempt(functools.partial(_read, experiment, name), told.problems.append)
            found[name] = _curve(pd.DataFrame()) if curve is None else curve
    return found


def beside(of_each: Sequence[dict[str, Curve]]) -> list[Series]:
    """Return the series of several experiments by name, each with its charts."""
    names = sorted({name for curves in of_each for name in curves})
    return [_series(name, [curves.get(name) for curves in of_each]) for name in names]


def _read(experiment: Experiment, name: str) -> Curve:
    table = experiment[name]
    # A function of the user's may read a CSV as something else.
    return _curve(table if isinstance(table, pd.DataFrame) else pd.DataFrame())


def _curve(table: pd.DataFrame) -> Curve:
    drawn = columns.numeric(table)[:_COLUMNS_MAX]
    dates = [place for place, dtype in enumerate(table.dtypes) if isinstance(dtype, pd.DatetimeTZDtype)]
    has_x = table.index.name is not None and columns.is_numeric(table.index.dtype)
    packed = {
        "rows": len(table),
        "x": columns.packed(table.index.to_series()) if has_x else None,
        "elapsed": columns.packed(columns.seconds(table.iloc[:, dates[-1]])) if dates else None,
        "columns": {visible(table.columns[place]): columns.packed(table.iloc[:, place]) for place in drawn},
    }
    told = {*drawn, *dates}
    left = [visible(label) for place, label in enumerate(table.columns) if place not in told]
    return Curve(None if table.index.name is None else visible(table.index.name), packed, left[:_COLUMNS_MAX])


def _series(name: str, curves: Sequence[Curve | None]) -> Series:
    there = {
        number: curve for number, curve in enumerate(curves) if curve is not None and curve.packed["rows"]
    }
    return {
        "name": visible(name),
        "field": next((curve.field for curve in there.values() if curve.field is not None), None),
        "charts": list(dict.fromkeys(label for curve in there.values() for label in curve.packed["columns"])),
        "left": list(dict.fromkeys(label for curve in there.values() for label in curve.left)),
        "curves": [{"experiment": number, **curve.packed} for number, curve in there.items()],
    }
