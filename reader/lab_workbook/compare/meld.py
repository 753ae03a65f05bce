"""
One column of several experiments in one table.

>>> meld_csv({experiment: "slow", other: "fast"}, "Training loss.csv", "loss")
       slow  fast
epoch
1.0     0.9   0.7
2.0     0.8   NaN
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from lab_workbook import kinds, series
from lab_workbook.errors import NotComparable
from lab_workbook.experiment import Experiment
from lab_workbook.near import near
from lab_workbook.protocol import _spec
from lab_workbook.store import parallel

How = Literal["outer", "interpolate", "ffill"]

ELAPSED: Final = "elapsed"


def meld_csv(
    labels: Mapping[Experiment, str], artifact: str, column: str, *, x: str | None = None, how: How = "outer"
) -> pd.DataFrame:
    """
    Return one column of each experiment under its label, as `ExperimentRepository.meld_csv` tells.

    Raises:
        NotComparable: there is no experiment, or one label for two, or no such column, or ``how`` does not
            fit it.
        ArtifactNotFound: an experiment has no such artifact.
    """
    _check(labels, how)
    # Each takes several requests, which wait side by side; to parse side by side would be no quicker.
    fetched = parallel.each(lambda each: _fetched(each, artifact, {column, x}), labels, "experiments")
    read = {experiment: parse() for experiment, parse in fetched}
    curves = {
        label: _curve(experiment, artifact, read[experiment], column, x)
        for experiment, label in labels.items()
    }
    melded = _melded(curves)
    if how == "outer":
        return melded
    fill = _interpolated if how == "interpolate" else _carried
    filled: pd.DataFrame = pd.DataFrame({label: fill(melded[label]) for label in melded}, index=melded.index)
    return filled


def _check(labels: Mapping[Experiment, str], how: str) -> None:
    if how not in get_args(How):
        raise NotComparable(f"how={how!r} is none of {', '.join(map(repr, get_args(How)))}")
    if not labels:
        raise NotComparable("there is nothing to put side by side: give {tag: label} for at least one tag")
    label, count = Counter(labels.values()).most_common(1)[0]
    if count > 1:
        raise NotComparable(f"{count} experiments have the label {label!r}: give each its own")


def _fetched(experiment: Experiment, artifact: str, needed: set[str | None]) -> Callable[[], Any]:
    """Fetch an artifact, and return what parses it: of a settled series, the columns that are needed."""
    if not (experiment.end and experiment.begin and artifact.endswith(_spec.KIND_SERIES_SUFFIX)):
        value = experiment[artifact]
        return lambda: value
    data = experiment.read_checked(artifact)

    def parse() -> Any:
        value = kinds.taught(artifact, data)
        if value is not None:
            return value
        table = series.read(data, artifact, needed={*map(str, needed)})
        # The error of a column that is not there lists all that are.
        has_all = needed <= {None, ELAPSED, table.index.name, *table.columns}
        return table if has_all else series.read(data, artifact)

    return parse


def _curve(experiment: Experiment, artifact: str, table: Any, column: str, x: str | None) -> Any:
    """Return a column as a Series whose index is what it is drawn over."""
    if not isinstance(table, pd.DataFrame):
        raise NotComparable(f"{artifact} of {experiment.tag} is no table but {type(table).__name__}")
    curve = _column(experiment, artifact, table, column)
    if x is None:
        return curve
    if x == ELAPSED and x not in table.columns and x != table.index.name:
        return curve.set_axis(pd.Index(_elapsed(experiment, artifact, table), name=ELAPSED))
    return curve.set_axis(pd.Index(_column(experiment, artifact, table, x), name=x))


def _column(experiment: Experiment, artifact: str, table: pd.DataFrame, column: str) -> Any:
    if column in table.columns:
        return table[column]
    if column == table.index.name:
        return table.index.to_series()
    columns = [str(name) for name in (table.index.name, *table.columns) if name is not None]
    similar = near(column, columns)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    raise NotComparable(
        f"{artifact} of {experiment.tag} has no column {column!r}.{hint}"
        f" It has: {', '.join(map(repr, columns))}"
    )


def _elapsed(experiment: Experiment, artifact: str, table: pd.DataFrame) -> Any:
    """Return the seconds from the start to each row."""
    dates = _column(experiment, artifact, table, _spec.SERIES_DATE_FIELD)
    # What protocol 1.0 wrote does not say when it began.
    started = experiment.started or dates.min()
    return (dates - started).dt.total_seconds()


def _melded(curves: dict[str, Any]) -> pd.DataFrame:
    """Put curves side by side, their rows matched by the index."""
    index_name = next(iter(curves.values())).index.name
    # The index of a series without rows has no type yet, and would take it from all others.
    filled = {label: curve for label, curve in curves.items() if len(curve)} or curves
    if all(curve.index.is_unique for curve in filled.values()):
        table = pd.concat(filled, axis=1, sort=False)
    else:
        table = pd.concat({label: _counted(curve) for label, curve in filled.items()}, axis=1, sort=False)
        table = _sorted(table).droplevel(1)
    melded: pd.DataFrame = _sorted(table).rename_axis(index_name).reindex(columns=list(curves))
    return melded


def _counted(curve: Any) -> Any:
    """Return the curve with a second index level that numbers the repeats of an index value."""
    repeat = curve.groupby(curve.index, dropna=False).cumcount()
    return curve.set_axis(pd.MultiIndex.from_arrays([curve.index, repeat]))


def _sorted(table: Any) -> Any:
    if table.index.is_monotonic_increasing:
        return table
    try:
        return table.sort_index(kind="stable")
    except TypeError:
        # An index of several kinds has no order but that of the files.
        return table


def _interpolated(curve: Any) -> Any:
    """Return a curve with a straight line in its holes, between the values on either side of them."""
    x, y = _positions(curve.index), _numbers(curve)
    is_known = ~np.isnan(y) & ~np.isnan(x)
    if not is_known.any():
        return y
    # Outside of what was measured nothing is known.
    is_inside = (x >= x[is_known].min()) & (x <= x[is_known].max())
    holes = np.isnan(y) & is_inside
    y[holes] = np.interp(x[holes], x[is_known], y[is_known])
    return y


def _carried(curve: Any) -> Any:
    """Return a curve whose holes hold the value before them, up to its own last row."""
    carried = curve.ffill()
    is_after = curve[::-1].notna().to_numpy().cumsum()[::-1] == 0
    return carried.mask(is_after).array


def _positions(index: pd.Index[Any]) -> Any:
    if isinstance(index, pd.DatetimeIndex):
        # From the first one on, because a double has no room for both a date and a millisecond.
        return (index - index.min()).total_seconds().to_numpy()
    if pd.api.types.is_numeric_dtype(index.dtype) and not pd.api.types.is_bool_dtype(index.dtype):
        return index.to_numpy("float64", na_value=np.nan)
    raise NotComparable(f"{index.name!r} holds no numbers to interpolate by: use how='ffill', or another x")


def _numbers(curve: Any) -> Any:
    if pd.api.types.is_numeric_dtype(curve.dtype) or curve.isna().all():
        return curve.to_numpy("float64", na_value=np.nan, copy=True)
    raise NotComparable(f"the values of {curve.name!r} are no numbers to interpolate: use how='ffill'")
