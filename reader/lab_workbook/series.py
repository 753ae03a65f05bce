r"""
A series as a table: a pandas DataFrame with the types that were logged.

In protocol 1.1 text is always quoted and nothing else ever is, but pandas forgets the quotes while it
parses: the text ``"007"`` would become 7 and ``"nil"`` a missing value. So text cells are marked
before pandas sees them and unmarked after, which keeps its speed and makes it exact. Files of
protocol 1.0 quote nothing, so they are read just as the reader of their day read them.

>>> read(b'epoch,note,Date\n1,"007",2016-02-12T22:17:34Z\n', "log.csv")["note"].tolist()
['007']
"""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Collection, Sequence
from datetime import timezone
from typing import Any

import numpy as np
import pandas as pd

from lab_workbook import _columns, _marks
from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec, rows
from lab_workbook.protocol.numbering import Numbering, dotted

_DATE = _spec.SERIES_DATE_FIELD
_MISSING = f",{_spec.SERIES_MISSING},".encode()
_EARLY = 2**16
_LOWEST = b"%d" % _spec.SERIES_INTEGER_MIN
_HOLES = [_spec.SERIES_MISSING, _spec.SERIES_NAN]
# A doubled quote reads as two quoted pieces that touch.
_CELL = re.compile(r'(?:^|,)((?:"[^"]*"|[^",]+)*)')
_OPENING = re.compile(rb'(?:^|,)"')
_LONG_ROW = re.compile("Expected ([0-9]+) fields in line ([0-9]+), saw ([0-9]+)")

_ALWAYS: dict[str, Any] = {
    "engine": "c",
    "date_format": "ISO8601",
    # As a writer of 1.1 would have written what is not UTF-8.
    "encoding_errors": "replace",
    # Before pandas 3 only this reads each double exactly; since then the default does.
    **({} if _columns.IS_MODERN else {"float_precision": "round_trip"}),
}


def read(data: bytes, name: str, *, needed: Collection[str] | None = None) -> pd.DataFrame:
    """
    Return a series of protocol 1.1, its first field as the index.

    A row that is still being written is left out. A table whose last column is not ``Date`` is no
    series, and is read as pandas reads any table. Whoever says which columns are needed spares the
    others, ``Date`` too, most of the time.

    Raises:
        Unreadable: a row does not fit the header, or a date is none; names ``name`` and the row.
    """
    data = _line_ends(data[: rows.end_of_rows(data)], b'"')
    start = rows.first_row_end(data)
    fields = _cells(data[:start])
    if len(fields) < 2 or fields[-1] != _DATE:
        return _as_pandas_does(data, fields, name)
    return _Series(data, start, fields, name, needed).frame()


def values(data: bytes, name: str, column: str) -> list[Any]:
    """
    Return the cells of a column of protocol 1.1, each with the type that it was logged with.

    In a table an integer among floats becomes one of them, as a column has one type.

    Raises:
        Unreadable: the first line does not name the column, or a row does not fit it.
    """
    data = _line_ends(data[: rows.end_of_rows(data)], b'"')
    start = rows.first_row_end(data)
    fields = _cells(data[:start])
    if column not in _numbered(fields):
        raise Unreadable(f"{name}: its first line names no field {column!r}")
    return _Series(data, start, fields, name, None).values(column)


def read_legacy(data: bytes, name: str) -> pd.DataFrame:
    """
    Return a series of protocol 1.0 as the reader of 2016 did: types guessed by column.

    Raises:
        Unreadable: a row has more cells than the header; names ``name`` and the row.
    """
    data = _line_ends(data[: data.rfind(b"\n") + 1], None)
    fields = _cells(data[: data.find(b"\n") + 1])
    is_open = _DATE in fields and _has_open_quote(data)
    return _as_pandas_does(data, fields, name, **({"quoting": csv.QUOTE_NONE} if is_open else {}))


