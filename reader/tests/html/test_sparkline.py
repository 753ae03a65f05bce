"""
A sparkline is small and honest: it never leaves an extreme out.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook.html import sparkline

numbers = st.lists(st.floats(), max_size=100)


@given(values=numbers)
def test_a_line_stays_in_its_box_and_is_short(values: list[float]) -> None:
    """
    Whatever the numbers are, the largest floats, holes and infinities among them.
    """
    lines = sparkline.lines(np.array(values), width=5, height=20)

    points = [point for line in lines for point in line]
    assert all(0 <= x <= 5 and 0 <= y <= 20 for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert len(points) <= 2 * 5
    assert bool(points) == any(map(math.isfinite, values))


@example(values=[1.7e308, -1.7e308, 0.0])
@given(values=numbers.filter(lambda each: len({v for v in each if math.isfinite(v)}) > 1))
def test_both_extremes_are_drawn(values: list[float]) -> None:
    """
    Also one row of thousands that is far from all the others.
    """
    finite = [each for each in values if math.isfinite(each)]
    lines = sparkline.lines(np.array(values), width=5, height=20)

    heights = [y for line in lines for _, y in line]
    if max(finite) / 2 > min(finite) / 2:
        assert (min(heights), max(heights)) == (0, 20)


def test_a_hole_parts_two_lines() -> None:
    lines = sparkline.lines(np.array([1.0, 2.0, np.nan, 1.0]), width=30, height=10)

    assert lines == [[(0.0, 10.0), (10.0, 0.0)], [(30.0, 10.0)]]


def test_one_value_is_a_line() -> None:
    """
    A point alone would not be seen.
    """
    assert sparkline.lines(np.array([7.0]), width=30, height=10) == [[(0.0, 5.0), (30.0, 5.0)]]
