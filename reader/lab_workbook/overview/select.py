"""
Find experiments in a table: by a condition of pandas, and by values.

>>> tags(table, '`options.learning rate` < 0.1 and status == "finished"', {"language": "Lua"}, level=1)
['201602122149-PMJ8a76csB']

The condition is the user's, and is evaluated by pandas. The names of columns come from whoever wrote the
experiments; pandas never sees them, but stand-ins, so that none can be mistaken for code or for another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lab_workbook.errors import InvalidQuery

# What is in quotes is a text, also where it holds a backtick; two backticks in a name stand for one.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`((?:[^`]|``)+)`""")
_STAND_IN = "_lab_workbook_column_{}"


def tags(table: pd.DataFrame, query: str | None, values: Mapping[str, Any], *, level: int) -> list[str]:
    """
    Return the tags for which a condition holds and the columns have these values.

    ``level`` is by how many calls this is away from the user, whose variables ``@name`` stands for.

    Raises:
        InvalidQuery: there is no such column, or the query is no condition.
    """
    if table.empty:
        return []
    chosen = pd.Series(data=True, index=table.index)
    if query is not None:
        chosen &= _condition(table, query, level + 1)
    for name, value in values.items():
        chosen &= _equal(_column(table, name), value)
    return [str(tag) for tag in table.index[chosen.to_numpy()]]


def rows(table: pd.DataFrame, query: str | None) -> pd.DataFrame:
    """Return the rows for which a condition holds; without one, all."""
    chosen: pd.DataFrame = table.loc[tags(table, query, {}, level=1)]
    return chosen


def columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """
    Return these columns.

    Raises:
        InvalidQuery: there is no such column; the message names a near one.
    """
    chosen: pd.DataFrame = pd.DataFrame({name: _column(table, name) for name in names}, index=table.index)
    return chosen


def _condition(table: pd.DataFrame, query: str, level: int) -> Any:
    stand_ins: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        return stand_ins.setdefault(name.replace("``", "`"), _STAND_IN.format(len(stand_ins)))

    text = _QUOTED.sub(stand_in, query)
    # Parameters have a dot in their names, so without backticks nobody can mean them.
    plain = {str(name): name for name in table.columns if str(name).isidentifier()}
    columns = {stand: _column(table, name) for name, stand in stand_ins.items()}
    asked = pd.DataFrame({**{name: _local(table[name]) for name in plain}, **columns}, index=table.index)
    try:
        answer = asked.eval(text, engine="python", level=level)
    except Exception as error:
        raise InvalidQuery(f"{query!r} cannot be asked: {error}. {_HINT}") from error
    if not isinstance(answer, pd.Series) or not pd.api.types.is_bool_dtype(answer.dtype):
        raise InvalidQuery(f"{query!r} is no condition, which is true or false for each experiment. {_HINT}")
    return answer.fillna(value=False).astype(bool)


def _local(column: Any) -> Any:
    # In a query a date is written without a zone, and pandas compares no such one with one that has a zone.
    return column.dt.tz_localize(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column


_HINT = "Names with dots or spaces stand in backticks: '`options.learning rate` < 0.1'"


def _equal(column: Any, value: Any) -> Any:
    if value is None:
        return column.isna()
    if isinstance(value, (list, tuple)):
        return column.map(lambda cell: isinstance(cell, tuple) and cell == tuple(value)).astype(bool)
    try:
        return (column == value).fillna(value=False).astype(bool)
    except (TypeError, ValueError) as error:
        raise InvalidQuery(f"{column.name} cannot be compared with {value!r}: {error}") from error


def _column(table: pd.DataFrame, name: str) -> Any:
    if name in table.columns:
        return table[name]
    names = [str(column) for column in table.columns]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    near += [each for each in names if each.endswith(f".{name}")][:3]
    hint = (
        f"Did you mean {near[-1]!r}?"
        if near
        else f"`repository.table()` has {len(names)}: {', '.join(map(repr, names[:20]))}"
    )
    raise InvalidQuery(f"no experiment has {name!r}. {hint}")
