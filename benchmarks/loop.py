"""
A training loop at a steady rate, for `benchmarks.delivery`; notes when each row came and what it took.

    python -m benchmarks.loop RATE SECONDS FLUSH_EVERY FILE

When the time is over it writes the file, a line a row, and waits for its stdin to end.
"""

from __future__ import annotations

import os
import sys
import time

import lab_workbook


def main() -> None:
    """Log at so many rows a second, flush every so many seconds (0: never)."""
    rate, seconds, flush_every = map(float, sys.argv[1:4])
    workbook = lab_workbook.new_experiment()
    # Who flushes by the clock wants no more than that.
    every = None if flush_every else 100
    log = workbook.new_time_series_log("loss", ["step", "loss", "error"], save_every=every)
    now, taken, flushed = time.perf_counter, [], 0.0
    began = now()
    print("logging", flush=True)
    while (at := now() - began) < seconds:
        start = now()
        log(step=len(taken), loss=1 / (1 + len(taken)), error=0.5)
        taken.append((at, now() - start))
        if flush_every and at - flushed >= flush_every:
            flushed = at
            workbook.flush()
        time.sleep(max(0.0, began + len(taken) / rate - now()))
    with open(f"{sys.argv[4]}.new", "w", encoding="utf-8") as file:
        file.writelines(f"{at} {duration}\n" for at, duration in taken)
    os.replace(f"{sys.argv[4]}.new", sys.argv[4])
    sys.stdin.read()
    workbook.close()


if __name__ == "__main__":
    main()
