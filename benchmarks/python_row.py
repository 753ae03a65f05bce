"""
What a row costs in Python, against the least that could be done: csv.writer, a cached date, and a flush.

The two take turns in one process, so that whatever else the machine does meets both alike; the
figures are medians of many short turns, in CPU time, the system's part included. What `workbook.log` takes
for the same values is held against a log whose fields are declared.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import lab_workbook

Row = dict[str, Any]

ROWS_A_TURN = 200
TURNS = 150

_MIXED = (1, 0.1234567890123, "a caption, quoted", True, None, 17, 2.5, "plain")


def cases() -> dict[str, Row]:
    """One row for each shape that is measured."""
    return {
        "1 field": {"loss": 0.6931471805599453},
        "4 fields": {"epoch": 12.25, "iteration": 180_801, "loss": 0.6931471805599453, "norm": 3.2e-05},
        "20 fields": {f"field {number}": number / 7 for number in range(20)},
        "8 mixed": {f"field {number}": value for number, value in enumerate(_MIXED)},
    }


def run() -> list[tuple[str, float, float]]:
    """Measure; gives the name of each case, our seconds a row and the floor's."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        lab_workbook.new_experiment(bucket_prefix=folder) as workbook,
    ):
        rows = [
            (f"Python row, {name}", *_measure(_ours(workbook, name, row), _floor(folder, row), row))
            for name, row in cases().items()
        ]
        metrics = [
            (
                f"log() of {name}, beside a declared one",
                *_measure(_metrics(workbook), _declared(workbook, name, row), row),
            )
            for name, row in cases().items()
        ]
    return rows + metrics


def _ours(workbook: Any, name: str, row: Row) -> Callable[..., None]:
    return workbook.new_time_series_log(name, list(row))


def _metrics(workbook: Any) -> Callable[..., None]:
    def log(**values: object) -> None:
        workbook.log(values, step=180_801)

    return log


def _declared(workbook: Any, name: str, row: Row) -> Callable[..., None]:
    append = workbook.new_time_series_log(f"declared {name}", ["step", *row])

    def log(**values: object) -> None:
        append(values, step=180_801)

    return log


def _floor(folder: str, row: Row) -> Callable[..., None]:
    file = open(os.path.join(folder, f"floor-{len(row)}.csv"), "a", newline="")  # noqa: SIM115 - as a script does
    write, flush = csv.writer(file, lineterminator="\n").writerow, file.flush
    values = itemgetter(*row) if len(row) > 1 else lambda cells: (cells[next(iter(row))],)
    second, date = 0, ""

    def log(**cells: object) -> None:
        nonlocal second, date
        now = int(time.time())
        if now != second:
            second, date = now, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        write((*values(cells), date))
        flush()

    return log


def _measure(ours: Callable[..., None], floor: Callable[..., None], row: Row) -> tuple[float, float]:
    turns: dict[Callable[..., None], list[float]] = {ours: [], floor: []}
    for _ in range(TURNS):
        for log, seconds in turns.items():
            start = time.process_time()
            for _ in range(ROWS_A_TURN):
                log(**row)
            seconds.append((time.process_time() - start) / ROWS_A_TURN)
    return statistics.median(turns[ours]), statistics.median(turns[floor])
