"""
A history that was exported as a table: a row for each step, and a column for each metric.

As W&B's ``run.history()`` gives it, saved as CSV, as a list of JSON objects, or as one object a line. The
step is in ``_step``, ``Step`` or ``step``; without one, rows are counted from 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final, TextIO

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import jsontext

from lab_workbook_writer.importers import jsonlist, trees
from lab_workbook_writer.importers.numerals import number
from lab_workbook_writer.importers.run import Run
from lab_workbook_writer.importers.wandb_log import add_row

_STEPS: Final = ("_step", "Step", "step")


def read(path: str, about: dict[str, Any]) -> Run:
    """
    Return the run that a table holds.

    Raises:
        Unreadable: it is no such table.
    """
    run = Run(origin={"sources": [about], "rows": 0})
    try:
        for row in _rows(path):
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


def _rows(path: str) -> Iterator[dict[str, Any]]:
    """Yield the rows one by one, so that a table may be larger than memory."""
    # csv gives up the ends of rows within quotes where lines are split before.
    with io.TextIOWrapper(trees.opened(path), "utf-8-sig", newline="") as file:
        if path.endswith(".csv"):
            for row in csv.DictReader(file, restkey=""):
                yield {
                    key: _cell(cell) for key, cell in row.items() if key and isinstance(cell, str) and cell
                }
            return
        yield from jsonlist.objects(file) if path.endswith(".json") else _lines(file)


def _lines(file: TextIO) -> Iterator[dict[str, Any]]:
    while line := file.readline(jsonlist.LONGEST):
        if len(line) == jsonlist.LONGEST:
            raise ValueError(f"a line has more than {jsonlist.LONGEST:,} characters")
        if line.strip():
            row = jsontext.decode(line.encode())
            if not isinstance(row, dict):
                raise ValueError("it is not a list of objects")
            yield row


def _cell(cell: str) -> Any:
    """Return the number that a cell spells, or its text."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    value = number(cell)
    return cell if value is None else value
