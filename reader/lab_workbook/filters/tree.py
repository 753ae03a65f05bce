"""
The tree of a filter, and its evaluation on the columns of a table.

A `Value` gives a value for each row, and a `Condition` true or false. Each is evaluated for all rows at once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from lab_workbook.filters import cells
from lab_workbook.filters.tokens import Problem

Columns = Mapping[str, Sequence[Any]]
Compare = Callable[[Any, Any], bool]


class Value(Protocol):
    """Something that has a value for each row."""

    def values(self, columns: Columns, rows: int) -> Sequence[Any]: ...


class Condition(Protocol):
    """Something that is true or false for each row."""

    def mask(self, columns: Columns, rows: int) -> list[bool]: ...


@dataclass(frozen=True)
class Literal:
    """The same value for all rows."""

    value: Any
    position: int

    def values(self, columns: Columns, rows: int) -> Sequence[Any]:
        del columns
        return [self.value] * rows


@dataclass(frozen=True)
class Column:
    """The cells of a column; as a condition, those that are true."""

    name: str
    position: int

    def values(self, columns: Columns, rows: int) -> Sequence[Any]:
        del rows
        return columns[self.name]

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        del rows
        found = columns[self.name]
        if not any(isinstance(each, bool) for each in found) and any(each is not None for each in found):
            raise Problem(self.position, f"{self.name!r} has no booleans: compare it, as in {self.name} == 1")
        return [each is True for each in found]


@dataclass(frozen=True)
class Calculation:
    """The result of ``+``, ``-``, ``*`` or ``/``."""

    operation: Callable[[Any, Any], Any]
    left: Value
    right: Value

    def values(self, columns: Columns, rows: int) -> Sequence[Any]:
        operands = zip(self.left.values(columns, rows), self.right.values(columns, rows), strict=True)
        return [cells.calculate(self.operation, left, right) for left, right in operands]


@dataclass(frozen=True)
class Comparison:
    """Two values compared."""

    compare: Compare
    left: Value
    right: Value

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        lefts, rights = self.left.values(columns, rows), self.right.values(columns, rows)
        for side, others in ((self.left, rights), (self.right, lefts)):
            _check_time(side, others)
        return [self.compare(left, right) for left, right in zip(lefts, rights, strict=True)]


@dataclass(frozen=True)
class Membership:
    """Whether a value is one of a list."""

    left: Value
    members: cells.Members

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        return [each in self.members for each in self.left.values(columns, rows)]


@dataclass(frozen=True)
class Missing:
    """Whether there is no value."""

    operand: Value

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        return [each is None for each in self.operand.values(columns, rows)]


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    operand: Condition

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        return [not each for each in self.operand.mask(columns, rows)]


@dataclass(frozen=True)
class Together:
    """Several conditions of which all (``all``) or some (``any``) hold."""

    combine: Callable[[Sequence[bool]], bool]
    operands: Sequence[Condition]

    def mask(self, columns: Columns, rows: int) -> list[bool]:
        masks = [each.mask(columns, rows) for each in self.operands]
        return [self.combine(row) for row in zip(*masks, strict=True)]


def _check_time(side: Value, others: Sequence[Any]) -> None:
    """Refuse a text beside times that does not spell one, because nothing would ever be found."""
    if (
        not isinstance(side, Literal)
        or not isinstance(side.value, str)
        or cells.moment(side.value) is not None
    ):
        return
    kinds = {type(each) for each in others if each is not None}
    if kinds == {datetime}:
        raise Problem(side.position, "this is not a time: write it as '2016-02-12' or '2016-02-12T21:49:00Z'")


def _unequal(left: Any, right: Any) -> bool:
    return not cells.equal(left, right)


def _at_most(left: Any, right: Any) -> bool:
    return cells.less(left, right) or cells.equal(left, right)


#: What each sign does with two values.
COMPARISONS: Final[Mapping[str, Compare]] = {
    "==": cells.equal,
    "!=": _unequal,
    "<": cells.less,
    "<=": _at_most,
    ">": lambda left, right: cells.less(right, left),
    ">=": lambda left, right: _at_most(right, left),
    "contains": cells.contains,
    "startswith": cells.starts_with,
}
CALCULATIONS: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
