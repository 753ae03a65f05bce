"""
Tables that have to agree: the columns and types of one, given to another without losing anything.

>>> types = Types.of(pd.DataFrame({"loss": [0.5]}, index=pd.Index([1], name="epoch")))
>>> types.fitted(pd.DataFrame({"loss": [1]}, index=pd.Index([2], name="epoch")))
       loss
epoch
2       1.0

The type of a column depends on all of its cells, so that two series of one script may differ: a loss that is
a whole number each time, a hole in one of them. Parts of one large table must not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lab_workbook import _columns
from lab_workbook.errors import NotComparable

# What may be turned into one another, as long as every value stays what it is; and text only into text.
_KINDS: tuple[Callable[[Any], bool], ...] = (
    pd.api.types.is_bool_dtype,
    pd.api.types.is_numeric_dtype,
    pd.api.types.is_datetime64_any_dtype,
    lambda dtype: isinstance(dtype, pd.StringDtype),
)


class Types(NamedTuple):
    """The name and type of an index, and the type of each column, in their order."""

    index_name: Any
    index: Any
    columns: dict[Any, Any]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Types:
        """Return the types of a table."""
        return cls(table.index.name, table.index.dtype, dict(table.dtypes))

    def changed(self, asked: Mapping[str, Any]) -> Types:
        """
        Return other types for some columns, or for the index by its name; new columns come last.

        Raises:
            NotComparable: pandas knows no such type.
        """
        given = {name: _dtype(name, dtype) for name, dtype in asked.items()}
        index = given.pop(self.index_name, self.index)
        return self._replace(index=index, columns=self.columns | given)

    def empty(self) -> pd.DataFrame:
        """Return a table of these types without rows."""
        index = pd.Index(np.empty(0, object), dtype=object, name=self.index_name).astype(self.index)
        columns = {name: pd.Series([], dtype=dtype, index=index) for name, dtype in self.columns.items()}
        table: pd.DataFrame = pd.DataFrame(columns, index=index, columns=pd.Index(list(self.columns)))
        return table

    def fitted(self, table: pd.DataFrame) -> pd.DataFrame:
        """
        Return a table with these columns and types, every value as it was; a column it lacks is all holes.

        Raises:
            NotComparable: it has a column or another index that is not among them, or values that their
                type does not have; the message says which.
        """
        if Types.of(table) == self and list(table.columns) == list(self.columns):
            return table
        if table.index.name != self.index_name:
            raise NotComparable(f"its first field is {table.index.name!r}, and not {self.index_name!r}")
        surplus = [name for name in table.columns if name not in self.columns]
        if surplus:
            raise NotComparable(f"it has a column {surplus[0]!r} besides")
        cells = self._fit(self.index_name, table.index.to_series(), self.index)
        index = pd.Index(cells, dtype=self.index, name=self.index_name)
        columns = {
            # pandas would make texts of objects that are texts, if the type were not given.
            name: pd.Series(self._fit(name, _column(table, name), dtype), index=index, dtype=dtype)
            for name, dtype in self.columns.items()
        }
        fitted: pd.DataFrame = pd.DataFrame(columns, index=index, columns=pd.Index(list(self.columns)))
        return fitted

    def _fit(self, name: Any, column: Any, dtype: Any) -> Any:
        if column.dtype == dtype:
            return column.array
        converted = _converted(column, dtype)
        if converted is None:
            what = "holes" if column.isna().all() else f"{column.dtype}"
            raise NotComparable(f"its {name!r} is {what}, and {dtype} cannot hold that as it is")
        return converted


def _dtype(name: str, given: Any) -> Any:
    try:
        return pd.api.types.pandas_dtype(given)
    except TypeError as error:
        raise NotComparable(f"dtypes={{{name!r}: {given!r}}}: {error}") from error


def _column(table: pd.DataFrame, name: Any) -> Any:
    return table[name] if name in table.columns else pd.Series(np.nan, index=table.index)


def _converted(column: Any, dtype: Any) -> Any:
    """Return the values of a column in another type; None where one of them would not be what it was."""
    is_hole = column.isna()
    if dtype == np.dtype(object):
        return column.astype(object).mask(is_hole, None).array
    try:
        # A column without a value waits for its type.
        if is_hole.all():
            holes = _columns.array([None] * len(column), dtype)
            return holes if pd.isna(holes).all() else None
        if _kind(column.dtype) != _kind(dtype):
            return None
        # What is beyond all integers becomes any of them, which shows when it is back again; to compare an
        # integer with a float would round the integer first.
        with np.errstate(invalid="ignore"):
            converted = column.astype(dtype)
            is_same = converted.isna().equals(is_hole) and converted.astype(column.dtype).equals(column)
    except (TypeError, ValueError, OverflowError):
        return None
    return converted.array if is_same else None


def _kind(dtype: Any) -> int:
    return next((number for number, is_kind in enumerate(_KINDS) if is_kind(dtype)), len(_KINDS))
