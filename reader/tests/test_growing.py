"""
A running series that is read again and again: only the new rows are, and the answer is that of a full read.
"""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lab_workbook import Unreadable, series
from lab_workbook.growing import Growing
from lab_workbook.protocol import cells
from lab_workbook_conformance import strategies
from lab_workbook_conformance.strategies import Table

DATE = "2016-02-12T22:17:34Z"


def written(table: Table) -> bytes:
    """Return a table as the protocol writes it."""
    formats = cells.Formats(report=lambda _: None)
    header = [*map(cells.field_name, table.fields), "Date"]
    body = [[*(formats[type(row[each])](row[each]) for each in table.fields), DATE] for row in table.rows]
    return "".join(",".join(line) + "\n" for line in [header, *body]).encode()


def exact(frame: pd.DataFrame) -> list[Any]:
    """Return all that a table is: names, types, and each cell with its own type and sign."""
    columns = [frame.index, *(frame.iloc[:, at] for at in range(frame.shape[1]))]
    return [
        [column.name, str(column.dtype), [(type(cell).__name__, repr(cell)) for cell in column.tolist()]]
        for column in columns
    ]


def fully(data: bytes) -> Any:
    """Return a full read, or its error."""
    try:
        return exact(series.read(data, "log.csv"))
    except Unreadable as error:
        return str(error)


class Reader:
    """Somebody who looks at a growing series; ``fetched`` is how many bytes each look has read."""

    def __init__(self) -> None:
        self.growing = Growing()
        self.fetched: list[int] = []

    def look(self, data: bytes) -> pd.DataFrame:
        self.fetched.append(0)

        def fetch(start: int) -> bytes:
            self.fetched[-1] += len(data) - start
            return data[start:]

        table = self.growing.read("log.csv", fetch)
        if table is not None:
            return table
        return self.growing.remember("log.csv", fetch(0), series.read(data, "log.csv"))

    def exactly(self, data: bytes) -> Any:
        try:
            return exact(self.look(data))
        except Unreadable as error:
            return str(error)


@st.composite
def growths(draw: st.DrawFn, wholes: st.SearchStrategy[bytes]) -> list[bytes]:
    """One file at several times, each of them anywhere, also inside of a character."""
    whole = draw(wholes)
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=6))
    return [whole[:cut] for cut in [*sorted(cuts), len(whole)]]


tables = strategies.tables().map(written)
crlf = tables.map(lambda data: data.replace(b"\n", b"\r\n"))
junk = st.text('a1,"\n\r .-naileTf+0', max_size=120).map(lambda text: b"a,b,Date\n" + text.encode())
# Rows of cells that a stranger may have written, with as many as the header has.
odd_cells = st.sampled_from(
    [
        "1",
        "0",
        "-0",
        "-0.0",
        "1.5",
        "nil",
        "nan",
        "inf",
        "true",
        "false",
        '"x"',
        '""',
        "-1e400",
        "1" * 18,
        "9" * 19,
    ]
)
odd_rows = st.lists(st.tuples(odd_cells, odd_cells), max_size=8).map(
    lambda lines: "".join(["a,b,Date\n", *(f"{a},{b},{DATE}\n" for a, b in lines)]).encode()
)


@given(times=growths(st.one_of(tables, crlf, odd_rows)))
@example(
    times=[
        b"a,b,Date\n1,nil," + DATE.encode() + b"\n",
        b"a,b,Date\n1,nil," + DATE.encode() + b"\n1,2," + DATE.encode() + b"\n",
    ]
)
@settings(max_examples=300)
def test_each_look_is_what_a_full_read_gives(times: list[bytes]) -> None:
    """
    Whatever the columns hold and wherever the file was cut, values and types are those of the same bytes.
    """
    reader = Reader()

    for data in times:
        assert reader.exactly(data) == fully(data)


@given(times=growths(junk))
@settings(max_examples=300)
def test_bytes_from_a_stranger_are_the_same_table_or_the_same_error(times: list[bytes]) -> None:
    """
    A row that does not fit is named by its number in the file, not in what was read of it.
    """
    reader = Reader()

    for data in times:
        assert reader.exactly(data) == fully(data)


