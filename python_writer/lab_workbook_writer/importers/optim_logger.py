"""
Files of Torch's optim.Logger: columns between tabs, the names in the first line, five digits a number.

    training error	test error
     5.0000e-01	 7.5000e-01

The file says neither steps nor times, so ``step`` counts its rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec

from lab_workbook_writer.importers import trees
from lab_workbook_writer.importers.grouping import titles
from lab_workbook_writer.importers.numerals import number
from lab_workbook_writer.importers.record import digest
from lab_workbook_writer.importers.run import Found, Run, tag_of

# No one writes a gigabyte by rows of text, but somebody may name a wrong file.
_MOST: Final = 1 << 30
_SUFFIXES: Final = (".log", ".txt", ".tsv")


def find(path: str) -> Iterator[Found]:
    """
    Yield the file at a path, or each ``*.log`` in it or below it that has the form.

    Raises:
        Unreadable: it has not, or there is none.
    """
    if not os.path.isdir(path):
        yield _found(path, trees.base(path))
        return
    none = True
    for each in trees.all_files(path):
        if each.name.endswith(_SUFFIXES) and _has_form(each.path):
            none = False
            yield _found(each.path, each.name)
    if none:
        raise Unreadable(f"there is no file of optim.Logger, *{', *'.join(_SUFFIXES)}, in {path} or below it")


def _has_form(path: str) -> bool:
    with trees.opened(path) as file:
        first = file.readline(1 << 20)
    # Each name has a tab behind it, also the last.
    return first.endswith(b"\t\n") and b"\0" not in first


def _found(path: str, name: str) -> Found:
    if not _has_form(path):
        raise Unreadable(
            f"{path} is no file of optim.Logger: its first line has no names with tabs behind them"
        )
    about = digest(path)
    tag = tag_of("optim-logger", os.stat(path).st_mtime, trees.base(path), about["sha256"])
    return Found("optim-logger", name, tag, lambda: _load(path, about))


def _load(path: str, about: dict[str, Any]) -> Run:
    run = Run(origin={"sources": [about]})
    lines = trees.read(path, _MOST).decode("utf-8", "replace").split("\n")
    # Two columns may have one name, and are two all the same.
    names = titles(lines[0].split("\t")[:-1], [_spec.METRICS_STEP])
    row = 0
    for line in lines[1:]:
        if not line:
            continue
        cells = line.split("\t")
        if not line.endswith("\t"):
            # Torn by a kill: a number that was cut would read as another.
            run.left_out["torn rows"] += 1
            continue
        row += 1
        for place, cell in enumerate(cells[:-1]):
            run.add(names[place] if place < len(names) else str(place + 1), row, float("nan"), _value(cell))
    return run


def _value(cell: str) -> float | str:
    value = number(cell)
    return cell if value is None else value
