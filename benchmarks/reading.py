"""
What it costs to read a long series, beside one plain call of pandas.

180,801 rows of seven columns are two weeks of a log a week and a bit. The call that is the floor gets
the texts wrong, and for all else it is the least that anyone pays for a table.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from lab_workbook import series

ROWS = 180_801
ROUNDS = 5
TEXTS = ("a, b", 'say "no"', "007", "nil", "true", "nothing to say", "")


def run() -> list[tuple[str, float, float]]:
    """Return a name, our CPU seconds and those of the plain call, for each kind of series."""
    return [
        _figure(f"read, numbers, {ROWS:,} x 7", numbers()),
        _figure(f"read, numbers with holes, {ROWS:,} x 7", numbers(holes=True)),
        _figure(f"read, text in two columns, {ROWS:,} x 7", texts()),
    ]


def _figure(name: str, columns: dict[str, list[Any]]) -> tuple[str, float, float]:
    data = written(columns)
    _check(series.read(data, name), columns)
    ours, floor = [], []
    # In turns, so that a busy machine slows both.
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: series.read(data, name)))
        floor.append(_seconds(lambda: _plain(data)))
    return name, min(ours), min(floor)


def _plain(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), index_col=0, parse_dates=["Date"], na_values=["nil"])


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def numbers(*, holes: bool = False) -> dict[str, list[Any]]:
    """Return the columns of a series of numbers, by their names."""
    chance = random.Random(1)
    columns: dict[str, list[Any]] = {
        "epoch": [row / 1000 for row in range(ROWS)],
        "loss": [chance.random() for _ in range(ROWS)],
        "error": [chance.gauss(0, 1) for _ in range(ROWS)],
        "gradientNorm": [chance.lognormvariate(0, 3) for _ in range(ROWS)],
        "rate": [0.1 * 0.5 ** (row // 10_000) for row in range(ROWS)],
        "batch": [2**53 + 1 + row for row in range(ROWS)],
    }
    if holes:
        columns["error"] = [each if row % 10 == 0 else None for row, each in enumerate(columns["error"])]
        columns["batch"] = [each if row % 2 == 0 else None for row, each in enumerate(columns["batch"])]
    return columns


def texts() -> dict[str, list[Any]]:
    """Return the columns of a series that has text in two of them."""
    chance = random.Random(2)
    return numbers() | {
        "error": [chance.choice(("train", "test")) for _ in range(ROWS)],
        "gradientNorm": [chance.choice(TEXTS) for _ in range(ROWS)],
    }


def written(columns: dict[str, list[Any]]) -> bytes:
    """Return the columns as the bytes of a series."""
    lines = [",".join([*columns, "Date"])]
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        minute, second = divmod(row, 60)
        cells = [*map(_cell, values), f"2016-02-12T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}Z"]
        lines.append(",".join(cells))
    return "\n".join([*lines, ""]).encode()


def _cell(value: Any) -> str:
    if value is None:
        return "nil"
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def _check(table: pd.DataFrame, columns: dict[str, list[Any]]) -> None:
    """Hold every cell against what was written: a wrong answer is not worth timing."""
    for at, (name, expected) in enumerate(columns.items()):
        read = (table.index if at == 0 else table[name]).tolist()
        found = [None if pd.isna(value) else value for value in read]
        if found != expected or {*map(type, found)} != {*map(type, expected)}:
            raise AssertionError(f"{name} was not read exactly")
    if len(table) != ROWS or str(table["Date"].dt.tz) != "UTC":
        raise AssertionError("the dates were not read exactly")


if __name__ == "__main__":
    for name, ours, floor in run():
        print(f"{name:44} {ours:8.3f} s {floor:8.3f} s {ours / floor:8.2f}x")
