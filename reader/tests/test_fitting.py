"""
Giving a table the columns and types of another one.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook import NotComparable, series
from lab_workbook.fitting import Types

DATE = "2016-02-12T22:17:34Z"
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.floats().map(lambda value: repr(value).replace("NaN", "nan")),
    st.sampled_from(["9007199254740993", "9007199254740992", "1", "1.0", "-0.0", "nan", "inf"]),
)
CELLS = st.one_of(
    st.lists(st.sampled_from(["1", "2", "9007199254740993", "nil"])),
    st.lists(NUMBERS),
    st.lists(st.one_of(NUMBERS, st.just("nil"))),
    st.lists(st.sampled_from(["true", "false"])),
    st.lists(st.sampled_from(["true", "false", "nil"])),
    st.lists(st.sampled_from(['"007"', '"nil"', '"1"', "nil", '"true"'])),
    st.lists(st.one_of(NUMBERS, st.sampled_from(["true", '"true"', "nil"]))),
    st.lists(st.just("nil")),
)


def table(*columns: list[str], fields: str = "epoch,loss") -> pd.DataFrame:
    """Return a series as the reader gives it."""
    rows = "".join(",".join([*cells, DATE]) + "\n" for cells in zip(*columns, strict=True))
    return series.read(f"{fields},Date\n{rows}".encode(), "log.csv")


def of(cells: list[str]) -> pd.DataFrame:
    return table(list(map(str, range(len(cells)))), cells)


def values(column: Any) -> list[Any]:
    """Return the cells as Python has them, and holes as None."""
    return [None if pd.isna(cell) else cell for cell in column.tolist()]


TABLES = CELLS.map(of)


@given(TABLES)
def test_a_table_fits_its_own_types(frame: pd.DataFrame) -> None:
    """
    Of the first of several tables nothing is changed, and nothing copied.
    """
    assert Types.of(frame).fitted(frame) is frame


@given(TABLES, TABLES)
def test_what_fits_keeps_every_value(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """
    Either a table has the types asked for and all that it had, or it is refused.
    """
    types = Types.of(first)
    try:
        fitted = types.fitted(second)
    except NotComparable:
        assert Types.of(second) != types
        return

    assert Types.of(fitted) == types
    assert values(fitted.loss) == values(second.loss)
    if first.loss.dtype != object:
        assert {isinstance(cell, bool) for cell in values(fitted.loss) if cell is not None} <= {
            isinstance(cell, bool) for cell in values(second.loss) if cell is not None
        }
    assert fitted.index.equals(second.index)


@given(TABLES)
def test_anything_can_be_had_as_objects(frame: pd.DataFrame) -> None:
    """
    So that there is always a way to read tables together that fit in no other.
    """
    fitted = Types.of(frame).changed({"loss": "object", "epoch": object}).fitted(frame)

    assert fitted.loss.dtype == fitted.index.dtype == object
    assert values(fitted.loss) == values(frame.loss)


@given(TABLES)
def test_a_table_without_rows_has_the_types(frame: pd.DataFrame) -> None:
    types = Types.of(frame)

    assert Types.of(types.empty()) == types
    assert len(types.empty()) == 0
    assert list(types.empty().columns) == ["loss", "Date"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(["1.5"], ["9007199254740993"], id="an integer that no float has"),
        pytest.param(["1"], ["1.5"], id="half an integer"),
        pytest.param(["1"], ["nil"], id="a hole among integers"),
        pytest.param(["1"], ["1", "nil"], id="a hole beside an integer"),
        pytest.param(["true"], ["nil"], id="a hole among booleans"),
        pytest.param(["1"], ["true"], id="a boolean for a number"),
        pytest.param(["true"], ["1"], id="a number for a boolean"),
        pytest.param(['"1"'], ["1"], id="a number for a text"),
        pytest.param(["1"], ['"1"'], id="a text for a number"),
        pytest.param(["1", "nil"], ["inf"], id="what is beyond all integers"),
        pytest.param(["1", "nil"], ["9.223372036854776e+18"], id="the first that is beyond, among holes"),
        pytest.param(["1"], ["9.223372036854776e+18"], id="the first that is beyond"),
        pytest.param(["1"], ["1", '"1"'], id="several kinds for one"),
    ],
)
def test_what_would_become_something_else_is_refused(first: list[str], second: list[str]) -> None:
    with pytest.raises(NotComparable, match="cannot hold that as it is"):
        Types.of(of(first)).fitted(of(second))


@pytest.mark.parametrize(
    ("first", "second", "dtype"),
    [
        (["0.5"], ["1", "2"], "float64"),
        (["0.5"], ["1", "nil"], "float64"),
        (["1"], ["2.0", "3.0"], "int64"),
        (["1", "nil"], ["2"], "Int64"),
        (["true", "nil"], ["true"], "boolean"),
        (['"a"', "nil"], ["nil"], None),
        (["true", "1"], ["1"], "object"),
        (["1"], [], "int64"),
    ],
)
def test_what_is_the_same_in_another_type_fits(
    first: list[str], second: list[str], dtype: str | None
) -> None:
    frame = of(second)

    fitted = Types.of(of(first)).fitted(frame)

    assert values(fitted.loss) == values(frame.loss)
    assert dtype is None or fitted.loss.dtype == dtype


def test_a_column_that_is_missing_is_all_holes() -> None:
    """
    Where the type can have them; for others the message says so.
    """
    types = Types.of(table(["1"], ["0.5"], ["1"], ['"a"'], fields="epoch,loss,batch,phase"))
    frame = table(["2"], ["0.25"])

    with pytest.raises(NotComparable, match="its 'batch' is holes, and int64 cannot hold that"):
        types.fitted(frame)
    fitted = types.changed({"batch": "Int64"}).fitted(frame)

    assert fitted[["batch", "phase"]].isna().all(axis=None)
    assert list(fitted.columns) == ["loss", "batch", "phase", "Date"]


def test_a_column_besides_is_refused_unless_it_is_asked_for() -> None:
    """
    Nothing is left out in silence.
    """
    types = Types.of(table(["1"], ["0.5"]))
    frame = table(["1"], ["0.5"], ["3"], fields="epoch,loss,rate")

    with pytest.raises(NotComparable, match="it has a column 'rate' besides"):
        types.fitted(frame)

    assert values(types.changed({"rate": "float64"}).fitted(frame).rate) == [3.0]


def test_another_first_field_is_refused() -> None:
    with pytest.raises(NotComparable, match="its first field is 'step', and not 'epoch'"):
        Types.of(table(["1"], ["0.5"])).fitted(table(["1"], ["0.5"], fields="step,loss"))


def test_an_unknown_type_is_an_error_that_shows_it() -> None:
    with pytest.raises(NotComparable, match="flaot64"):
        Types.of(of(["1"])).changed({"loss": "flaot64"})
