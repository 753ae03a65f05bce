"""
A series comes back as it was logged: values, types, and no more than whole rows.
"""

from __future__ import annotations

import contextlib
import io
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook import Unreadable, series
from lab_workbook.protocol import cells
from lab_workbook_conformance import strategies
from lab_workbook_conformance.strategies import Table

DATE = "2016-02-12T22:17:34Z"
IS_MODERN = int(pd.__version__.partition(".")[0]) >= 3


def written(table: Table) -> bytes:
    """Return a table as the protocol writes it."""
    formats = cells.Formats(report=lambda _: None)
    header = [*map(cells.field_name, table.fields), "Date"]
    body = [[*(formats[type(row[each])](row[each]) for each in table.fields), DATE] for row in table.rows]
    return "".join(",".join(line) + "\n" for line in [header, *body]).encode()


def column(frame: pd.DataFrame, at: int) -> Any:
    """Return a column by its place; the first is the index."""
    return frame.index if at == 0 else frame.iloc[:, at - 1]


def expected_dtype(values: list[Any]) -> str:
    """Return the dtype that the protocol's table gives to the values of a column."""
    kinds = {type(value) for value in values} - {type(None)}
    has_holes = None in values
    if kinds <= {int, float}:
        return ("Int64" if has_holes else "int64") if kinds == {int} else "float64"
    if kinds == {bool}:
        return "boolean" if has_holes else "bool"
    return ("str" if IS_MODERN else "string") if kinds == {str} else "object"


