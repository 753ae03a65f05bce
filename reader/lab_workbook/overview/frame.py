"""
Rows as a table: a pandas DataFrame with one row for each experiment, and real types.

| column | dtype |
| --- | --- |
| ``status``, ``host``, ``language``, ``note`` | ``str`` (before pandas 3: ``string``) |
| ``started``, ``ended`` | ``datetime64``, UTC |
| ``duration`` | ``timedelta64``, of those that have ended |
| texts of parameters | ``str`` |
| numbers and booleans of parameters, and of series | ``int64``, ``float64``, ``bool`` |
| the same, where some have none | ``Int64``, ``float64``, ``boolean`` |
| values of several types, lists (as tuples) | ``object`` |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from lab_workbook import _columns
from lab_workbook.errors import warn
from lab_workbook.overview.rows import Row
from lab_workbook.protocol import _spec

MAX_COLUMNS: Final = 2000


def frame(rows: Sequence[Row], summaries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """
    Return the table of some rows, each with the summaries of its series, which may be none.

    Parameters stand in the order of their names; of more than 2,000 the commonest stay.
    """
    started, ended = (_times([getattr(row, name) for row in rows]) for name in ("started", "ended"))
    fixed: dict[str, Any] = {
        "status": _texts([row.status for row in rows]),
        "started": started,
        "ended": ended,
        "duration": _durations(started, ended),
        **{name: _texts([getattr(row, name) for row in rows]) for name in ("host", "language", "note")},
    }
    others = [{**row.parameters, **summary} for row, summary in zip(rows, summaries, strict=True)]
    columns = {name: typed([each.get(name) for each in others]) for name in _chosen(rows, others)}
    index = pd.Index(_texts([row.tag for row in rows]), name="tag")
    table: pd.DataFrame = pd.DataFrame({**fixed, **columns}, index=index)
    return table


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON: times as the protocol spells them, durations in seconds."""
    lines = table.astype(object).to_dict("records")
    return [
        {"tag": str(tag), **{str(name): _plain(value) for name, value in line.items()}}
        for tag, line in zip(table.index, lines, strict=True)
    ]


def typed(values: Sequence[Any]) -> Any:
    """Return a column of JSON values, None where there is none."""
    kinds = {type(value) for value in values} - {type(None)}
    holes = None in values
    if kinds == {bool}:
        return _columns.array(values, "boolean" if holes else "bool")
    if kinds == {str}:
        return _texts(values)
    if kinds == {int} and all(map(_is_int64, values)):
        return _columns.array(values, "Int64" if holes else "int64")
    if kinds <= {int, float} and all(map(_is_double, values)):
        return np.array([np.nan if value is None else value for value in values], "float64")
    column = np.empty(len(values), object)
    column[:] = [tuple(value) if isinstance(value, list) else value for value in values]
    return column


def _chosen(rows: Sequence[Row], others: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = Counter(name for each in others for name in each)
    chosen = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MAX_COLUMNS])
    omitted = sum(row.omitted for row in rows) + sum(counts.values()) - sum(counts[name] for name in chosen)
    if omitted:
        warn(
            f"the table is without {omitted:,} values: of parameters that are nested too deeply,"
            f" or beyond the first 1,000 of an experiment or the {MAX_COLUMNS:,} commonest of all"
        )
    return chosen


def _is_int64(value: Any) -> bool:
    return value is None or _spec.SERIES_INTEGER_MIN <= value <= _spec.SERIES_INTEGER_MAX


def _is_double(value: Any) -> bool:
    # No number is rounded because that of another experiment has a fraction.
    return not isinstance(value, int) or abs(value) <= _spec.SERIES_EXACT_INTEGER_MAX


def _texts(values: Sequence[str | None]) -> Any:
    return _columns.array(values, _columns.TEXT)


def _times(values: Sequence[Any]) -> Any:
    times = pd.Series(values, dtype=object)
    return pd.to_datetime(times, format=_spec.SERIES_DATE_FORMAT, utc=True, errors="coerce").array


def _durations(started: Any, ended: Any) -> Any:
    # In seconds, because nanoseconds between times that a stranger made up can be too many for 64 bits.
    return ended.as_unit("s") - started.as_unit("s")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.strftime(_spec.SERIES_DATE_FORMAT)
    return value.total_seconds() if isinstance(value, pd.Timedelta) else value
