"""
A training loop at a steady rate, for `benchmarks.delivery`; notes when each row came and what it took.

    python -m benchmarks.loop --rate 1000 --rows 20000 --out taken.txt

When it has logged its rows it writes the file, a line a row, and waits for its stdin to end. It can save
artifacts meanwhile: ``--names 6 --bytes 900000 --save-period 2`` saves six of 900 kB again every two seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import lab_workbook
from lab_workbook_writer.workbook import Workbook

FIELDS = ["epoch", "time", "dataTime", "loss", "top1", "top5"]


def row(number: int) -> dict[str, float]:
    """Return a row as the README's example has them."""
    return {
        "epoch": number / 25600,
        "time": 0.95 + number % 7 / 100,
        "dataTime": 0.0004,
        "loss": 7 / (1 + number / 1000),
        "top1": 100 - number % 61,
        "top5": 100 - number % 53,
    }


class Saves:
    """Artifacts that are all saved at the start and, with a period in seconds, again and again."""

    def __init__(self, workbook: Workbook, names: int, size: int, period: float) -> None:
        self._workbook = workbook
        self._names = [f"{number:06}.txt" for number in range(names)]
        self._text = "x" * size
        self._period = period
        self._next = float("-inf")

    def save(self, now: float) -> None:
        """Save each artifact, if it is time."""
        if now >= self._next:
            self._next = now + self._period
            for name in self._names:
                self._workbook.save_text(name, self._text)


def main() -> None:
    """Log so many rows at so many a second, and flush every so many seconds (0: never)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--save-every", type=int)
    parser.add_argument("--flush-every", type=float, default=0.0)
    parser.add_argument("--names", type=int, default=0)
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--save-period", type=float, default=float("inf"))
    parser.add_argument("--out")
    arguments = parser.parse_args()
    workbook = lab_workbook.new_experiment()
    log = workbook.new_time_series_log("loss", FIELDS, save_every=arguments.save_every)
    saves = Saves(workbook, arguments.names, arguments.bytes, arguments.save_period)
    print("tag", workbook.tag, flush=True)
    taken: list[tuple[float, float]] = []
    now, flushed = time.perf_counter, 0.0
    began = now()
    while len(taken) < arguments.rows:
        saves.save(now())
        values, start = row(len(taken)), now()
        log(**values)
        taken.append((start - began, now() - start))
        if arguments.flush_every and start - began - flushed >= arguments.flush_every:
            flushed = start - began
            workbook.flush()
        time.sleep(max(0.0, began + len(taken) / arguments.rate - now()))
    with open(f"{arguments.out}.new", "w", encoding="utf-8") as file:
        file.writelines(f"{at} {duration}\n" for at, duration in taken)
    os.replace(f"{arguments.out}.new", arguments.out)
    sys.stdin.read()
    workbook.close()


if __name__ == "__main__":
    main()
