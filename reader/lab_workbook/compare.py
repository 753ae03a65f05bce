"""
Several experiments in one table.

>>> meld_csv({experiment: "slow", other: "fast"}, "Training loss.csv", "loss")
       slow  fast
epoch
1.0     0.9   0.7
2.0     0.8   NaN
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lab_workbook.errors import NotComparable
from lab_workbook.experiment import Experiment


def meld_csv(labels: Mapping[Experiment, str], artifact: str, column: str) -> pd.DataFrame:
    """
    Return one column of each experiment under its label, their rows matched by the index.

    Raises:
        NotComparable: there is no experiment, or one label for two, or no such column.
        ArtifactNotFound: an experiment has no such artifact.
    """
    _check_labels(labels)
    curves = {label: _column(experiment, artifact, column) for experiment, label in labels.items()}
    index_name = next(iter(curves.values())).index.name
    # The index of a series without rows has no type yet, and would take it from all others.
    filled = {label: curve for label, curve in curves.items() if len(curve)} or curves
    if all(curve.index.is_unique for curve in filled.values()):
        table = pd.concat(filled, axis=1)
    else:
        table = pd.concat({label: _counted(curve) for label, curve in filled.items()}, axis=1)
        table = _sorted(table).droplevel(1)
    melded: pd.DataFrame = _sorted(table).rename_axis(index_name).reindex(columns=list(curves))
    return melded


def _check_labels(labels: Mapping[Experiment, str]) -> None:
    if not labels:
        raise NotComparable("there is nothing to put side by side: give {tag: label} for at least one tag")
    label, count = Counter(labels.values()).most_common(1)[0]
    if count > 1:
        raise NotComparable(f"{count} experiments have the label {label!r}: give each its own")


def _column(experiment: Experiment, artifact: str, column: str) -> Any:
    table = experiment[artifact]
    if not isinstance(table, pd.DataFrame):
        raise NotComparable(f"{artifact} of {experiment.tag} is no table but {type(table).__name__}")
    if column in table.columns:
        return table[column]
    if column == table.index.name:
        return table.index.to_series()
    columns = [str(name) for name in (table.index.name, *table.columns) if name is not None]
    near = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise NotComparable(
        f"{artifact} of {experiment.tag} has no column {column!r}.{hint}"
        f" It has: {', '.join(map(repr, columns))}"
    )


def _counted(curve: Any) -> Any:
    """Return the curve with a second index level that numbers the repeats of an index value."""
    repeat = curve.groupby(curve.index, dropna=False).cumcount()
    return curve.set_axis(pd.MultiIndex.from_arrays([curve.index, repeat]))


def _sorted(table: Any) -> Any:
    try:
        return table.sort_index(kind="stable")
    except TypeError:
        # An index of several kinds has no order but that of the files.
        return table