@given(one=tables, other=tables)
@example(
    one=f"a,b,Date\n1,2,{DATE}\n3,4,{DATE}\n".encode(),
    other=f"a,b,Date\n1,7,{DATE}\n2,8,{DATE}\n5,6,{DATE}\n".encode(),
)
@example(
    one=b"2,0000,000,00,1,0,Date\n"
    b"nil,0,0,0,0.0,0.0,2016-02-12T22:17:34Z\n"
    b"false,0,0,0,0.0,0.0,2016-02-12T22:17:34Z\n"
    b"nil,0,0,0,0.0,0.0,2016-02-12T22:17:34Z\n",
    other=b"2,0000,000,00,1,0,Date\n0,0,0,0,0,0.0,2016-02-12T22:17:34Z\n",
)
@example(one=f"a,b,Date\n1,2,{DATE}\n\n".encode(), other=f"a,b,Date\n1,7,{DATE}\n\n5,6,{DATE}\n".encode())
def test_another_series_under_the_same_name_is_read_from_its_start(one: bytes, other: bytes) -> None:
    """
    A tag can be deleted and made again, so the last row that is known has to be there still.
    """
    reader = Reader()
    before = reader.exactly(one)

    seen = reader.exactly(other)

    starts_alike = other.startswith(one[-60:], max(len(one) - 60, 0))
    assert seen == fully(other) or starts_alike or (seen == before and is_beginning(other, one))


def is_beginning(part: bytes, whole: bytes) -> bool:
    """Return whether the rows of one series are the first rows of another, which has more."""
    few, many = (series.read(data, "log.csv") for data in (part, whole))
    return 0 < len(few) < len(many) and list(few.index) == list(many.index[: len(few)])


def test_fewer_rows_than_before_are_an_older_listing() -> None:
    """
    Rows never go, so what is known counts, whatever the types of its columns were then.
    """
    reader = Reader()
    whole = f"step,loss,Date\n1,2,{DATE}\n2,0.5,{DATE}\n3,nil,{DATE}\n".encode()
    longest = reader.exactly(whole)
    first_row = whole[: whole.index(b"2,0.5")]

    assert reader.exactly(first_row) == longest
    assert reader.exactly(first_row.replace(b"1,2", b"1,3")) == fully(first_row.replace(b"1,2", b"1,3"))


def numbers(count: int) -> bytes:
    chance = random.Random(count)
    lines = (f"{row},{chance.random()!r},{row % 7 or 'nil'},{DATE}\n" for row in range(count))
    return "".join(["step,loss,seven,Date\n", *lines]).encode()


@pytest.mark.parametrize("step", [1, 3, 50])
def test_only_what_is_new_is_fetched(step: int) -> None:
    """
    A look costs the new rows and the last old one, also where a column has holes in some looks alone.
    """
    whole = numbers(2000)
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")][1000::step]
    reader = Reader()

    for end in ends:
        reader.look(whole[:end])

    assert max(reader.fetched[1:]) <= (step + 1) * max(map(len, whole.splitlines(keepends=True)))


def test_what_a_reader_does_to_a_table_is_not_in_the_next_one() -> None:
    """
    Each answer is a table of the reader's own.
    """
    data = numbers(10)
    reader = Reader()

    for rows in (5, 5, 7, 10):
        upto = b"".join(data.splitlines(keepends=True)[: rows + 1])
        table = reader.look(upto)
        assert exact(table) == fully(upto)
        table.iloc[0, 0] = -1.0
        table["loss"] *= 2
        table.index.name = "other"
        del table["Date"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of many long series the ones that were read last are remembered.
    """
    monkeypatch.setattr("lab_workbook.growing._REMEMBERED_BYTES", 2500)
    data = numbers(20)
    growing = Growing()

    for name in "abcd":
        growing.remember(name, data, series.read(data, name))

    known = [name for name in "abcd" if growing.read(name, lambda start: data[start:]) is not None]
    assert known == ["c", "d"]


def test_an_experiment_that_runs_is_read_on(make: Any, folder: Any) -> None:
    """
    Through the same `Experiment`, row by row, until the end, and whole again from there on.
    """
    lines = numbers(30).splitlines(keepends=True)
    experiment = make("A", {"log.csv": b"".join(lines[:3])})

    for count in range(3, 31):
        (folder / "A/log.csv").write_bytes(b"".join(lines[:count]) + b'99,"torn\n')
        assert exact(experiment["log.csv"]) == fully(b"".join(lines[:count]))
    make("A", {"log.csv": b"".join(lines)}, end={})
    assert exact(experiment["log.csv"]) == fully(b"".join(lines))
    make("A", {"log.csv": numbers(4)}, end={})
    assert exact(experiment["log.csv"]) == fully(numbers(4))


def test_a_series_that_a_function_of_the_user_reads_is_always_given_whole(
    make: Any, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Such a function gets all bytes, never the new ones alone.
    """
    monkeypatch.setattr(
        "lab_workbook.kinds._processors", [lambda name, data: len(data) if name == "log.csv" else None]
    )
    experiment = make("A", {"log.csv": numbers(3), "other.csv": numbers(3)})

    sizes = [experiment["log.csv"], len(experiment["other.csv"])]
    longer = numbers(3) + f"3,1.5,nil,{DATE}\n".encode()
    for name in ("log.csv", "other.csv"):
        (folder / "A" / name).write_bytes(longer)

    assert sizes == [len(numbers(3)), 3]
    assert [experiment["log.csv"], len(experiment["other.csv"])] == [len(longer), 4]
