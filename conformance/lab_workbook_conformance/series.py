"""What is wrong with the bytes of a series, and does a cell say what was logged?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lab_workbook_conformance import comparison
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.mending import is_sound, mended

_SPELLING = SPEC["series"]
_LIMITS = (_SPELLING["integer_min"], _SPELLING["integer_max"])
_WORDS = {
    _SPELLING["missing"]: None,
    _SPELLING["nan"]: math.nan,
    _SPELLING["infinity"]: math.inf,
    f"-{_SPELLING['infinity']}": -math.inf,
    _SPELLING["true"]: True,
    _SPELLING["false"]: False,
}
# What other programs write for the same things.
_FOREIGN = re.compile(
    r"|-nan|[+-]?nan(\(.*\))?|[+-]?inf(inity)?|null|none|na|n/a|true|false|nil", re.IGNORECASE
)

_CELL = re.compile(r'"(?:[^"]|"")*"|[^",\r\n]*')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z")
_NEEDS_QUOTES = re.compile('[,"\r\n]|^\ufeff')


def broken_rules(data: bytes) -> list[str]:
    """Return the rules that a series breaks; what follows its last whole row is not looked at."""
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        return ["series.csv"]
    rows, rest = _split(text)
    if rest is None:
        return ["series.csv"]
    if not rows:
        return ["series.birth"]
    header, *body = rows
    whole = text.removesuffix(rest)
    broken = set() if is_sound(whole) and "\0" not in whole else {"text.mended"}
    broken.update(_header_rules(header))
    for row in body:
        broken.update(_row_rules(row, len(header)))
    return sorted(broken)


def _split(text: str) -> tuple[list[list[str]], str | None]:
    """Return the whole rows as raw cells, and what follows them: None where it is no CSV at all."""
    rows: list[list[str]] = []
    row: list[str] = []
    start = at = 0
    while at < len(text):
        cell = _CELL.match(text, at)
        at = cell.end() if cell else at
        mark = text[at : at + 1]
        if cell is None or not mark or text.startswith('"', at):
            # An open quote, or no line feed yet: a torn tail. A quote within a bare cell is no CSV.
            return rows, text[start:] if not mark or (cell and not cell[0]) else None
        if mark not in ",\n":
            return rows, None
        row.append(cell[0])
        at += 1
        if mark == "\n":
            rows.append(row)
            row, start = [], at
    return rows, text[start:]


def _header_rules(header: list[str]) -> Iterator[str]:
    fields = [_unquoted(cell) for cell in header]
    for cell, field in zip(header, fields, strict=True):
        if cell.startswith('"') != (field != field.strip() or bool(_NEEDS_QUOTES.search(field))):
            yield "series.names"
    date = _SPELLING["date_field"]
    if fields[-1] != date:
        yield "series.header"
    elif len(fields) < 2 or date in fields[:-1] or "" in fields or len(set(fields)) < len(fields):
        yield "series.fields"


def _row_rules(row: list[str], width: int) -> Iterator[str]:
    if len(row) != width:
        yield "series.row"
        return
    for cell in row[:-1]:
        yield from spelling_rules(cell)
    if not is_date(row[-1]):
        yield "series.date"


def is_date(text: str) -> bool:
    """Say whether this is a UTC time that exists, in the one shape that the protocol has."""
    try:
        datetime.strptime(text, _SPELLING["date_format"])  # noqa: DTZ007 only whether the day exists
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def spelling_rules(cell: str) -> list[str]:
    """Return the rules that a cell breaks whatever its value was."""
    if cell.startswith('"'):
        return [] if _QUOTED.fullmatch(cell) else ["series.text"]
    if cell in _WORDS:
        return []
    if cell == "-0" or _FOREIGN.fullmatch(cell):
        return ["series.special"]
    if _INTEGER.fullmatch(cell):
        return [] if _LIMITS[0] <= int(cell) <= _LIMITS[1] else ["series.beyond"]
    if _FLOAT.fullmatch(cell):
        return [] if _is_exact(cell) else ["series.float"]
    if re.fullmatch(r"-?[0-9]+,[0-9]+(e[+-]?[0-9]+)?", cell):
        return ["series.locale"]
    if re.fullmatch(r"[+-]?[0-9]+", cell):
        return ["series.integer"]
    return ["series.float"] if _is_number(cell) else ["series.text"]


def _is_exact(cell: str) -> bool:
    """Say whether a float has no more digits than it needs: 15, or 17 where 15 do not read back."""
    number = float(cell)
    digits = len(re.sub("[-.]", "", cell.partition("e")[0]).strip("0"))
    needed = 15 if float(f"{number:.15g}") == number else 17
    return math.isfinite(number) and digits <= needed


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def broken_by(value: Any, cell: str, *, integers: bool | None = None) -> list[str]:
    """
    Return the rules that a cell breaks as the spelling of ``value``.

    ``integers`` says whether the language tells 1 from 1.0; None: not known, so either will do.
    """
    rule = _difference(value, cell, integers)
    return sorted({*spelling_rules(cell), *([rule] if rule else [])})


def _difference(value: Any, cell: str, integers: bool | None) -> str | None:  # noqa: FBT001 passed on
    if isinstance(value, str):
        return _text_difference(value, cell)
    if cell.startswith('"'):
        return "series.text"
    if value is None or isinstance(value, bool):
        return None if cell in _WORDS and _WORDS[cell] is value else "series.special"
    if not isinstance(value, (int, float)):
        return "series.value"
    # A language whose plain numbers are doubles may have a type of larger integers beside them.
    if isinstance(value, int) and (integers is not False or cell == str(value)):
        return _integer_difference(value, cell)
    return _float_difference(_nearest(value), cell, integers)


def _text_difference(value: str, cell: str) -> str | None:
    allowed = mended(value, keep_nul=False)
    if cell.startswith('"') and _unquoted(cell) in allowed:
        return None
    return "text.mended" if allowed != {value} and cell.startswith('"') else "series.text"


def _integer_difference(value: int, cell: str) -> str | None:
    if _LIMITS[0] <= value <= _LIMITS[1]:
        return None if cell == str(value) else "series.integer"
    return (
        "series.beyond"
        if _INTEGER.fullmatch(cell) or _float_difference(_nearest(value), cell, None)
        else None
    )


def _float_difference(value: float, cell: str, integers: bool | None) -> str | None:  # noqa: FBT001 passed on
    if math.isnan(value) or math.isinf(value) or (value == 0 and math.copysign(1, value) < 0):
        expected = "nan" if math.isnan(value) else "-0.0" if value == 0 else str(value)
        return None if cell == expected else "series.special"
    if cell == "-0.0":
        return "series.special"
    if not _is_number(cell) or not comparison.is_same_number(value, float(cell)):
        return "series.float"
    without_point = _INTEGER.fullmatch(cell) is not None
    is_small = abs(value) < _SPELLING["exact_integer_max"]
    if without_point and (integers or not is_small):
        return "series.integral"
    # Where it is not known what the language has, either may be right.
    if integers is False and not without_point and is_small and value.is_integer():
        return "series.integral"
    return None


def _nearest(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _unquoted(cell: str) -> str:
    quoted = _QUOTED.fullmatch(cell)
    return quoted[1].replace('""', '"') if quoted else cell


def raw_rows(data: bytes) -> list[list[str]]:
    """Return the fields of a series, and then the cells of its whole rows as they are written."""
    rows, _ = _split(data.decode("utf-8", "surrogateescape"))
    return [[_unquoted(cell) for cell in row] for row in rows[:1]] + rows[1:]


def tail(text: str) -> str:
    """Return what follows the last whole row."""
    return _split(text)[1] or ""


def read(text: str) -> list[list[Any]] | None:
    r"""
    Return the header and the rows of a series as a reader gives them; None: this is a plain table.

    >>> read('epoch,note,Date\n1,"nil",2016-02-12T22:17:34Z\n2,"to')
    [['epoch', 'note', 'Date'], [1, 'nil', '2016-02-12T22:17:34Z']]
    """
    rows, _ = _split(text)
    header = _numbered([_unquoted(cell) for cell in rows[0]]) if rows else []
    if _SPELLING["date_field"] not in header:
        return None
    return [header, *([_value(cell) for cell in row] for row in rows[1:])]


def _numbered(fields: list[str]) -> list[str]:
    """Number the fields that occur again, as pandas does: ``x``, ``x.1``, ``x.2``."""
    names: list[str] = []
    for field in fields:
        name, count = field, 0
        while name in names:
            count += 1
            name = f"{field}.{count}"
        names.append(name)
    return names


def _value(cell: str) -> Any:
    if cell.startswith('"'):
        return _unquoted(cell)
    if cell in _WORDS:
        return _WORDS[cell]
    if _INTEGER.fullmatch(cell):
        return int(cell)
    return float(cell) if _is_number(cell) else cell
