"""
What it costs to look again at a series that grows, beside reading all of it with one plain call of pandas.

500 new rows have come to 180,801. The look goes through an `Experiment` in a folder, with all that it asks
for there; the floor is a full read of the same bytes through an `Experiment` that has read nothing before.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import lab_workbook
from lab_workbook.protocol import documents, jsontext

from benchmarks import reading

NEW_ROWS = 500
ROUNDS = 7


def run() -> list[tuple[str, float, float]]:
    """Return a name, the CPU seconds of a refresh and those of a full read, for each kind of series."""
    return [
        _figure("refresh, numbers", reading.numbers()),
        _figure("refresh, numbers with holes", reading.numbers(holes=True)),
        _figure("refresh, text in two columns", reading.texts()),
    ]


def _figure(name: str, columns: dict[str, list[object]]) -> tuple[str, float, float]:
    lines = reading.written(columns).splitlines(keepends=True)
    # What is in the file when it is first read; then it grows by so many rows before each look.
    known = len(lines) - ROUNDS * NEW_ROWS
    refreshes, fulls = [], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "T"
        (folder / ".lab-workbook").mkdir(parents=True)
        begin = jsontext.encode(documents.begin("T", "benchmark", "none", {}), lambda _: None)
        (folder / ".lab-workbook/begin.json").write_bytes(begin)
        (folder / "log.csv").write_bytes(b"".join(lines[:known]))
        repository = lab_workbook.ExperimentRepository(place)
        watched = repository["T"]
        watched["log.csv"]
        for upto in range(known + NEW_ROWS, len(lines) + 1, NEW_ROWS):
            with open(folder / "log.csv", "ab", buffering=0) as file:
                file.write(b"".join(lines[upto - NEW_ROWS : upto]))
                os.fsync(file.fileno())
            refreshes.append(_seconds(watched, upto - 1))
            fulls.append(_seconds(repository["T"], upto - 1))
    return f"{name}, {reading.ROWS:,} x 7, {NEW_ROWS} new", min(refreshes), min(fulls)


def _seconds(experiment: lab_workbook.Experiment, expected: int) -> float:
    start = time.process_time()
    table = experiment["log.csv"]
    seconds = time.process_time() - start
    if len(table) != expected:
        raise AssertionError(f"{len(table)} rows were read, and {expected} are there")
    return seconds


if __name__ == "__main__":
    for name, refresh, full in run():
        print(f"{name:56} {refresh * 1e3:8.2f} ms {full * 1e3:8.2f} ms {refresh / full:8.1%}")
