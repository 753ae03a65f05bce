"""
Choose rows and columns of the table of experiments: by a filter, and by values.

>>> tags(table, 'options.rate < 0.1 and status == "finished"', {"language": "Lua"})
['201602122149-PMJ8a76csB']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lab_workbook import filters
from lab_workbook.filters import cells
from lab_workbook.filters import columns as named


def tags(table: pd.DataFrame, query: str | None, values: Mapping[str, Any]) -> list[str]:
    """
    Return the tags for which a filter holds and the columns have these values.

    Raises:
        InvalidQuery: the query is not a filter, or there is no such column.
    """
    condition = None if query is None else filters.parse(query)
    # Which columns a folder without experiments will have is not known.
    if table.empty:
        return []
    chosen = [True] * len(table) if condition is None else condition.apply(table).tolist()
    for name, value in values.items():
        found = map(_equals(value), cells.plain(named.find(table, name)))
        chosen = list(map(all, zip(chosen, found, strict=True)))
    return [str(tag) for tag, is_chosen in zip(table.index, chosen, strict=True) if is_chosen]


def rows(table: pd.DataFrame, query: str | None) -> pd.DataFrame:
    """Return the rows for which a filter holds; without one, all."""
    chosen: pd.DataFrame = table.loc[tags(table, query, {})]
    return chosen


def columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """
    Return these columns.

    Raises:
        InvalidQuery: there is no such column; the message names a near one.
    """
    chosen: pd.DataFrame = pd.DataFrame({name: named.find(table, name) for name in names}, index=table.index)
    return chosen


def _equals(value: Any) -> Any:
    wanted = cells.value(value)
    if wanted is None:
        return lambda cell: cell is None
    return lambda cell: cells.equal(cell, wanted)
