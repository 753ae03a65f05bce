"""
A folder that is removed again and again while several threads write: each row is there in the end, once.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from pathlib import Path

import lab_workbook
import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "runs/T"


def test_rows_of_many_threads_survive_many_removals(home):
    """
    Rows are appended while their file is copied, by other threads and by a signal handler of the same one.
    """
    workbook = lab_workbook.new_experiment(bucket_prefix=f"{home.parent}/", tag="T")
    logs = [workbook.new_time_series_log(f"loss{number}", ["step"]) for number in range(3)]
    by_signal = workbook.new_time_series_log("signals", ["step"])
    counts, signals = [0] * len(logs), [0]
    is_over = threading.Event()

    def write(number):
        while not is_over.is_set():
            logs[number](step=counts[number])
            counts[number] += 1

    def on_signal(_number, _frame):
        by_signal(step=signals[0])
        signals[0] += 1
        workbook.save_text("state", str(signals[0]))
        # Only now, so that no handler interrupts another one.
        signal.setitimer(signal.ITIMER_REAL, 0.002)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(logs))]
    before = signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    try:
        for thread in threads:
            thread.start()
        for _ in range(30):
            shutil.rmtree(home, ignore_errors=True)
            workbook.flush()
            time.sleep(0)
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        is_over.set()
        for thread in threads:
            thread.join()
        signal.signal(signal.SIGALRM, before)
    workbook.close()

    experiment = lab_workbook.ExperimentRepository(str(home.parent))["T"]
    assert experiment.end["lost"]["rows"] == 0
    for number, count in enumerate(counts):
        assert experiment[f"loss{number}.csv"].index.tolist() == list(range(count))
    assert experiment["signals.csv"].index.tolist() == list(range(signals[0]))
    assert min(*counts, *signals) > 0
