"""
Columns of a series, as numbers to draw and as bytes that keep them exact.

In a page a column is base64 of a zlib stream of little-endian 64-bit numbers whose bytes were sorted by
their place in the number: first all lowest bytes, then all second ones. Counters and times then shrink to
next to nothing, and noise to the digits that it has.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pandas as pd

# Beyond it, not every integer has a float.
_EXACT_MAX = 2**53


def numeric(table: Any) -> list[int]:
    """Return the positions of the columns that can be drawn: numbers, and true and false."""
    if not isinstance(table, pd.DataFrame):
        return []
    return [place for place, dtype in enumerate(table.dtypes) if is_numeric(dtype)]


def is_numeric(dtype: Any) -> bool:
    """Say whether a column is of numbers, or of true and false."""
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def floats(column: Any) -> Any:
    """Return a column as floats, which is exact enough to draw; a hole is not-a-number."""
    return column.to_numpy(dtype=float, na_value=np.nan)


def packed(column: Any) -> dict[str, str]:
    """
    Return a column for the page's script, so that each of its numbers is exact there.

    >>> packed(pandas.Series([1, 2]))
    {'kind': 'float', 'data': 'eJxjYMAH…'}

    The kind is ``float`` or, for integers that have no float, ``integer``; ``holes`` is as long as the
    column and has a 1 for each missing integer.
    """
    numbers = floats(column)
    if not pd.api.types.is_integer_dtype(column.dtype) or _are_exact(numbers):
        return {"kind": "float", "data": _shrunk(numbers.astype("<f8"))}
    found = {"kind": "integer", "data": _shrunk(column.to_numpy(dtype="<i8", na_value=0))}
    holes = column.isna().to_numpy()
    return found | ({"holes": _shrunk(holes.astype("<f8"))} if holes.any() else {})


def seconds(dates: Any) -> Any:
    """Return how many seconds each date is after the first, exact to the nanosecond of its type."""
    return (dates - dates.min()).dt.total_seconds()


def _are_exact(numbers: Any) -> bool:
    return not bool((np.abs(numbers) >= _EXACT_MAX).any())


def _shrunk(numbers: Any) -> str:
    by_place = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 8).T
    return base64.b64encode(zlib.compress(by_place.tobytes())).decode()
