"""
The series of several experiments, as the data of a page: every number of every row.

A series is a chart for each of its columns, and a chart has a curve for each experiment that has the column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from lab_workbook.errors import LabWorkbookError
from lab_workbook.experiment import Experiment
from lab_workbook.html import columns, visible
from lab_workbook.html.facts import Facts
from lab_workbook.protocol import _spec

# Each is a chart; nobody looks at more, and a page of ten thousand would not open.
_COLUMNS_MAX = 100

Series = dict[str, Any]


def of(experiments: Sequence[Experiment], facts: Sequence[Facts]) -> list[Series]:
    """
    Return the series of the experiments by name, each with its charts.

    ``facts`` are those of the experiments; what cannot be read is added to their problems.
    """
    found: dict[str, Series] = {}
    for number, (experiment, told) in enumerate(zip(experiments, facts, strict=True)):
        for name in told.artifacts:
            if name.endswith(_spec.KIND_SERIES_SUFFIX):
                table = _table(experiment, name, told.problems)
                series = found.setdefault(
                    name, {"name": visible(name), "field": None, "curves": [], "left": []}
                )
                _add(series, number, table)
    return [_charted(found[name]) for name in sorted(found)]


def _table(experiment: Experiment, name: str, problems: list[str]) -> Any:
    try:
        table = experiment[name]
    except LabWorkbookError as error:
        problems.append(str(error))
        return pd.DataFrame()
    # A function of the user's may read a CSV as something else.
    return table if isinstance(table, pd.DataFrame) else pd.DataFrame()


def _add(series: Series, number: int, table: pd.DataFrame) -> None:
    if table.empty and not len(table.index):
        return
    places = columns.numeric(table)
    curve: dict[str, Any] = {"experiment": number, "rows": len(table), "x": None, "elapsed": None}
    if table.index.name is not None:
        series["field"] = series["field"] or visible(table.index.name)
        if columns.is_numeric(table.index.dtype):
            curve["x"] = columns.packed(table.index.to_series())
    dates = [place for place, dtype in enumerate(table.dtypes) if isinstance(dtype, pd.DatetimeTZDtype)]
    if dates:
        curve["elapsed"] = columns.packed(columns.seconds(table.iloc[:, dates[-1]]))
    curve["columns"] = dict(_packed(table, places[:_COLUMNS_MAX]))
    series["curves"].append(curve)
    drawn = {*places[:_COLUMNS_MAX], *dates}
    left = [visible(label) for place, label in enumerate(table.columns) if place not in drawn]
    series["left"] += [label for label in left if label not in series["left"]]


def _packed(table: pd.DataFrame, places: list[int]) -> Iterator[tuple[str, dict[str, str]]]:
    for place in places:
        yield visible(table.columns[place]), columns.packed(table.iloc[:, place])


def _charted(series: Series) -> Series:
    labels = list(dict.fromkeys(label for curve in series["curves"] for label in curve["columns"]))
    return {**series, "charts": labels, "left": series["left"][:_COLUMNS_MAX]}
