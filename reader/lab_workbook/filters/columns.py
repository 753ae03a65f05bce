"""Columns of a table by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab_workbook.errors import InvalidQuery
from lab_workbook.filters import tokens
from lab_workbook.near import near
from lab_workbook.protocol.text import printable

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20
_ENDINGS = 3


def find(frame: pd.DataFrame, name: str) -> Any:
    """
    Return the column of this name, or the index if it has the name.

    Raises:
        InvalidQuery: there is no such column; the message has a similar name, or the names that there are.
    """
    if name in frame.columns:
        return frame[name]
    if name == frame.index.name:
        return frame.index.to_series()
    names = [str(column) for column in frame.columns]
    similar = [each for each in names if each.endswith(f".{name}")][:_ENDINGS] or near(name, names)
    hint = (
        f"did you mean {' or '.join(map(quoted, similar))}?"
        if similar
        else f"the table has {len(names)}: {', '.join(map(quoted, names[:_SHOWN]))}"
    )
    raise InvalidQuery(f"there is no column {name!r}; {hint}")


def quoted(name: str) -> str:
    """
    Return a name as it has to be written in a filter.

    >>> quoted("options.rate"), quoted("options.learning rate")
    ('options.rate', '`options.learning rate`')
    """
    return name if tokens.is_bare(name) else "`" + printable(name).replace("`", "``") + "`"
