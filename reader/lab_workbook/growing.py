r"""
The series of an experiment that still runs, as far as they have been read.

Whole rows never change and never go, so the next read of the same series asks for what follows the last
row, and parses that alone. The answer has to be what a full read gives, types included, and the type of a
column depends on all of its cells. So the new rows are parsed behind two made-up ones that hold what the
column holds by now, such as a number and a hole: if the types come out as they were, the rows fit, and
otherwise everything is read anew.

>>> known = remember(b"epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n", table)
>>> known.start, known.last
(16, b'1,0.5,2016-02-12T22:17:34Z\n')
>>> grow(known, b"1,0.5,2016-02-12T22:17:34Z\n2,0.25,2016-02-12T22:17:35Z\n", "loss.csv").table
       loss                      Date
epoch
1      0.50 2016-02-12 22:17:34+00:00
2      0.25 2016-02-12 22:17:35+00:00
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pandas as pd

from lab_workbook import _columns, series
from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec, rows

# Of one experiment; the tables take about twice that.
_REMEMBERED_BYTES: Final = 2**27

_DATE: Final = "1970-01-01T00:00:00Z"
_NIL: Final = _spec.SERIES_MISSING
_TRUE: Final = _spec.SERIES_TRUE
# By dtype: two cells that a column has this type for, whatever of its kind comes after. A hole is given only
# where the type depends on it, because rows without holes are parsed quicker.
_CELLS: Final = {
    "int64": ("0", "0"),
    "Int64": ("0", _NIL),
    "float64": ("0.5", "0.5"),
    "bool": (_TRUE, _TRUE),
    "boolean": (_TRUE, _NIL),
    "object": ('""', "0"),
}
_TEXTS: Final = ('""', '""')


class Known(NamedTuple):
    """What was read of a series: its header, where its last row starts, that row, and the table."""

    header: bytes
    start: int
    last: bytes
    table: pd.DataFrame


class Growing:
    """What was read of each series of one experiment; the oldest is forgotten when it becomes too much."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        # A notebook may watch one series and read another.
        self._lock = threading.Lock()

    def read(self, name: str, fetch: Callable[[int], bytes]) -> pd.DataFrame | None:
        """
        Return a series with the rows that are new, or None where it has to be read from its start.

        ``fetch`` gives its bytes from a place on.
        """
        known = self._known.get(name)
        if known is None:
            return None
        try:
            grown = grow(known, fetch(known.start), name)
        except (KeyError, Unreadable):
            # A full read tells what is wrong.
            return None
        if grown is None:
            return None
        self._put(name, grown)
        return copied(grown.table)

    def known(self, name: str) -> pd.DataFrame | None:
        """Return a series as it was read last, or None."""
        known = self._known.get(name)
        return None if known is None else copied(known.table)

    def remember(self, name: str, data: bytes, table: pd.DataFrame) -> pd.DataFrame:
        """
        Keep what was read from the start, and return a copy for the caller.

        Rows never go: where fewer are read than before, the listing is older, and what is known counts.
        """
        known = self._known.get(name)
        if known is not None and _is_earlier(known, data, table):
            return copied(known.table)
        self._put(name, remember(data, table))
        return copied(table)

    def _put(self, name: str, known: Known | None) -> None:
        with self._lock:
            self._known.pop(name, None)
            if known is not None:
                self._known[name] = known
            while sum(each.start for each in self._known.values()) > _REMEMBERED_BYTES:
                del self._known[next(iter(self._known))]


def _is_earlier(known: Known, data: bytes, table: pd.DataFrame) -> bool:
    """Say whether a series is a known one as it was before, and not another one under the same name."""
    if not data.startswith(known.header) or not 0 < len(table) < len(known.table):
        return False
    before = known.table.iloc[: len(table)]
    if list(before.columns) != list(table.columns):
        return False
    # A cell of the index may be missing, and compares with nothing.
    if not before.index.astype(object).equals(table.index.astype(object)):
        return False
    # All but the types, which depend on rows to come.
    return all(before[field].astype(object).equals(table[field].astype(object)) for field in table.columns)


def remember(data: bytes, table: pd.DataFrame) -> Known | None:
    """Return what to know of a series of protocol 1.1; None where nothing can be appended to it."""
    end = rows.end_of_rows(data)
    header = data[: rows.first_row_end(data[:end])]
    start = rows.end_of_rows(data[: max(end - 1, 0)])
    last = data[start:end]
    is_series = (
        len(table) > 0 and table.index.name is not None and table.columns[-1:] == [_spec.SERIES_DATE_FIELD]
    )
    return Known(header, start, last, table) if is_series and last.strip() else None


def grow(known: Known, data: bytes, name: str) -> Known | None:
    """
    Return what is known with the rows of ``data``, which begin with the last one that is known.

    None says that this is another series, or that its new rows change the type of a column.

    Raises:
        Unreadable: a row does not fit; it is named as if the first new one were the third.
    """
    if not data.startswith(known.last):
        return None
    data = data[: rows.end_of_rows(data)]
    start = rows.end_of_rows(data[:-1])
    new, last = data[len(known.last) :], data[start:]
    if not new:
        return known
    fresh = series.read(known.header + _witnesses(known.table) + new, name).iloc[2:]
    if not last.strip() or _types(fresh) != _types(known.table):
        return None
    return Known(known.header, known.start + start, last, pd.concat([known.table, fresh]))


def copied(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that may be changed without changing this one."""
    # Since pandas 3 a copy costs nothing until one of the two is written to.
    copy: pd.DataFrame = table.copy(deep=not _columns.IS_MODERN)
    return copy


def _witnesses(table: pd.DataFrame) -> bytes:
    """Return two rows that give each column the type it has."""
    cells = [
        _cells(column) for column in (table.index, *(table.iloc[:, at] for at in range(table.shape[1] - 1)))
    ]
    return "".join(",".join([*row, _DATE]) + "\n" for row in zip(*cells, strict=True)).encode()


def _cells(column: Any) -> tuple[str, str]:
    # A column in which all is missing waits for its type.
    if column.dtype == "float64" and column.isna().all():
        return _NIL, _NIL
    return _CELLS.get(str(column.dtype), _TEXTS)


def _types(table: pd.DataFrame) -> list[Any]:
    return [table.index.dtype, *table.dtypes]