def plain(value: Any, dtype: str) -> Any:
    """Return a cell as Python has it; missing is None, and in a column of floats also not-a-number."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        is_measured = value is not None and value is not pd.NA and dtype == "object"
        return "not-a-number" if is_measured else None
    value = value.item() if isinstance(value, np.generic) else value
    # The sign of zero counts, and so does the type.
    return (type(value).__name__, repr(value))


def logged(value: Any, dtype: str) -> Any:
    """Return what a logged value is in a column of this dtype."""
    return plain(float(value) if dtype == "float64" and value is not None else value, dtype)


@given(table=strategies.tables())
@example(table=Table(["a", "b"], [{"a": 2**53 + 1, "b": None}, {"a": None, "b": 2**53 + 1}]))
@example(table=Table(["a"], [{"a": -(2**63)}, {"a": None}]))
@example(table=Table(["a"], [{"a": "007"}, {"a": "nil"}, {"a": None}, {"a": '"'}, {"a": ""}]))
@example(table=Table(["a", "b"], [{"a": 1, "b": math.nan}, {"a": 2, "b": 3}, {"a": 3, "b": None}]))
@example(table=Table(["a", "b"], [{"a": True, "b": 1}, {"a": 1, "b": "1"}, {"a": math.nan, "b": None}]))
@example(table=Table(["\ufeffx", "Unnamed: 0"], [{"\ufeffx": "\ufeffy", "Unnamed: 0": "a\r\nb,"}]))
def test_what_was_logged_is_read_types_included(table: Table) -> None:
    """
    Each cell has the value and the type that was logged, and each column the dtype of the spec.
    """
    frame = series.read(written(table), "log.csv")

    assert [frame.index.name, *frame.columns] == [*table.fields, "Date"]
    for at, field in enumerate(table.fields if table.rows else []):
        values = [row[field] for row in table.rows]
        dtype = expected_dtype(values)
        read = column(frame, at)
        assert str(read.dtype) == dtype
        assert [plain(value, dtype) for value in read.tolist()] == [logged(each, dtype) for each in values]


@given(table=strategies.tables(), data=st.data())
def test_any_cut_reads_as_the_whole_rows_before_it(table: Table, data: st.DataObject) -> None:
    """
    A file that another process is writing may end anywhere, also inside of quotes or of a character.
    """
    whole = written(table)
    cut = data.draw(st.integers(0, len(whole)))
    lengths = [len(written(Table(table.fields, table.rows[:count]))) for count in range(len(table.rows) + 1)]

    frame = series.read(whole[:cut], "log.csv")

    assert len(frame) == max(sum(length <= cut for length in lengths) - 1, 0)


@given(table=strategies.tables(), data=st.data())
@example(
    table=Table(["a", "b", "c"], [{"a": 1, "b": math.nan, "c": None}, {"a": 2, "b": 3, "c": 4}]), data=None
)
def test_the_columns_that_are_needed_are_those_of_the_whole(table: Table, data: Any) -> None:
    """
    To leave out the others changes neither values nor types.
    """
    whole = series.read(written(table), "log.csv")
    needed = table.fields[1:2] if data is None else data.draw(st.lists(st.sampled_from(table.fields)))

    part = series.read(written(table), "log.csv", needed=needed)

    assert part.index.equals(whole.index)
    for name in {*needed} - {table.fields[0]}:
        pd.testing.assert_series_equal(part[name], whole[name])


def test_quotes_in_a_column_that_is_not_needed_mark_no_other() -> None:
    """
    Bare words are nobody's series, and are read as they are all the same.
    """
    data = f'a,b,c,Date\nann,"x",1,{DATE}\n'.encode()

    assert series.read(data, "log.csv", needed={"c"}).index.tolist() == ["ann"]


@given(table=strategies.tables())
def test_plain_pandas_loads_every_series(table: Table) -> None:
    """
    The reader of 2016, which is one call of pandas, loads what is written today.
    """
    frame = pd.read_csv(
        io.BytesIO(written(table)), index_col=0, parse_dates=["Date"], na_values=["nil"], low_memory=False
    )

    assert len(frame) == len(table.rows)


@given(data=st.binary(max_size=200) | st.text('a1,"\n\r\t .-\x02\ufeffnil', max_size=80).map(str.encode))
@example(data=b'"a",Date\n1,"x"y,2\n')
@example(data=b"a,Date\n\n")
@example(data=b"\r\r \x00\n")
@pytest.mark.parametrize("start", [b"", b"a,b,Date\n"])
def test_bytes_from_a_stranger_are_read_or_refused(start: bytes, data: bytes) -> None:
    """
    Whatever the bytes are, the reader gives a table or says that it cannot; nothing else comes out.
    """
    for read in (series.read, series.read_legacy):
        with contextlib.suppress(Unreadable):
            assert isinstance(read(start + data, "log.csv"), pd.DataFrame)


@pytest.mark.parametrize(
    ("early", "late", "dtype"),
    [
        (2**53 + 1, 5, "int64"),
        (2**53 + 1, None, "Int64"),
        (1, 0.5, "float64"),
        (None, 0.5, "float64"),
        (True, None, "boolean"),
        (True, 1, "object"),
        (1, "1", "object"),
        (None, "x", "str" if IS_MODERN else "string"),
    ],
)
def test_a_long_column_has_one_type_from_its_first_row_on(early: Any, late: Any, dtype: str) -> None:
    """
    pandas reads a long file in chunks, and the type of a column must not depend on where one ends.
    """
    count = 60_000
    rows = [{"a": row, "b": early if row < count else late} for row in range(count + 1)]

    frame = series.read(written(Table(["a", "b"], rows)), "log.csv")

    assert str(frame["b"].dtype) == dtype
    assert plain(frame["b"].iloc[0], dtype) == logged(early, dtype)
    assert plain(frame["b"].iloc[-1], dtype) == logged(late, dtype)


def test_a_long_column_of_few_texts_or_of_many_is_read_alike() -> None:
    """
    What comes again and again is read a quicker way, holes included.
    """
    rows = [
        {"few": "ab"[row % 2] if row % 3 else None, "many": str(row) if row % 3 else None}
        for row in range(3000)
    ]

    frame = series.read(written(Table(["few", "many"], rows)), "log.csv")

    for at, field in enumerate(("few", "many")):
        read = [None if pd.isna(value) else value for value in column(frame, at)]
        assert read == [row[field] for row in rows]


def test_dates_are_utc() -> None:
    """
    All times are comparable, wherever they were written, and also those of a header alone.
    """
    empty = series.read(b"epoch,Date\n", "log.csv")
    frame = series.read(b"epoch,Date\n1,2016-02-12T22:17:34Z\n2,2016-02-12T22:17:34.5Z\n", "log.csv")

    assert str(frame["Date"].dt.tz) == str(empty["Date"].dt.tz) == "UTC"
    assert frame["Date"].diff().tolist()[1] == pd.Timedelta(milliseconds=500)


def test_a_table_without_date_is_a_plain_table() -> None:
    """
    A file that merely ends with .csv is read as pandas reads it.
    """
    frame = series.read(b"name,score\nann,1\nbob,NA\n", "scores.csv")

    assert frame.columns.tolist() == ["name", "score"]
    assert frame["name"].tolist() == ["ann", "bob"]
    assert frame["score"].isna().tolist() == [False, True]


def test_bare_words_of_another_program_stay_texts() -> None:
    """
    A file that was saved with a Date column need not quote its texts.
    """
    frame = series.read(b"name,score,Date\nann,1,2016-02-12\n007,2,2016-02-13\n", "scores.csv")

    assert frame.index.tolist() == ["ann", 7]
    assert str(frame["Date"].dt.tz) == "UTC"


def test_blank_lines_and_crlf_do_no_harm() -> None:
    """
    Another system's line ends, and a line that an editor added, hold no row.
    """
    frame = series.read(b'a,b,Date\r\n1,"x\r\ny",2016-02-12T22:17:34Z\r\n\r\n', "log.csv")

    assert frame["b"].tolist() == ["x\r\ny"]


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ("1,2,3,{date}\n", 1),
        ("1,2,{date}\n3,4,5,{date}\n", 2),
        ("1,2,{date}\n3,4,{date},{date}\n", 2),
        ("1,2,{date}\n3,{date}\n", 2),
        ('1,"x",{date}\n3,{date}\n', 2),
        ("1,2,{date}\n3\n", 2),
        ("1,{date}\n3,4,{date}\n", 1),
        ("1,2,{date},{date}\n3,4,{date},{date}\n", 1),
        ("{date},2,{date},{date}\n", 1),
        ("1,2,{date}\n3,{date}\n4,5,6,{date}\n", 2),
    ],
)
def test_a_row_that_does_not_fit_is_named(body: str, row: int) -> None:
    """
    Cells never slide into a neighbour's column: the error names the artifact and the row.
    """
    data = f"a,b,Date\n{body}".replace("{date}", DATE).encode()

    for needed in (None, {"b"}, set()):
        with pytest.raises(Unreadable, match=rf"log\.csv, row {row} cannot be read.*read_bytes\('log.csv'\)"):
            series.read(data, "log.csv", needed=needed)


def test_a_date_that_is_none_is_named_where_dates_are_needed() -> None:
    """
    Whoever asks for other columns is not kept from them.
    """
    data = f"a,b,Date\n1,2,{DATE}\n3,4,yesterday\n".encode()

    for needed in (None, {"Date"}):
        with pytest.raises(Unreadable, match=r"log\.csv, row 2 cannot be read: 'yesterday' is no date"):
            series.read(data, "log.csv", needed=needed)
    assert series.read(data, "log.csv", needed={"b"}).b.tolist() == [2, 4]


def test_a_torn_row_inside_quotes_is_not_read() -> None:
    """
    The last line feed may lie inside of a text, so quotes are counted.
    """
    frame = series.read(b'a,b,Date\n1,"x",2016-02-12T22:17:34Z\n2,"two\nlines', "log.csv")

    assert frame.index.tolist() == [1]


@pytest.mark.parametrize("cell", ['"hi', '"say ""hi', '"'])
def test_a_legacy_text_that_begins_with_a_quote_ends_at_its_line(cell: str) -> None:
    """
    Protocol 1.0 quotes nothing, so a quote that is never closed takes no other rows into its cell.
    """
    rows = f"1,{cell},2016-02-12T22:17:34Z\n2,there,2016-02-12T22:17:35Z\n"

    frame = series.read_legacy(f"a,b,Date\n{rows}".encode(), "log.csv")

    assert frame.index.tolist() == [1, 2]
    assert frame["b"].tolist() == [cell, "there"]


def test_a_legacy_text_with_a_quote_ends_at_its_line() -> None:
    """
    Protocol 1.0 wrote quotes as they came, so a torn row begins at the last line feed.
    """
    frame = series.read_legacy(b'a,b,Date\n1,5" disk,2016-02-12T22:17:34Z\n2,6" d', "log.csv")

    assert frame["b"].tolist() == ['5" disk']


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    """
    One label in Latin-1 does not hide a whole curve.
    """
    frame = series.read_legacy(b"a,b,Date\n1,caf\xe9,2016-02-12T22:17:34Z\n", "log.csv")

    assert frame["b"].tolist() == ["caf\ufffd"]
