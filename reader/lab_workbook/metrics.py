"""
Metrics as one table: the series that `workbook.log` has opened, one for each set of keys, joined by step.

>>> read(experiment)
      loss  accuracy                      Date
step
100   0.25       NaN 2016-02-12 22:17:34+00:00
200   0.13      0.75 2016-02-12 22:18:02+00:00

Joined is by hand and not by `pandas.merge`, which multiplies rows that share a step, and turns integers
with holes into floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from lab_workbook import _columns, series
from lab_workbook.errors import ArtifactNotFound, NotComparable
from lab_workbook.protocol import _spec

if TYPE_CHECKING:
    from lab_workbook.experiment import Experiment

_DATE: Final = _spec.SERIES_DATE_FIELD
_LONG: Final = [_spec.METRICS_KEY, _spec.METRICS_VALUE, _DATE]
_NAME: Final = re.compile(
    rf"{_spec.METRICS_NAME}(?:-([0-9]+))?(?:{_spec.RANKS_MARK}([0-9]+))?{re.escape(_spec.KIND_SERIES_SUFFIX)}"
)
_REST: Final = re.compile(
    rf"{_spec.METRICS_REST}(?:-[0-9]+)?(?:{_spec.RANKS_MARK}([0-9]+))?{re.escape(_spec.KIND_SERIES_SUFFIX)}"
)


def read(experiment: Experiment, rank: int = 0) -> pd.DataFrame:
    """
    Return the metrics of an experiment, as `Experiment.metrics` tells.

    Raises:
        ArtifactNotFound: there are none.
        NotComparable: the steps of a series are no whole numbers.
    """
    names = experiment.list_artifacts()
    numbered, rest = _ours(names, rank)
    tables = [table for name in numbered if _is_ours(table := experiment[name], name)]
    tables += [part for name in rest for part in _parts(experiment.read_checked(name), name)]
    if not tables:
        of = f" of rank {rank}" if rank else ""
        shown = ", ".join(map(repr, names)) or "nothing"
        raise ArtifactNotFound(
            f"{experiment.tag} has no metrics{of}: workbook.log was not called, or before its first row."
            f" It has: {shown}"
        )
    return _joined(tables)


def _ours(names: list[str], rank: int) -> tuple[list[str], list[str]]:
    """Return the names of the series for sets of keys, in their order, and those of the long series."""
    numbers = {
        name: int(found[1] or 1)
        for name in names
        if (found := _NAME.fullmatch(name)) and _is_of(found[2], rank)
    }
    rest = [name for name in names if (found := _REST.fullmatch(name)) and _is_of(found[1], rank)]
    return sorted(numbers, key=lambda name: numbers[name]), rest


def _is_of(found: str | None, rank: int) -> bool:
    return int(found or 0) == rank


def _is_ours(table: Any, name: str) -> bool:
    """Say whether this is a series by step, and not what the script calls its metrics itself."""
    if not isinstance(table, pd.DataFrame) or table.index.name != _spec.METRICS_STEP or _DATE not in table:
        return False
    if len(table) and not pd.api.types.is_integer_dtype(table.index.dtype):
        raise NotComparable(
            f"{name} has steps that are no whole numbers, so it is not of workbook.log:"
            f" read it by itself, as experiment[{name!r}]"
        )
    return True


def _parts(data: bytes, name: str) -> Iterator[pd.DataFrame]:
    """Yield a series for each key of the long one."""
    table = series.read(data, name)
    if not _is_ours(table, name) or list(table.columns) != _LONG:
        return
    # A column of the table has one type, but each key has its own.
    value = _spec.METRICS_VALUE
    table[value] = pd.Series(series.values(data, name, value), table.index, object)
    for key, rows in table.groupby(_spec.METRICS_KEY, sort=False):
        yield pd.DataFrame({key: rows[value], _DATE: rows[_DATE]})


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    steps = [table.index.to_numpy("int64") if len(table) else np.empty(0, "int64") for table in tables]
    places = _places(steps, _lines(tables, steps))
    index = np.empty(1 + max((int(place.max()) for place in places if len(place)), default=-1), "int64")
    parts: dict[Any, list[tuple[Any, Any]]] = {}
    for table, step, place in zip(tables, steps, places, strict=True):
        index[place] = step
        for key in table.columns.drop(_DATE):
            parts.setdefault(key, []).append((place, table[key]))
    columns = {key: _column(found, len(index)) for key, found in parts.items()}
    dates = pd.concat([table[_DATE] for table in tables]).groupby(np.concatenate(places)).min()
    joined: pd.DataFrame = pd.DataFrame(
        {**columns, _DATE: dates.array}, index=pd.Index(index, name=_spec.METRICS_STEP)
    )
    return joined


def _lines(tables: list[pd.DataFrame], steps: list[Any]) -> list[Any]:
    """
    Return which of the rows of its step each row goes to, for each table.

    A row goes below those that have one of its keys at this step already; so all stay, and the first
    value of one key stands beside the first of another.
    """
    lines: list[Any] = []
    holders: dict[Any, list[int]] = {}
    for number, (table, step) in enumerate(zip(tables, steps, strict=True)):
        keys = table.columns.drop(_DATE)
        line = pd.Series(step).groupby(step).cumcount().to_numpy()
        before = sorted({holder for key in keys for holder in holders.get(key, ())})
        if before:
            used = pd.Series(np.concatenate([lines[each] for each in before]) + 1)
            most = used.groupby(np.concatenate([steps[each] for each in before])).max()
            line = line + most.reindex(step, fill_value=0).to_numpy()
        lines.append(line)
        for key in keys:
            holders.setdefault(key, []).append(number)
    return lines


def _places(steps: list[Any], lines: list[Any]) -> list[Any]:
    """Return the row of the whole table that each row goes to, for each table."""
    step, line = np.concatenate(steps), np.concatenate(lines)
    order = np.lexsort((line, step))
    is_new = np.ones(len(order), bool)
    is_new[1:] = (np.diff(step[order]) != 0) | (np.diff(line[order]) != 0)
    place = np.empty(len(order), "int64")
    place[order] = np.cumsum(is_new) - 1
    return np.split(place, np.cumsum([len(each) for each in steps])[:-1])


def _column(parts: list[tuple[Any, Any]], length: int) -> Any:
    """Return the cells of a key, each at its place, with the type that they would have in one file."""
    if all(values.dtype == np.dtype("float64") for _, values in parts):
        column = np.full(length, np.nan)
        for place, values in parts:
            column[place] = values.to_numpy()
        return column
    cells: list[Any] = [None] * length
    for place, values in parts:
        for at, cell in zip(place.tolist(), _columns.plain(values), strict=True):
            cells[at] = cell
    return _columns.of_values(cells)
