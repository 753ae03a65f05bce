"""
A history that was exported as a table: a row for each step, and a column for each metric.

As W&B's ``run.history()`` gives it, saved as CSV, as a list of JSON objects, or as one object a line. The
step is in ``_step``, ``Step`` or ``step``; without one, rows are counted from 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import jsontext

from lab_workbook_writer.importers import trees
from lab_workbook_writer.importers.numerals import number
from lab_workbook_writer.importers.run import Run
from lab_workbook_writer.importers.wandb_log import add_row

_STEPS: Final = ("_step", "Step", "step")
_MOST: Final = 1 << 30


def read(path: str, about: dict[str, Any]) -> Run:
    """
    Return the run that a table holds.

    Raises:
        Unreadable: it is no such table.
    """
    run = Run(origin={"sources": [about], "rows": 0})
    try:
        text = trees.read(path, _MOST).decode("utf-8-sig")
        for row in _rows(text, path):
            name = next((each for each in _STEPS if row.get(each) is not None), None)
            step = None if name is None else row.pop(name)
            add_row(run, row, _whole(step), row.get("_timestamp"))
    except (ValueError, csv.Error) as error:
        raise Unreadable(f"{path} is no table that can be read: {error}") from None
    return run


def _whole(step: Any) -> int | None:
    """Return the step as a whole number; a table with holes has it as a float."""
    if isinstance(step, float) and step.is_integer():
        return int(step)
    return step if isinstance(step, int) else None


def _rows(text: str, path: str) -> Iterator[dict[str, Any]]:
    if path.endswith(".csv"):
        # csv gives up the ends of rows within quotes where lines are split before.
        for row in csv.DictReader(io.StringIO(text, newline=""), restkey=""):
            yield {key: _cell(cell) for key, cell in row.items() if key and isinstance(cell, str) and cell}
        return
    objects = (
        jsontext.decode(text.encode())
        if path.endswith(".json")
        else [jsontext.decode(line.encode()) for line in text.splitlines() if line.strip()]
    )
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise ValueError("it is no list of objects")
    yield from objects


def _cell(cell: str) -> Any:
    """Return the number that a cell spells, or its text."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    value = number(cell)
    return cell if value is None else value
