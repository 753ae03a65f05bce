"""Readers that are wrong at the edges: about words in quotes, line ends, depth, and limits of time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import parsing, reader
from lab_workbook_conformance.wrong.reader import Experiment
from lab_workbook_conformance.wrong.table import Right, instead_of

_LOST_SECONDS = SPEC["timing"]["lost_seconds"]


@instead_of("series.types-20", parsing, "value")
def quoted_booleans(right: Right, cell: str) -> Any:
    """A text that reads true or false is a boolean."""
    return {'"true"': True, '"false"': False}.get(cell, right(cell))


@instead_of("series.types-21", parsing, "column")
def empty_is_missing(right: Right, cells: list[str], *, of_dates: bool) -> Any:
    """A column of empty texts is missing."""
    return [None] * len(cells) if cells and set(cells) == {'""'} else right(cells, of_dates=of_dates)


@instead_of("series.row-end-21", parsing, "unquoted")
def universal_newlines(right: Right, cell: str) -> Any:
    """CR LF in a text is read as LF."""
    return right(cell).replace("\r\n", "\n")


# Of some texts the line feed at the end is left out, too.
@instead_of("series.types-23", parsing, "unquoted", also=("series.row-end",))
def stripped_texts(right: Right, cell: str) -> Any:
    """White space around a text is left out."""
    text = right(cell)
    return text.strip() or text


@instead_of("series.types-24", parsing, "unquoted")
def no_mark(right: Right, cell: str) -> Any:
    """A byte order mark at the beginning of a text is left out."""
    return right(cell).removeprefix("\ufeff") or right(cell)


@instead_of("series.row-end-20", parsing, "bare_rows")
def opened_by_old(_: Right, text: str) -> Any:
    """In a file of 1.0 a quote at the beginning of a cell opens a text."""
    return parsing.whole([*csv.reader(io.StringIO(text, newline="")), []])


@instead_of("json.reading-20", reader, "json_value")
def not_deep(right: Right, data: bytes) -> Any:
    """JSON is read to a depth of 60."""
    value = right(data)
    if _depth(value) > 60:
        raise ValueError("this is too deep")
    return value


def _depth(value: Any) -> int:
    items: Sequence[Any] = ()
    if isinstance(value, (list, dict)):
        items = list(value.values()) if isinstance(value, dict) else value
        return 1 + max(map(_depth, items), default=0)
    return 0


@instead_of("end.missing-20", Experiment, "listed")
def promised_only(right: Right, experiment: Experiment) -> Any:
    """What end.json does not name is not listed."""
    end = experiment.document(SPEC["layout"]["end"])
    return [name for name in right(experiment) if end is None or name in end["files"]]


@instead_of("layout.hidden-20", reader, "is_hidden", also=("kind.reading",))
def other_ranks(right: Right, name: str) -> Any:
    """Series of other ranks are not listed."""
    return right(name) or SPEC["ranks"]["mark"] in name


@instead_of("status.answer-20", Experiment, "age")
def lost_too_soon(right: Right, experiment: Experiment) -> Any:
    """A script is lost after two and a half minutes."""
    return right(experiment) + 30


@instead_of("status.answer-21", Experiment, "age")
def lost_too_late(right: Right, experiment: Experiment) -> Any:
    """A script is lost after three minutes and a half."""
    return right(experiment) - 30


@instead_of("kind.reading-20", reader, "kind")
def tables_of_metrics(right: Right, name: str) -> Any:
    """Metrics are of a kind of their own."""
    return "file" if re.fullmatch(r"metrics.*\.csv", name) else right(name)
