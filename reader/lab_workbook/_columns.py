"""
The types of columns, as a series of protocol 1.1 means them.

| cells of a column | dtype |
| --- | --- |
| text | ``str`` (before pandas 3: ``string``) |
| integers | ``int64``, with missing ones ``Int64`` |
| any float among numbers | ``float64``, missing is NaN |
| booleans | ``bool``, with missing ones ``boolean`` |
| several of these | ``object``, cell by cell, missing is None |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lab_workbook._marks import MARK
from lab_workbook.protocol import _spec

IS_MODERN = int(pd.__version__.partition(".")[0]) >= 3

_SAMPLE = 1000
TEXT = "str" if IS_MODERN else "string"
_INTEGER = re.compile("-?[0-9]{1,400}")
_FLOAT = re.compile(r"[+-]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|nan)")
_WORDS = {_spec.SERIES_MISSING: None, _spec.SERIES_TRUE: True, _spec.SERIES_FALSE: False}


def is_text(dtype: object) -> bool:
    """Say whether pandas left the cells of a column as texts."""
    return dtype == np.dtype(object) or isinstance(dtype, pd.StringDtype)


def unmarked(column: Any) -> Any:
    """Return a column of marked texts without the marks."""
    cells = column.tolist()
    # A text that comes again and again, such as a phase's name, is cut once.
    if len({*cells[:_SAMPLE]}) < _SAMPLE // 10:
        return array(list(map(_Cut().__getitem__, cells)), TEXT)
    return array([_cut(cell) for cell in cells] if column.hasnans else [cell[1:] for cell in cells], TEXT)


class _Cut(dict[Any, "str | None"]):
    """Cells without their marks, by the cells."""

    def __missing__(self, cell: Any) -> str | None:
        text = self[cell] = _cut(cell)
        return text


def _cut(cell: Any) -> str | None:
    return cell[1:] if isinstance(cell, str) else None


def settled(column: Any) -> Any:
    """Return a column with numpy's types wherever nothing is missing, and for all floats."""
    if not isinstance(column.dtype, (pd.BooleanDtype, pd.Int64Dtype, pd.UInt64Dtype, pd.Float64Dtype)):
        return column.array
    if isinstance(column.dtype, pd.Float64Dtype) or column.isna().all():
        return column.to_numpy("float64", na_value=np.nan)
    return column.array if column.hasnans else column.to_numpy(column.dtype.type)


def typed(cells: Sequence[str]) -> Any:
    """Return a column from marked texts and bare cells, each read by itself."""
    return of_values(values(cells))


def values(cells: Sequence[str]) -> list[Any]:
    """Return what marked texts and bare cells stand for, each read by itself."""
    return [_value(cell) for cell in cells]


def of_values(plain: list[Any]) -> Any:
    """Return a column of plain values, in which None is missing."""
    kinds = {type(value) for value in plain} - {type(None)}
    has_holes = None in plain
    if kinds <= {float, int} and (float in kinds or not kinds):
        return np.array([np.nan if value is None else value for value in plain], "float64")
    if kinds == {int}:
        return array(plain, "Int64" if has_holes else "int64")
    if kinds == {bool}:
        return array(plain, "boolean" if has_holes else "bool")
    if kinds == {str}:
        return array(plain, TEXT)
    column = np.empty(len(plain), object)
    column[:] = plain
    return column


def plain(column: Any) -> list[Any]:
    """Return the cells of a column, None for those that are missing."""
    if column.dtype == object:
        return list(column)
    holes = column.isna()
    return [None if is_hole else cell for cell, is_hole in zip(column.tolist(), holes, strict=True)]


def array(values: Sequence[Any], dtype: Any) -> Any:
    """Return an array of pandas."""
    return pd.array(values, dtype=dtype)


def _value(cell: str) -> Any:
    if cell.startswith(MARK):
        return cell[1:]
    if cell in _WORDS:
        return _WORDS[cell]
    if _INTEGER.fullmatch(cell):
        value = int(cell)
        return value if _spec.SERIES_INTEGER_MIN <= value <= _spec.SERIES_INTEGER_MAX else float(cell)
    # A bare word is none of ours, but a table that was saved as a file may hold it.
    return float(cell) if _FLOAT.fullmatch(cell) else cell
