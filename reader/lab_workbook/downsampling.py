"""
Fewer rows of a long series, for a picture: the curve looks the same, and no peak is lost.

Reading never leaves rows out. Whoever wants fewer says so here, and says how many.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def downsample(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """
    Return at most ``n`` rows of a table, as they are and in their order.

    >>> lab_workbook.downsample(experiment["Training loss.csv"], 2000).plot(y="loss")

    The first and the last row stay. All are parted into runs of equal length, and of each run stay the
    rows with the least and with the greatest value of every column of numbers, the first of equal ones.
    Several columns share the ``n`` rows, so name those that matter: ``downsample(table[["loss"]], 2000)``.
    Nothing is averaged or drawn at random: the same table gives the same rows.

    Raises:
        ValueError: ``n`` is too small for one run of this many columns.
    """
    columns = [frame.iloc[:, at] for at, dtype in enumerate(frame.dtypes) if _is_number(dtype)]
    # Without numbers the places of the rows stand in, so that rows are kept evenly.
    columns = columns or [pd.Series(np.arange(len(frame)))]
    least = 2 + 2 * len(columns)
    if n < least:
        raise ValueError(
            f"n must be at least {least} for {len(columns)} columns of numbers, and is {n}: choose columns"
            ' first, as in downsample(table[["loss"]], 2000)'
        )
    length = -(-len(frame) // ((n - 2) // (2 * len(columns))))
    keep = np.full(len(frame), len(frame) <= n)
    keep[:1] = keep[-1:] = True
    for column in columns if len(frame) > n else ():
        keep[_places(_filled(column, is_low=False), length, np.argmin)] = True
        keep[_places(_filled(column, is_low=True), length, np.argmax)] = True
    fewer: pd.DataFrame = frame[keep]
    return fewer


def _is_number(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _places(values: Any, length: int, extreme: Any) -> Any:
    """Return where in each run of ``length`` values the extreme is."""
    # The last run is made as long as the others by its last value, which is never the first of its kind.
    padded = np.pad(values, (0, -len(values) % length), mode="edge")
    runs = padded.reshape(-1, length)
    return extreme(runs, axis=1) + np.arange(len(runs)) * length


def _filled(column: Any, *, is_low: bool) -> Any:
    """Return the values of a column, the missing ones so low or so high that no other is found less."""
    if pd.api.types.is_integer_dtype(column.dtype):
        kind = np.dtype(getattr(column.dtype, "numpy_dtype", column.dtype))
        limits = np.iinfo(kind)
        return column.to_numpy(kind, na_value=limits.min if is_low else limits.max)
    values = column.to_numpy("float64", na_value=np.nan)
    return np.where(np.isnan(values), -np.inf if is_low else np.inf, values)
