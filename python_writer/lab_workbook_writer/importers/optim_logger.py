"""
Files of Torch's optim.Logger: columns between tabs, the names in the first line, five digits a number.

    training error	test error
     5.0000e-01	 7.5000e-01

The file says neither steps nor times, so ``step`` counts its rows.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec

from lab_workbook_writer.importers import trees
from lab_workbook_writer.importers.grouping import titles
from lab_workbook_writer.importers.numerals import number
from lab_workbook_writer.importers.record import digest
from lab_workbook_writer.importers.run import Found, Run, failed, isolated, tag_of

# A file with more columns is another one, or would fill the memory: each of them takes half a kilobyte.
_MOST_COLUMNS: Final = 10_000
_LONGEST_ROW: Final = 1 << 20
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
    left: list[Found] = []
    is_there = False
    for each in trees.all_files(path, lambda *why: left.append(failed("optim-logger", *why))):
        if each.name.endswith(_SUFFIXES):
            for found in isolated("optim-logger", each.name, functools.partial(_files, each)):
                is_there = True
                yield found
    yield from left
    if not is_there and not left:
        raise Unreadable(f"there is no file of optim.Logger, *{', *'.join(_SUFFIXES)}, in {path} or below it")


def _files(each: trees.Plain) -> Iterator[Found]:
    """Yield the file if it has the form."""
    if _has_form(each.path):
        yield _found(each.path, each.name)


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
    with trees.opened(path) as file:
        # Two columns may have one name, and are two all the same.
        names = titles(_cells(file.readline()), [_spec.METRICS_STEP])
        if len(names) > _MOST_COLUMNS:
            raise Unreadable(
                f"{path} has {len(names):,} columns, and a file of optim.Logger at most {_MOST_COLUMNS:,}"
            )
        for row, cells in enumerate(_rows(file, run), start=1):
            for place, cell in enumerate(cells):
                name = names[place] if place < len(names) else str(place + 1)
                run.add(name, row, math.nan, _value(cell))
    return run


def _rows(file: BinaryIO, run: Run) -> Iterator[list[str]]:
    """Yield the cells of each row; those of another form are counted."""
    while line := file.readline(_LONGEST_ROW):
        if len(line) == _LONGEST_ROW or line.count(b"\t") > _MOST_COLUMNS:
            run.left_out["rows of more than 10,000 cells, or a megabyte"] += 1
            while len(line) == _LONGEST_ROW:
                line = file.readline(_LONGEST_ROW)
        elif line == b"\n":
            continue
        elif line.removesuffix(b"\n").endswith(b"\t"):
            yield _cells(line)
        else:
            # Torn by a kill: a number that was cut would read as another.
            run.left_out["torn rows"] += 1


def _cells(line: bytes) -> list[str]:
    return line.decode("utf-8", "replace").split("\t")[:-1]


def _value(cell: str) -> float | str:
    value = number(cell)
    return cell if value is None else value
