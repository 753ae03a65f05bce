"""
Each series in a few numbers: the last, the lowest and the highest value of its columns.

>>> of(experiment["Training loss.csv"])
{'epoch.last': 200, 'epoch.min': 1, 'epoch.max': 200, 'loss.last': 0.005, 'loss.min': 0.005, 'loss.max': 1.0}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pandas as pd

from lab_workbook.errors import warn
from lab_workbook.overview.catalogue import Catalogue
from lab_workbook.overview.rows import Row
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt
from lab_workbook.protocol.text import printable
from lab_workbook.store import parallel

Read = Callable[[str, str], Any]


def read(
    read_series: Read, rows: Sequence[Row], names: Collection[str] | None, catalogue: Catalogue
) -> list[dict[str, Any]]:
    """
    Return for each row the summaries of its series of these names, or of all its series for None.

    ``read_series`` gives the table of a series by the experiment's tag and its name.
    """
    found: dict[str, dict[str, Any]] = {row.tag: {} for row in rows}

    def unknown() -> Iterator[tuple[str, str, str]]:
        for row in rows:
            for name, version in row.series.items():
                if names is None or name in names:
                    known = catalogue.summary(row.tag, name, version)
                    if known is None:
                        yield row.tag, name, version
                    else:
                        found[row.tag][name] = known

    for (tag, name, version), summary in parallel.each(
        lambda each: _summary(read_series, *each[:2]), unknown(), "series"
    ):
        found[tag][name] = summary
        catalogue.remember_summary(tag, name, version, summary)
    catalogue.save(row.tag for row in rows)
    return [dict(_labelled(found[row.tag])) for row in rows]


def of(table: pd.DataFrame) -> dict[str, Any]:
    """Return the last value of each column but ``Date``, and the lowest and highest of numbers."""
    summary: dict[str, Any] = {}
    for name, column in table.reset_index().items() if len(table) else ():
        if name == _spec.SERIES_DATE_FIELD:
            continue
        label = printable(str(name))
        summary[f"{label}.last"] = _plain(column.iloc[-1])
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
            summary[f"{label}.min"], summary[f"{label}.max"] = _plain(column.min()), _plain(column.max())
    return summary


def _summary(read_series: Read, tag: str, name: str) -> dict[str, Any]:
    def summarize() -> dict[str, Any]:
        table = read_series(tag, name)
        return of(table) if isinstance(table, pd.DataFrame) else {}

    return (
        attempt(summarize, lambda why: warn(f"{printable(tag)} has no summary of a series: {printable(why)}"))
        or {}
    )


def _labelled(summaries: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, summary in summaries.items():
        stem = printable(name.removesuffix(_spec.KIND_SERIES_SUFFIX))
        for label, value in summary.items():
            yield f"{stem}.{label}", value


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it; None for what is missing or has no rule there."""
    if isinstance(value, str):
        return value
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (bool, int, float)) else None
