"""What a reader makes of the text of a series."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from lab_workbook_conformance.constants import SPEC

_SERIES = SPEC["series"]
_DATE: str = _SERIES["date_field"]
_CELL = re.compile('"(?:[^"]|"")*"|[^",\n]*')
_WORDS = {
    _SERIES["missing"]: None,
    _SERIES["nan"]: math.nan,
    "-nan": math.nan,  # as 1.0 wrote it on some machines
    _SERIES["infinity"]: math.inf,
    f"-{_SERIES['infinity']}": -math.inf,
    _SERIES["true"]: True,
    _SERIES["false"]: False,
}


def series(text: str, *, has_quotes: bool) -> list[list[Any]] | None:
    """Return the fields and the rows of a series; None: it is a plain table. 1.0 had no quotes."""
    rows = ordered(quoted_rows(text) if has_quotes else bare_rows(text))
    if not rows:
        return None
    fields = numbered([unquoted(each) for each in rows[0]])
    if not is_series(fields):
        return None
    columns = [
        column(
            [row[at] if at < len(row) else _SERIES["missing"] for row in rows[1:]], of_dates=field == _DATE
        )
        for at, field in enumerate(fields)
    ]
    return [fields, *([each[at] for each in columns] for at in range(len(rows) - 1))]


def is_series(fields: list[str]) -> bool:
    """Say whether a header is that of a series."""
    return _DATE in fields


def ordered(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows in the order in which they are given: that of the file."""
    return rows


def quoted_rows(text: str) -> list[list[str]]:
    """Return the raw cells of each row; what stands behind the last row end is nobody's."""
    rows: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        cell = _CELL.match(text, at)
        # Before a quote that is never closed nothing matches, and there a torn row begins.
        if cell is None or (end := cell.end()) == len(text) or text[end] not in ",\n":
            break
        rows[-1].append(cell[0])
        if text[end] == "\n":
            rows.append([])
        at = end + 1
    return whole(rows)


def bare_rows(text: str) -> list[list[str]]:
    """Return the raw cells of each row of 1.0, which ends at any line feed."""
    return whole([line.split(",") for line in text.split("\n")])


def whole(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows without what follows the last row end."""
    return rows[:-1]


def numbered(fields: list[str]) -> list[str]:
    """Number the fields that occur again: x, x.1, x.2."""
    given: list[str] = []
    for field in fields:
        name, count = field, 0
        while name in given:
            count += 1
            name = f"{field}.{count}"
        given.append(name)
    return given


def column(cells: list[str], *, of_dates: bool) -> list[Any]:
    """Return the values of a column; integers among floats are floats."""
    if of_dates:
        return cells
    values = [value(each) for each in cells]
    kinds = {type(each) for each in values} - {type(None)}
    if kinds == {int, float}:
        return [each if each is None else float(each) for each in values]
    return values


def value(cell: str) -> Any:
    """Return what a cell spells: a text where it is quoted."""
    if cell.startswith('"'):
        return unquoted(cell)
    return bare(cell)


def bare(cell: str) -> Any:
    """Return what a cell without quotes spells; the texts of 1.0 have none."""
    if cell in _WORDS:
        return _WORDS[cell]
    # The suffixes are those of LuaJIT's 64-bit integers, in 1.0.
    if integer := re.fullmatch("(-?[0-9]+)(U?LL)?", cell):
        return number(int, integer[1])
    return number(float, cell) if re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?", cell) else cell


def number(kind: Callable[[str], Any], digits: str) -> Any:
    """Return a number."""
    return kind(digits)


def unquoted(cell: str) -> str:
    """Return a cell without the quotes around it."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
