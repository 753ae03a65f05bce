"""
Mutants of Lua modules, made by a table of what becomes what.

No library that is kept up makes mutants of Lua. A word, a sign, a number or a text outside of comments is
changed, a condition is turned round, or a line that is a statement of its own is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

from conformance.mutants.mutant import Site

_SIGNS = {
    "+": ("-",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "^": ("*",),
    "==": ("~=",),
    "~=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "and": ("or",),
    "or": ("and",),
    "not": ("",),
    "true": ("false",),
    "false": ("true",),
}
_TOKEN = re.compile(
    r"""(?P<comment>--\[\[.*?\]\]|--[^\n]*)
      | (?P<text>\[\[.*?\]\]|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
      | (?P<number>0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>\.\.\.|\.\.|[=~<>]=|[-+*/%^\#<>=(){}\[\];:,.])""",
    re.VERBOSE | re.DOTALL,
)
_RULE = re.compile(r"'[a-z]+\.[a-z-]+'")
_CONDITION = re.compile(r"\b(?:if|elseif) (.+?) then\b")
_STATEMENT = re.compile(
    r"[ ]*(?!local\b|return\b|end\b|if\b|for\b|while\b|function\b|until\b)[A-Za-z_][^\n]*"
)
# Calls that say something to people, and nothing to a file.
_SPEAKING = ("misuse", "refuse", "warn", "sayOnce", "say", "error", "interpreted")


class Token(NamedTuple):
    """A piece of Lua, with where it begins and ends."""

    kind: str
    text: str
    start: int
    stop: int


def tokens(source: str) -> list[Token]:
    """Return the pieces of a program, without comments and space."""
    found = (Token(str(at.lastgroup), at.group(), *at.span()) for at in _TOKEN.finditer(source))
    return [token for token in found if token.kind != "comment"]


def sites(module: str, source: str, left_out: Mapping[str, str]) -> Iterator[Site]:
    """Yield where a module can be mutated: not where people are spoken to, nor in functions left out."""
    pieces = tokens(source)
    functions = dict(_functions(pieces))
    closed = [functions[name] for name in left_out]
    spoken = list(_spoken(pieces))
    changes = [*_token_changes(pieces, spoken), *_conditions(source, pieces), *_statements(source, pieces)]
    for start, stop, new in changes:
        if not any(first <= start and stop <= last for first, last in closed):
            yield Site(
                module, source.count("\n", 0, start) + 1, partial(_put, start=start, stop=stop, new=new)
            )


def _put(source: str, *, start: int, stop: int, new: str) -> str:
    return source[:start] + new + source[stop:]


def _token_changes(pieces: list[Token], spoken: list[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    for before, token in zip([None, *pieces], pieces, strict=False):
        if any(first < token.start < last for first, last in spoken):
            news = [f"{token.text[:-1]}-x'"] if _RULE.fullmatch(token.text) else []
        else:
            news = list(_others(token, before))
        for new in news:
            yield token.start, token.stop, new


def _others(token: Token, before: Token | None) -> Iterator[str]:
    """Yield what a token may become."""
    if token.kind == "text":
        yield from _other_texts(token.text)
    elif token.kind == "number":
        yield from _other_numbers(token.text)
    elif token.text == "-":
        yield "+" if before and _is_operand(before) else ""
    else:
        yield from _SIGNS.get(token.text, ())


def _other_texts(text: str) -> Iterator[str]:
    """Yield nothing in place of something, and patterns that hold anywhere in place of at an end."""
    inner = text[1:-1]
    if inner.count(" ") > 2 and not re.search(r"--|[|&>]", inner):
        return
    yield "''" if inner else "'XX'"
    if len(inner) > 2 and inner[0] == "^":
        yield text[0] + inner[1:] + text[-1]
    if len(inner) > 2 and inner[-1] == "$" and text[0] != "[":
        yield text[0] + inner[:-1] + text[-1]


def _other_numbers(text: str) -> Iterator[str]:
    """Yield its neighbours; of one with an exponent those of the exponent."""
    mantissa, mark, exponent = text.partition("e") if text[:2] not in ("0x", "0X") else (text, "", "")
    if mark:
        yield from (f"{mantissa}e{int(exponent) + step}" for step in (1, -1))
    elif "." not in text:
        yield from (str(int(text, 0) + step) for step in (1, -1))


def _is_operand(token: Token) -> bool:
    words = ("and", "or", "not", "return", "then", "do", "else", "in")
    return (
        token.kind in ("number", "text")
        or token.text in (")", "]", "}")
        or (token.kind == "word" and token.text not in words)
    )


def _conditions(source: str, pieces: list[Token]) -> Iterator[tuple[int, int, str]]:
    starts = {piece.start for piece in pieces}
    for at in _CONDITION.finditer(source):
        if at.start() in starts:
            yield at.start(1), at.end(1), f"not ({at.group(1)})"


def _statements(source: str, pieces: list[Token]) -> Iterator[tuple[int, int, str]]:
    """Yield the lines that are a whole assignment or call; without one nobody notices that it is missing."""
    position = 0
    depths = dict(_depths(pieces))
    for line in source.splitlines(keepends=True):
        first = position + len(line) - len(line.lstrip())
        stop, position = position + len(line.rstrip()), position + len(line)
        inside = [piece for piece in pieces if first <= piece.start < stop]
        if inside and inside[0].start == first and depths[first] == 0 and _is_whole(line, inside):
            yield first, stop, ""


def _is_whole(line: str, inside: list[Token]) -> bool:
    texts = [token.text for token in inside]
    is_balanced = all(texts.count(one) == texts.count(other) for one, other in ("()", "{}", "[]"))
    is_one = not {"function", "then", "do", "end", "or", "and"} & {texts[-1], *texts}
    is_statement = texts[-1] == ")" or "=" in texts
    speaks = bool({"warn", "refuse", "sayOnce", "require", "interpreted"} & set(texts))
    return (
        bool(_STATEMENT.fullmatch(line.rstrip("\n")))
        and is_balanced
        and is_one
        and is_statement
        and not speaks
    )


def _depths(pieces: list[Token]) -> Iterator[tuple[int, int]]:
    """Yield for the start of each token how many brackets are open there."""
    depth = 0
    for token in pieces:
        yield token.start, depth
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.text, 0)


def _spoken(pieces: list[Token]) -> Iterator[tuple[int, int]]:
    """Yield the arguments of calls that speak to people, and the names of modules."""
    for at, token in enumerate(pieces[:-2]):
        if token.text == "require":
            # Its result may be called: `require 'lab-workbook.interpreted'(true, true)`.
            is_called = pieces[at + 2].text == "("
            yield token.start, _closing(pieces, at + 2) if is_called else pieces[at + 1].stop
        elif token.text in _SPEAKING and pieces[at + 1].text == "(":
            yield pieces[at + 1].start, _closing(pieces, at + 1)


def _closing(pieces: list[Token], at: int) -> int:
    depth = 0
    for token in pieces[at:]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return token.stop
    raise ValueError("brackets do not match")


def _functions(pieces: list[Token]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the functions that have names, such as ``AppendFile:close``, with where they begin and end."""
    for at, token in enumerate(pieces):
        if token.text == "function" and pieces[at + 1].text != "(":
            bracket = next(index for index in range(at, len(pieces)) if pieces[index].text == "(")
            name = "".join(piece.text for piece in pieces[at + 1 : bracket])
            yield name, (token.start, _end(pieces, at))


def _end(pieces: list[Token], at: int) -> int:
    """Return where the ``end`` of the block is that opens at a token."""
    depth = 0
    for token in pieces[at:]:
        depth += (token.text in ("function", "if", "do", "repeat")) - (token.text in ("end", "until"))
        if depth == 0:
            return token.stop
    raise ValueError("blocks do not match")


@cache
def _runtime() -> Any:
    from lupa import lua51

    return lua51.LuaRuntime(unpack_returned_tuples=True)


def is_valid(source: str) -> bool:
    """Say whether it is a program still."""
    return bool(_runtime().eval("loadstring")(source) is not None)
