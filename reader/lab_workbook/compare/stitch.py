"""
One series of an experiment that was resumed, made of those of all its attempts.

An experiment that goes on from another says so in begin.json (``resumes``), so the attempts are found
backwards. A script that resumes does so from its last checkpoint, and logs the rows after it once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from lab_workbook import _columns
from lab_workbook.errors import ArtifactNotFound, ExperimentNotFound, InvalidTag, NotComparable
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import tags

ATTEMPT: Final = "attempt"


Read = Callable[[Experiment], Any]


def stitch(
    last: Experiment, artifact: str, read: Read, beside: Callable[[str], Experiment], *, raw: bool
) -> pd.DataFrame:
    """
    Return a series of an experiment and of those that it resumes, as `Experiment.stitch` tells.

    ``read`` reads the series of one of them, and ``beside`` gives the experiment of another tag.

    Raises:
        ExperimentNotFound: one that is resumed is not there.
        ArtifactNotFound: no attempt has such a series.
        NotComparable: the attempts go round in a circle, or their series do not fit each other.
    """
    tables = _tables(attempts(last, beside), artifact, read)
    if raw:
        tables = {tag: _labelled(table, tag, artifact) for tag, table in tables.items()}
    else:
        tables = _without_what_was_done_again(tables, artifact)
    return _joined(list(tables.values()))


def attempts(last: Experiment, beside: Callable[[str], Experiment]) -> list[Experiment]:
    """Return an experiment and those that it resumes, the first one first."""
    found = {last.tag: last}
    while resumes := _resumes(last):
        if resumes in found:
            raise NotComparable(
                f"{last.tag} resumes {resumes!r}, which has resumed it: attempts go round in a circle"
            )
        last, resumed = beside(resumes), last
        try:
            last.begin  # noqa: B018 - asked for its error
        except ExperimentNotFound:
            raise ExperimentNotFound(
                f"{resumed.tag} resumes {resumes!r}, which is not there: copy it beside it, or read"
                f" the rest by itself"
            ) from None
        found[resumes] = last
    return list(reversed(found.values()))


def _resumes(experiment: Experiment) -> str | None:
    tag = experiment.begin.get("resumes")
    if tag is None:
        return None
    try:
        return tags.check(tag)
    except InvalidTag:
        raise NotComparable(f"{experiment.tag} resumes {str(tag)[:80]!r}, which is no tag") from None


def _tables(experiments: list[Experiment], artifact: str, read: Read) -> dict[str, pd.DataFrame]:
    tables: dict[str, pd.DataFrame] = {}
    for experiment in experiments:
        try:
            table = read(experiment)
        except ArtifactNotFound:
            # An attempt may have ended before its first row; the last one's error lists what there is.
            if experiment is experiments[-1] and not tables:
                raise
            continue
        if not isinstance(table, pd.DataFrame):
            raise NotComparable(f"{artifact} of {experiment.tag} is no table but {type(table).__name__}")
        tables[experiment.tag] = table
    names = {table.index.name for table in tables.values()}
    if len(names) > 1:
        raise NotComparable(
            f"{artifact} has another first field in each attempt: {', '.join(map(repr, names))}"
        )
    return tables


def _labelled(table: pd.DataFrame, tag: str, artifact: str) -> pd.DataFrame:
    if ATTEMPT in table:
        raise NotComparable(
            f"{artifact} of {tag} has a field {ATTEMPT!r} of its own, so raw=True has no name left"
        )
    labelled: pd.DataFrame = table.assign(**{ATTEMPT: tag})
    return labelled


def _without_what_was_done_again(tables: dict[str, pd.DataFrame], artifact: str) -> dict[str, pd.DataFrame]:
    kept: dict[str, pd.DataFrame] = {}
    first: Any = None
    for tag, table in reversed(tables.items()):
        x = table.index.to_series().dropna()
        if len(tables) > 1 and len(x) and not pd.api.types.is_numeric_dtype(x.dtype):
            raise NotComparable(
                f"{table.index.name!r}, the first field of {artifact}, holds no numbers, so where attempts"
                " overlap cannot be told: raw=True keeps all rows"
            )
        # Rows of a missing x belong to no place, and stay.
        kept[tag] = table if first is None else table[~(table.index >= first) | table.index.isna()]
        if len(x):
            first = x.iloc[0] if first is None else min(first, x.iloc[0])
    return dict(reversed(kept.items()))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other, each column with the type that it would have in one file."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {name: _column([table.get(name, _missing(table)) for table in tables]) for name in names}
    index = pd.Index(_column([table.index.to_series() for table in tables]), name=tables[0].index.name)
    joined: pd.DataFrame = pd.DataFrame(columns, index=index)
    return joined


def _missing(table: pd.DataFrame) -> Any:
    return pd.Series([None] * len(table), dtype=object)


def _column(parts: list[Any]) -> Any:
    parts = [part for part in parts if len(part)] or parts
    if len({part.dtype for part in parts}) == 1:
        return pd.concat(parts, ignore_index=True).array
    return _columns.of_values([cell for part in parts for cell in _columns.plain(part)])
