"""
The grammar of a filter: from text to a tree, by Python's own parser and a fixed list of its node types.

Python's parser sees placeholders, signs and a few words only, as in ``_0 < _1 and _2 == _3``. What it makes
of them is then allowed node by node; everything else is refused.
"""

from __future__ import annotations

import ast
import bisect
from itertools import accumulate
from typing import Any, Final

from lab_workbook.filters import cells, tokens, tree
from lab_workbook.filters.tokens import Operand, Problem, Token

_CALCULATIONS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_SEARCHES: Final[dict[type[ast.operator], str]] = {ast.BitOr: "contains", ast.BitXor: "startswith"}
_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_NEGATED: Final = (ast.NotIn, ast.IsNot)

_MISSING: Final = Operand("missing", is_name=True)
_CONDITION: Final = "write a condition, such as status == 'finished'"
_NO_VALUE: Final[dict[type[ast.expr], str]] = {
    ast.Call: "a filter has no functions: use contains, startswith, in, or `is missing`",
    ast.Subscript: "a filter has no indexing: name a column, or test a list by contains",
    ast.List: "a list holds literals only, and stands behind ==, != or in",
    ast.Tuple: "a list holds literals only, and stands behind ==, != or in",
}


def parse(text: str) -> tuple[tree.Condition, dict[str, int]]:
    """
    Return the tree of a filter, and the columns that it uses with the position of each.

    Raises:
        Problem: the text is not a filter.
    """
    reader = _Reader(tokens.read(text), len(text))
    return reader.filter(), reader.columns


class _Reader:
    """Reads the tokens of one filter of ``size`` characters."""

    def __init__(self, found: list[Token], size: int) -> None:
        self._found = found
        self._size = size
        # Signs are kept apart by spaces, because `* *` is an error and `**` a power.
        self._starts = list(accumulate((len(token.python) + 1 for token in found), initial=0))
        self.columns: dict[str, int] = {}

    def filter(self) -> tree.Condition:
        """Return the tree of the whole filter."""
        try:
            expression = ast.parse(" ".join(token.python for token in self._found), mode="eval").body
        except SyntaxError as error:
            raise Problem(
                self._broken(error), f"something is missing or too much here; {_CONDITION}"
            ) from None
        except (RecursionError, MemoryError):
            raise Problem(0, "it nests too deeply") from None
        condition = self._condition(expression)
        if not self.columns:
            raise Problem(0, "it names no column; texts have quotes, names have backticks or nothing")
        return condition

    def _condition(self, node: ast.expr) -> tree.Condition:
        if isinstance(node, ast.BoolOp):
            return tree.Together(
                all if isinstance(node.op, ast.And) else any, [self._condition(each) for each in node.values]
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return tree.Not(self._condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _SEARCHES:
            return tree.Comparison(
                tree.COMPARISONS[_SEARCHES[type(node.op)]], self._value(node.left), self._value(node.right)
            )
        value = self._value(node)
        if isinstance(value, tree.Column):
            return value
        raise self._problem(node, f"this is a value, and not true or false: {_CONDITION}")

    def _comparison(self, node: ast.Compare) -> tree.Condition:
        operator, right = node.ops[0], node.comparators[0]
        if len(node.ops) > 1 and not all(type(each) in _COMPARISONS for each in node.ops):
            raise self._problem(node, "`in` and `is` cannot be chained: write `and` between two conditions")
        if type(operator) in _COMPARISONS:
            return self._chain(node)
        left = self._value(node.left)
        found: tree.Condition
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if self._operand(right) != _MISSING:
                raise self._problem(right, "write `is missing` or `is not missing`, or == to compare")
            found = tree.Missing(left)
        elif isinstance(right, (ast.List, ast.Tuple)):
            found = tree.Membership(left, cells.Members(self._list(right)))
        else:
            why = "`in` needs a list, such as [1, 2]; `contains` tests what a text or a list has in it"
            raise self._problem(right, why)
        return tree.Not(found) if isinstance(operator, _NEGATED) else found

    def _chain(self, node: ast.Compare) -> tree.Condition:
        values = [self._side(each) for each in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        return tree.Together(
            all,
            [
                tree.Comparison(tree.COMPARISONS[_COMPARISONS[type(operator)]], left, right)
                for operator, left, right in pairs
            ],
        )

    def _side(self, node: ast.expr) -> tree.Value:
        """Return one side of a comparison, which may be a list."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return tree.Literal(tuple(self._list(node)), self._position(node.col_offset))
        return self._value(node)

    def _list(self, node: ast.List | ast.Tuple) -> list[Any]:
        found = [self._value(each) for each in node.elts]
        for value, each in zip(found, node.elts, strict=True):
            if not isinstance(value, tree.Literal):
                raise self._problem(each, _NO_VALUE[ast.List])
        return [value.value for value in found if isinstance(value, tree.Literal)]

    def _value(self, node: ast.expr) -> tree.Value:
        operand, position = self._operand(node), self._position(node.col_offset)
        if operand is not None and operand.is_name:
            self.columns.setdefault(operand.value, position)
            return tree.Column(operand.value, position)
        if operand is not None:
            return tree.Literal(operand.value, position)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return self._signed(node, position)
        if isinstance(node, ast.BinOp) and type(node.op) in _CALCULATIONS:
            return tree.Calculation(
                tree.CALCULATIONS[_CALCULATIONS[type(node.op)]],
                self._value(node.left),
                self._value(node.right),
            )
        raise self._problem(node, _NO_VALUE.get(type(node), "this is not a value that can be compared"))

    def _signed(self, node: ast.UnaryOp, position: int) -> tree.Value:
        is_minus, value = isinstance(node.op, ast.USub), self._value(node.operand)
        if not isinstance(value, tree.Literal):
            zero = tree.Literal(0, position)
            return tree.Calculation(tree.CALCULATIONS["-" if is_minus else "+"], zero, value)
        if type(value.value) not in (int, float):
            raise Problem(position, "only a number has a sign")
        return tree.Literal(-value.value if is_minus else value.value, position)

    def _operand(self, node: ast.expr) -> Operand | None:
        return self._token(node.col_offset).operand if isinstance(node, ast.Name) else None

    def _broken(self, error: SyntaxError) -> int:
        """Return the position of an error of Python's parser."""
        # Of a text that ends too early, its versions give different positions.
        is_cut = not self._found or self._found[-1].python in tokens.OPEN
        return self._size if is_cut else self._position((error.offset or 1) - 1)

    def _problem(self, node: ast.expr, why: str) -> Problem:
        return Problem(self._position(node.col_offset), why)

    def _position(self, offset: int) -> int:
        """Return the position in the filter of what Python's parser saw at an offset."""
        return self._size if offset >= self._starts[-1] - 1 else self._token(offset).position

    def _token(self, offset: int) -> Token:
        return self._found[max(bisect.bisect_right(self._starts, offset) - 1, 0)]
