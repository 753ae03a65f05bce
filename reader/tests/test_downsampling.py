"""
Fewer rows show the same curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook import downsample

_COLUMNS = {
    "float64": st.floats(),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "Int64": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "boolean": st.one_of(st.none(), st.booleans()),
    "str": st.text(max_size=3),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Tables of any columns; a cell says in which row it is."""
    count = draw(st.integers(0, 60))
    dtypes = draw(st.lists(st.sampled_from(sorted(_COLUMNS)), max_size=4))
    columns = {
        f"{at} {dtype}": pd.array(
            draw(st.lists(_COLUMNS[dtype], min_size=count, max_size=count)), dtype=dtype
        )
        for at, dtype in enumerate(dtypes)
    }
    return pd.DataFrame(columns, index=pd.Index(range(count), name="row"))


def numbers(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if name.endswith("64")]


@given(frame=frames(), data=st.data())
def test_first_last_and_all_extremes_stay(frame: pd.DataFrame, data: st.DataObject) -> None:
    """
    At most n rows, each as it was and in its place; in each run no column loses its least or greatest value.
    """
    n = data.draw(st.integers(2 + 2 * max(len(numbers(frame)), 1), 70))

    fewer = downsample(frame, n)

    assert len(fewer) <= n
    pd.testing.assert_frame_equal(fewer, frame.loc[fewer.index])
    assert fewer.index.is_monotonic_increasing
    if len(frame):
        assert {0, len(frame) - 1} <= set(fewer.index)
    for name in numbers(frame):
        assert span(fewer[name]) == span(frame[name])


def span(column: Any) -> Any:
    return (str(column.min()), str(column.max()))


@given(st.lists(st.floats(allow_nan=False), min_size=11, max_size=80))
@example([0.0] * 20 + [1.0] + [0.0] * 59)
def test_each_run_keeps_its_own_extremes(values: list[float]) -> None:
    """
    Ten rows of one column are the ends and the extremes of four runs.
    """
    fewer = set(downsample(pd.DataFrame({"loss": values}), 10).index)

    length = -(-len(values) // 4)
    for start in range(0, len(values), length):
        run = values[start : start + length]
        assert start + run.index(min(run)) in fewer
        assert start + run.index(max(run)) in fewer


@given(frame=frames())
def test_the_same_table_gives_the_same_rows(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(downsample(frame, 20), downsample(frame.copy(), 20))


def test_a_table_without_numbers_keeps_rows_evenly() -> None:
    fewer = downsample(pd.DataFrame({"phase": ["train"] * 1000}), 102)

    gaps = np.diff(fewer.index)
    assert 90 <= len(fewer) <= 102
    assert gaps.max() <= 20


def test_a_long_series_of_several_columns_stays_within_n() -> None:
    rows = 180_801
    chance = np.random.default_rng(1)
    table = pd.DataFrame({"a": chance.random(rows), "b": chance.random(rows), "c": ["x"] * rows})

    fewer = downsample(table, 2000)

    assert 1900 <= len(fewer) <= 2000
    assert fewer["a"].max() == table["a"].max()


def test_what_a_reader_does_to_the_answer_is_not_in_the_table() -> None:
    table = pd.DataFrame({"loss": [1.0, 2.0]})

    fewer = downsample(table, 10)
    fewer.iloc[0, 0] = 5.0

    assert table["loss"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("n", [-1, 0, 2, 5])
def test_too_few_rows_for_the_columns_are_refused(n: int) -> None:
    """
    Rather than losing a peak in silence.
    """
    with pytest.raises(ValueError, match=r'n must be at least 6 for 2 columns.*table\[\["loss"\]\]'):
        downsample(pd.DataFrame({"a": [1, 2, 3], "b": [1.0, 2.0, 3.0]}), n)
