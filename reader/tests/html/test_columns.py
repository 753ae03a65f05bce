"""
A column that went into a page comes out as it was.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.html import columns

# Between the integers that all have a float and those that do not is where a mistake would be.
integers = st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 3, 2**53 + 3)


def unpacked(text: str, kind: str) -> np.ndarray:
    by_place = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return by_place.reshape(8, -1).T.copy().view(kind).ravel()


@given(values=st.lists(st.floats()))
def test_floats_are_exact(values: list[float]) -> None:
    """
    To the last bit, -0.0, infinities and the smallest ones among them.
    """
    packed = columns.packed(pd.Series(values, dtype=float))

    assert packed["kind"] == "float"
    np.testing.assert_array_equal(unpacked(packed["data"], "<f8"), np.array(values, dtype=float), strict=True)
    assert [each.hex() for each in unpacked(packed["data"], "<f8").tolist()] == [
        each.hex() for each in values
    ]


@given(values=st.lists(integers))
def test_integers_are_exact(values: list[int]) -> None:
    """
    Also those that have no float.
    """
    packed = columns.packed(pd.Series(values, dtype="int64"))

    kind = "<f8" if packed["kind"] == "float" else "<i8"
    assert [int(each) for each in unpacked(packed["data"], kind).tolist()] == values


@given(values=st.lists(integers | st.none(), min_size=1))
def test_holes_among_integers_stay_holes(values: list[int | None]) -> None:
    packed = columns.packed(pd.Series(values, dtype="Int64"))

    if packed["kind"] == "float":
        found = [None if np.isnan(each) else int(each) for each in unpacked(packed["data"], "<f8").tolist()]
    else:
        holes = unpacked(packed["holes"], "<f8") if "holes" in packed else np.zeros(len(values))
        numbers = unpacked(packed["data"], "<i8").tolist()
        found = [None if hole else number for hole, number in zip(holes, numbers, strict=True)]
    assert found == values


def test_true_and_false_are_drawn_as_one_and_zero() -> None:
    table = pd.DataFrame({"b": [True, False], "t": ["a", "b"], "h": pd.array([True, None], dtype="boolean")})

    assert columns.numeric(table) == [0, 2]
    assert columns.floats(table["b"]).tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(columns.floats(table["h"]), [1.0, np.nan])


def test_counters_and_times_take_next_to_nothing() -> None:
    """
    In 180,801 rows, a byte in a hundred of what they are in memory.
    """
    counter = pd.Series(range(180_801))

    assert len(columns.packed(counter)["data"]) < 180_801 * 8 / 100


def test_times_are_seconds_since_the_first() -> None:
    dates = pd.Series(pd.to_datetime(["2016-02-12T22:17:34Z", "2016-02-12T22:17:35Z", None], utc=True))

    np.testing.assert_array_equal(columns.floats(columns.seconds(dates)), [0.0, 1.0, np.nan])