class _Series:
    """One series of protocol 1.1 on its way from bytes to a table."""

    def __init__(
        self, data: bytes, start: int, fields: list[str], name: str, needed: Collection[str] | None
    ) -> None:
        self._data, self._start, self._name = data, start, name
        self._columns = _numbered(fields)
        self._marked, self._texts = _marks.mark(data, start)
        # Most holes come early, and then looking through all of the rows can be spared.
        self._has_holes = data.find(_MISSING, start, start + _EARLY) >= 0 or bool(self._words)
        # Chunks are quicker, but a column of several kinds would change its type from one to the next. No
        # number, date or hole holds one of these letters; true and false do.
        self._is_numeric = not self._texts and all(data.find(letter, start) < 0 for letter in (b"u", b"s"))
        # Whether a cell was quoted is known of a file that has texts, and not of a part of its columns.
        is_part = needed is not None and not self._texts
        kept = {self._columns[0], *(needed or ())}
        self._used = [column for column in self._columns if column in kept] if is_part else self._columns
        # Before pandas 3, the lowest integer of a column with holes becomes a hole.
        self._has_lowest = not _columns.IS_MODERN and data.find(_LOWEST, start) >= 0

    def frame(self) -> pd.DataFrame:
        """Return the table."""
        # pandas takes the surplus cells of a first row for an index of its own.
        self._check_first_row()
        is_part = len(self._used) < len(self._columns)
        # Of rows whose length is another one, pandas then says nothing.
        if is_part and not self._is_even():
            self._check_widths()
        date = [column for column in self._used[1:] if column == self._columns[-1]]
        raw = self._parse(
            na_values=_HOLES,
            usecols=self._used if is_part else None,
            parse_dates=date,
            # Only these types keep an integer beside a missing one as it is.
            **({"dtype_backend": "numpy_nullable"} if self._has_holes else {}),
        )
        values = raw.drop(columns=date) if date else raw
        is_clear = not (self._texts or self._has_holes or any(map(_columns.is_text, values.dtypes)))
        if not is_clear:
            values = pd.DataFrame(self._restored(values), index=raw.index)
        for column in date:
            values[column] = self._dates(raw[column])
        table: pd.DataFrame = values.set_index(self._columns[0])
        return table

    def values(self, column: str) -> list[Any]:
        """Return the cells of a column, each by itself; missing is None."""
        bare = self._parse(usecols=[column], dtype=object, na_filter=False)
        return _columns.values(bare[column].tolist())

    @functools.cached_property
    def _words(self) -> set[str]:
        return _marks.find_words(self._data, self._start, _HOLES)

    def _parse(self, **options: Any) -> pd.DataFrame:
        self._marked.seek(0)
        try:
            frame: pd.DataFrame = pd.read_csv(
                self._marked,
                header=0,
                names=self._columns,
                keep_default_na=False,
                low_memory=self._is_numeric,
                **_ALWAYS,
                **options,
            )
        except (ValueError, OverflowError) as error:
            self._check_widths()
            raise _unreadable(self._name, str(error)) from None
        return frame

    def _restored(self, raw: pd.DataFrame) -> dict[str, Any]:
        texts = {column for column in raw if _columns.is_text(raw[column].dtype)}
        # Each marked cell is a text, so equal counts mean that each text is a marked cell.
        are_pure = sum(int(raw[column].notna().sum()) for column in texts) == self._texts
        unclear = [
            column for column in raw if self._is_unclear(raw[column], is_pure=are_pure or column not in texts)
        ]
        bare = self._parse(usecols=unclear, dtype=object, na_filter=False) if unclear else raw
        restored: dict[str, Any] = {}
        for column in map(str, raw):
            if column in unclear:
                restored[column] = _columns.typed(bare[column].tolist())
            elif column in texts:
                restored[column] = _columns.unmarked(raw[column])
            else:
                restored[column] = _columns.settled(raw[column])
        return restored

    def _is_unclear(self, column: Any, *, is_pure: bool) -> bool:
        """Say whether a column has to be read again, cell by cell."""
        if not is_pure:
            return True
        # A hole may be a missing value or not-a-number, or what was the lowest integer.
        if isinstance(column.dtype, pd.Float64Dtype) or not column.hasnans:
            return False
        return _spec.SERIES_NAN in self._words or self._has_lowest

    def _dates(self, column: Any) -> Any:
        if not isinstance(column.dtype, pd.DatetimeTZDtype):
            column = self._parsed_dates([_text(cell) for cell in column.tolist()])
        # A row that ends early has no date.
        if column.hasnans:
            self._check_widths()
        return column if column.dtype.tz == timezone.utc else column.dt.tz_convert("UTC")

    def _parsed_dates(self, cells: list[str]) -> Any:
        texts = pd.Series([cell or None for cell in cells], dtype=object)
        dates = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
        bad = dates.isna() & texts.notna()
        if bad.any():
            self._check_widths()
            row = int(bad.to_numpy().argmax())
            raise _unreadable(self._name, f"{cells[row]!r} is no date", row=row + 1)
        return dates

    def _is_even(self) -> bool:
        """Say whether each row has as many cells as the header, and no line is blank."""
        source = np.frombuffer(self._data, np.uint8, offset=self._start)
        ends = source[np.flatnonzero((source == ord(",")) | (source == ord("\n")))]
        width = len(self._columns)
        return len(ends) % width == 0 and bool((ends[width - 1 :: width] == ord("\n")).all())

    def _check_first_row(self) -> None:
        self._check_width(1, self._data[self._start : rows.first_row_end(self._data, self._start)])

    def _check_widths(self) -> None:
        number, start = 0, self._start
        while start < len(self._data):
            end = rows.first_row_end(self._data, start)
            row = self._data[start:end]
            number += bool(row.strip())
            self._check_width(number, row)
            start = end

    def _check_width(self, number: int, row: bytes) -> None:
        # Quotes split the row into pieces that are in turn outside and inside of them.
        width = 1 + sum(piece.count(b",") for piece in row.split(b'"')[::2])
        if width != len(self._columns) and row.strip():
            raise _misfit(self._name, number, width, len(self._columns))


