"""
What it costs to put one column of 20 experiments of 10,000 rows side by side.

The floor is what a user would write by hand for the same table: one call of pandas for each file, and one
that puts the columns together. All have ended, so each file is checked by its sum.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import lab_workbook
import pandas as pd

from benchmarks import reading

LETTERS = "ABCDEFGHJKLMNPQRSTUV"
ROWS = 10_000
ROUNDS = 40


def run() -> list[tuple[str, float, float]]:
    """Return names, our seconds and those of the code by hand."""
    with tempfile.TemporaryDirectory() as place:
        labels = {f"201602122149-PMJ8a76cs{letter}": f"run {letter}" for letter in LETTERS}
        _record(Path(place), list(labels))
        repository = lab_workbook.ExperimentRepository(place)

        def ours() -> pd.DataFrame:
            return repository.meld_csv(labels, "log.csv", "loss")

        def by_hand() -> pd.DataFrame:
            read = {
                label: pd.read_csv(
                    f"{place}/{tag}/log.csv", index_col=0, parse_dates=["Date"], na_values=["nil"]
                )
                for tag, label in labels.items()
            }
            return pd.concat({label: table["loss"] for label, table in read.items()}, axis=1)

        pd.testing.assert_frame_equal(ours(), by_hand())
        spent, floor = [], []
        # In turns, so that a busy machine slows both.
        for _ in range(ROUNDS):
            spent.append(_seconds(ours))
            floor.append(_seconds(by_hand))
        # Of the files one is parsed while others are fetched and checked: the CPU is more than the time.
        waited, cpu = map(min, zip(*spent, strict=True))
        least, least_cpu = map(min, zip(*floor, strict=True))
        print(f"memory at most: {_peak(ours):.0f} MB, by hand {_peak(by_hand):.0f} MB")
    name = f"meld, {len(LETTERS)} x {ROWS:,} rows of 7"
    return [(f"{name}, time", waited, least), (f"{name}, CPU", cpu, least_cpu)]


def _record(place: Path, tags: list[str]) -> None:
    lines = reading.written(reading.numbers()).splitlines(keepends=True)
    for number, tag in enumerate(tags):
        data = lines[0] + b"".join(lines[1 + number * ROWS // 25 :][:ROWS])
        folder = place / tag
        (folder / ".lab-workbook").mkdir(parents=True)
        (folder / "log.csv").write_bytes(data)
        listed = {"log.csv": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}
        end = {"outcome": "finished", "ended": "2016-02-12T22:17:34Z", "lost": {}, "files": listed}
        (folder / ".lab-workbook/begin.json").write_text('{"protocol": "lab-workbook 1.1"}')
        (folder / ".lab-workbook/end.json").write_text(json.dumps(end))


def _seconds(call: Callable[[], object]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - cpu


def _peak(call: Callable[[], object]) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    for name, ours, floor in run():
        print(f"{name:44} {ours * 1e3:8.1f} ms {floor * 1e3:8.1f} ms {ours / floor:8.2f}x")
