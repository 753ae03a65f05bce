"""
A curve as small as a word.

>>> lines(numpy.array([3.0, 1.0, 2.0]), width=100, height=20)
[[(0.0, 0.0), (50.0, 20.0), (100.0, 10.0)]]
"""

from __future__ import annotations

from typing import Any

import numpy as np

Line = list[tuple[float, float]]


def lines(values: Any, *, width: int, height: int) -> list[Line]:
    """
    Return the lines of a curve in a box whose origin is at the top left; a hole parts two lines.

    At most two points are drawn for a unit of ``width``, the lowest and the highest of the values there,
    so no extreme is lost. What is not finite is a hole.
    """
    numbers = np.asarray(values, dtype=float)
    finite = np.isfinite(numbers)
    if not finite.any():
        return []
    heights = _heights(np.where(finite, numbers, np.nan), height)
    positions = np.linspace(0, width, len(heights)) if len(heights) > 1 else np.array([0.0, width])
    if len(heights) == 1:
        heights = np.repeat(heights, 2)
    if len(heights) > 2 * width:
        positions, heights = _extremes(heights, width)
    return _parted(np.round(positions, 1), np.round(heights, 1))


def _heights(numbers: Any, height: int) -> Any:
    # Halved, because the distance of the largest floats is beyond them.
    halves = numbers / 2
    low, high = np.nanmin(halves), np.nanmax(halves)
    if high == low:
        return np.where(np.isnan(numbers), np.nan, height / 2)
    return height * (1 - (halves - low) / (high - low))


def _extremes(heights: Any, width: int) -> tuple[Any, Any]:
    starts = np.unique(np.arange(width) * len(heights) // width)
    low, high = np.fmin.reduceat(heights, starts), np.fmax.reduceat(heights, starts)
    # The one that comes first is drawn first, or a slope would look like noise.
    is_rising = heights[starts] > heights[np.append(starts[1:], len(heights)) - 1]
    pairs = np.where(is_rising, [high, low], [low, high])
    return np.repeat(np.arange(len(starts)) * width / max(len(starts) - 1, 1), 2), pairs.T.ravel()


def _parted(positions: Any, heights: Any) -> list[Line]:
    found: list[Line] = [[]]
    for position, height in zip(positions.tolist(), heights.tolist(), strict=True):
        if height == height:  # noqa: PLR0124 - not-a-number is a hole
            found[-1].append((position, height))
        elif found[-1]:
            found.append([])
    return [line for line in found if line]