def _as_pandas_does(data: bytes, fields: Sequence[str], name: str, **more: Any) -> pd.DataFrame:
    frame: pd.DataFrame = pd.DataFrame()
    if not data.strip():
        return frame
    options = _ALWAYS | {"low_memory": False, **more}
    if _DATE in fields:
        options |= {"index_col": 0, "parse_dates": [_DATE], "na_values": [_spec.SERIES_MISSING]}
    try:
        frame = pd.read_csv(io.BytesIO(data), **options)
        is_shifted = "index_col" in options and frame.shape[1] >= len(fields)
        return _unshifted(data, fields, name, options) if is_shifted else frame
    except Unreadable:
        raise
    except (ValueError, OverflowError) as error:
        long_row = _LONG_ROW.search(str(error))
        if long_row:
            expected, line, found = map(int, long_row.groups())
            raise _misfit(name, line - 1, found, expected) from None
        raise _unreadable(name, str(error)) from None


def _has_open_quote(data: bytes) -> bool:
    """
    Return whether a cell of protocol 1.0 begins with a quote that its row does not close.

    A row of 1.0 ends at any line feed (rule series.row-end); pandas would take the next rows into the cell.
    """
    if b'"' not in data:
        return False
    return any(line.count(b'"') % 2 and _OPENING.search(line) for line in data.split(b"\n"))


def _unshifted(data: bytes, fields: Sequence[str], name: str, options: dict[str, Any]) -> pd.DataFrame:
    """
    Read rows that are longer than the header, which pandas would shift to the left.

    In 1.0 one table of fields for two logs made them: each row ends with the date twice.
    """
    width = len(_cells(data[data.find(b"\n") + 1 :].partition(b"\n")[0]))
    names = _numbered([*fields, *[_DATE] * (width - len(fields))])
    frame: pd.DataFrame = pd.read_csv(io.BytesIO(data), header=0, names=names, **options)
    if frame.iloc[:, -1].isna().any():
        raise _misfit(name, 1, width, len(fields))
    return frame


def _line_ends(data: bytes, quote: bytes | None) -> bytes:
    """Return the rows with LF alone between them, where pandas needs that."""
    # Before pandas 3, a bare CR outside quotes can make its parser fill the whole memory.
    if _columns.IS_MODERN or b"\r" not in data:
        return data
    pieces = data.split(quote) if quote else [data]
    pieces[::2] = [piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for piece in pieces[::2]]
    return (quote or b"").join(pieces)


def _cells(row: bytes) -> list[str]:
    # Not the csv module, which has a limit on the length of a cell and, before 3.11, refuses NUL.
    text = row.decode(errors="replace").removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    return [_unquoted(cell) for cell in _CELL.findall(text)] if text else []


def _unquoted(cell: str) -> str:
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if is_quoted else cell


def _numbered(fields: Sequence[str]) -> list[str]:
    """Return the fields with ``.1``, ``.2`` behind those that come again, as pandas numbers them."""
    return list(map(Numbering(dotted).free, fields))


def _text(cell: object) -> str:
    return cell.removeprefix(_marks.MARK) if isinstance(cell, str) else ""


def _misfit(name: str, row: int, found: int, expected: int) -> Unreadable:
    return _unreadable(name, f"it has {found} cells and the header {expected}", row=row)


def _unreadable(name: str, why: str, *, row: int | None = None) -> Unreadable:
    where = name if row is None else f"{name}, row {row}"
    return Unreadable(
        f"{where} cannot be read: {why.strip()}. `experiment.read_bytes({name!r})` gives it as it is"
    )
