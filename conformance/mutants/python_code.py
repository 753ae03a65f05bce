"""
Mutants of Python modules, made with the operators of cosmic-ray.

cosmic-ray (Sixty North, MIT) has been kept up since 2015, and its operators work on a text without its
database and its runner. mutmut (BSD) decides itself how tests are run: by pytest, inside of one process.
Three operators are added: most of what a kit can miss is a statement that never runs, or another text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python import tree

from conformance.mutants.mutant import Site

# Of each kind of operator the neighbours that people confuse; the others of cosmic-ray are mostly type
# errors, which any kit finds.
_COMPARISONS = (
    *("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_GtE", "Gt_LtE", "LtE_Gt", "GtE_Lt"),
    *("Is_IsNot", "IsNot_Is"),
)
_BINARY = ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Mod_Mul", "BitOr_BitAnd", "LShift_RShift")
_NAMES = (
    *(f"ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{name}" for name in _BINARY),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub", "AddNot", "NumberReplacer"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "ZeroIterationForLoop"),
)
_RULE = re.compile(r"[a-z]+\.[a-z-]+")
# What says something to people, and nothing to a file.
_SPEAKING = ("warn", "say_once", "_say", "TypeError")


class DropStatement(Operator):
    """Leave out a call, a `raise`, or an assignment to an attribute or an item."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the statement if it is one of those."""
        if node.type == "simple_stmt" and _is_droppable(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return `pass` in its place."""
        del index
        return parso.parse(f"{node.get_first_leaf().prefix}pass\n")

    @classmethod
    def examples(cls) -> Any:
        """Return none."""
        return ()


def _is_droppable(statement: Any) -> bool:
    if statement.type in ("raise_stmt", "power", "atom_expr"):
        return True
    return statement.type == "expr_stmt" and statement.children[0].type in ("power", "atom_expr")


class NegateMembership(Operator):
    """Ask for ``in`` where ``not in`` was asked for, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the comparison."""
        if node.type == "comparison" and _word(node) in ("in", "not in"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return it with the other word."""
        del index
        node.children[1] = parso.parse(" in" if _word(node) == "not in" else " not in")
        return node

    @classmethod
    def examples(cls) -> Any:
        """Return none."""
        return ()


def _word(node: Any) -> str:
    return " ".join(str(node.children[1].get_code()).split())


class ReplaceText(Operator):
    """Write another text: nothing, or something where there was nothing."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield a literal of text or bytes that is no sentence."""
        if isinstance(node, tree.String) and node.get_code().count(" ") < 3:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the other text, of the same kind."""
        del index
        value = ast.literal_eval(node.value)
        other = type(value)() if value else ("XX" if isinstance(value, str) else b"XX")
        return tree.String(repr(other), node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> Any:
        """Return none."""
        return ()


def operators() -> list[Operator]:
    """Return what is applied."""
    provided = OperatorProvider()
    return [*(provided[name]() for name in _NAMES), DropStatement(), NegateMembership(), ReplaceText()]


def sites(module: str, source: str, left_out: Mapping[str, str]) -> Iterator[Site]:
    """Yield where a module can be mutated: not where people are spoken to, nor in functions left out."""
    nodes = list(ast_nodes(get_ast(source)))
    closed = list(_closed(ast.parse(source), left_out))
    for operator in operators():
        positions = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, stop) in enumerate(positions):
            if not any(first <= start and stop <= last for first, last in closed):
                change = partial(_changed, operator=type(operator), occurrence=occurrence)
                yield Site(module, start[0], change)
    yield from _rules(module, source)


def _changed(source: str, *, operator: type[Operator], occurrence: int) -> str:
    return str(mutate_code(source, operator(), occurrence) or source)


def _rules(module: str, source: str) -> Iterator[Site]:
    """Yield the ids of rules, which stand among words to people."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _RULE.fullmatch(node.value):
            yield Site(module, node.lineno, partial(_misnamed, rule=node.value, line=node.lineno))


def _misnamed(source: str, *, rule: str, line: int) -> str:
    lines = source.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(f'"{rule}"', f'"{rule}-x"')
    return "".join(lines)


def _closed(root: ast.Module, left_out: Mapping[str, str]) -> Iterator[tuple[Any, Any]]:
    """Yield the stretches in which nothing is mutated."""
    functions = dict(_functions(root, ""))
    for name in left_out:
        yield _reach(functions[name])
    for node in ast.walk(root):
        yield from map(_reach, _closed_in(node))


def _closed_in(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
        yield node.body[0]
    if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__str__"):
        yield node
    annotated = getattr(node, "annotation", None) or getattr(node, "returns", None)
    if isinstance(annotated, ast.AST):
        yield annotated
    if isinstance(node, ast.Raise) and node.exc:
        yield node.exc
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in _SPEAKING:
        yield node


def _functions(node: ast.AST, outer: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield functions and classes by their names, such as ``Losses.add``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            yield outer + child.name, child
            yield from _functions(child, f"{outer}{child.name}.")


def _reach(node: Any) -> tuple[Any, Any]:
    # A statement of parso's ends with its line feed, which is where the next line begins.
    is_statement = isinstance(node, ast.stmt)
    stop = (node.end_lineno + 1, 0) if is_statement else (node.end_lineno, node.end_col_offset)
    return (node.lineno, 0 if is_statement else node.col_offset), stop


def is_valid(source: str) -> bool:
    """Say whether it is a program still."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True
