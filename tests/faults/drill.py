"""
A training script in the middle of an outage: what it did, what it said, and what arrived.

The scripts log rows at a steady rate and note for each how long the call took, on the clock that all
processes of a machine share; so the test knows which rows fell into the outage.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab_workbook

ROOT = Path(__file__).resolve().parent.parent.parent

PYTHON = """
import os, sys, time, lab_workbook
stop, out = sys.argv[1:]
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step", "loss"], save_every=1)
control = os.open(out + ".control", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
now, taken = time.perf_counter, []
while not os.path.exists(stop):
    for _ in range(50):
        step = len(taken)
        a = now()
        os.write(control, b"the least that a row could cost\\n")
        b = now()
        log(step=step, loss=step / 3)
        taken.append((b, now() - b, b - a))
        time.sleep(0.002)
    # As long as the last one, so that no size gives away which of two it is.
    workbook.save_json("state", {"step": f"{step:09}"})
workbook.close()
with open(out, "w") as file:
    for times in taken:
        print(*times, file=file)
"""

LUAJIT = """
local ffi = require 'ffi'
ffi.cdef[[
typedef struct {long seconds, nanoseconds;} moment;
int clock_gettime(int clock, moment *time);
int poll(void *none, unsigned long count, int milliseconds);
]]
local moment = ffi.new 'moment'
local function now()
   ffi.C.clock_gettime(1, moment)
   return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end
local stop, out = arg[1], arg[2]
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local log = workbook:newTimeSeriesLog('loss', {'step', 'loss'}, 1)
local control = io.open(out .. '.control', 'ab')
control:setvbuf('no')
local taken, step = {}, -1
repeat
   for _ = 1, 50 do
      step = step + 1
      local a = now()
      control:write('the least that a row could cost\\n')
      local b = now()
      log{step = step, loss = step / 3}
      taken[#taken + 1] = ('%.9f %.9f %.9f'):format(b, now() - b, b - a)
      ffi.C.poll(nil, 0, 2)
   end
   workbook:saveJSON('state', {step = ('%09d'):format(step)})
   local file = io.open(stop)
   if file then file:close() end
until file
workbook:close()
local file = io.open(out, 'w')
file:write(table.concat(taken, '\\n'), '\\n')
file:close()
"""

SCRIPTS = {"python": (sys.executable, PYTHON), "luajit": ("luajit", LUAJIT)}


class Training:
    """A script that trains, from its first row to what it left behind."""

    def __init__(self, language: str, folder: Path, bucket_prefix: str, **settings: object) -> None:
        command, text = SCRIPTS[language]
        self._folder = folder
        self._prefix = bucket_prefix
        script = folder / "train"
        script.write_text(text)
        self.stderr = folder / "stderr"
        environment = {
            "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            # Where the rock finds the command `lab-workbook`.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **{f"LAB_WORKBOOK_{name.upper()}": str(value) for name, value in settings.items()},
        }
        with self.stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [str(shutil.which(command)), str(script), str(folder / "stop"), str(folder / "times")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=os.environ | environment,
                cwd=folder,
            )

    @property
    def spool(self) -> Path:
        """The folder that the uploader works in."""
        (spool,) = (Path(os.environ["HOME"]) / ".local/state/lab-workbook").glob("T.*")
        return spool

    def uploaders(self) -> list[int]:
        """Return the processes that have said that they deliver this spool, the newest last."""
        events = map(json.loads, (self.spool / ".lab-workbook/journal").read_text().splitlines())
        return [event["pid"] for event in events if event["event"] == "started"]

    def said(self) -> list[str]:
        """Return the lines on the script's stderr."""
        return self.stderr.read_text().splitlines()

    def wait_until_said(self, text: str) -> None:
        self.wait_until(lambda: any(text in line for line in self.said()), text)

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = 150) -> None:
        """Look often until a condition holds, as long as the script is there."""
        deadline = time.monotonic() + seconds
        while not condition():
            gone = f"the script has ended with {self.process.returncode}"
            assert self.process.poll() is None, f"{gone} before {what!r}: {self.said()}"
            assert time.monotonic() < deadline, f"still waiting for {what!r}: {self.said()}"
            time.sleep(0.05)

    def has_logged(self, rows: int) -> bool:
        """Say whether so many rows were logged."""
        control = self._folder / "times.control"
        return control.exists() and control.stat().st_size >= rows * len(b"the least that a row could cost\n")

    def stop(self) -> None:
        """Let it close its workbook, and wait until it has ended: as long as it may by its settings."""
        (self._folder / "stop").touch()
        assert self.process.wait(timeout=120) == 0, self.said()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def times(self) -> list[tuple[float, float, float]]:
        """Return of each row when it was logged, how long that took, and how long the least would have."""
        lines = (self._folder / "times").read_text().splitlines()
        return [tuple(map(float, line.split())) for line in lines]  # type: ignore[misc] # three a line

    def experiment(self) -> Any:
        """Return what a reader sees in the bucket."""
        return lab_workbook.ExperimentRepository(self._prefix)["T"]


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def assert_rows_cost_the_same(times: list[tuple[float, float, float]], began: float, ended: float) -> None:
    """
    Compare a row's 99th percentile in an outage with that before it.

    Another process of the machine may slow down both a row and the bare write beside it: such noise is
    no fault of the outage.
    """
    before = [(ours, least) for at, ours, least in times if at < began]
    during = [(ours, least) for at, ours, least in times if began <= at < ended]
    rows = p99([ours for ours, _ in before]), p99([ours for ours, _ in during])
    noise = p99([least for _, least in during])
    print(  # noqa: T201 - pytest shows it with -rA, and with a failure
        f"p99 of a row: {rows[0] * 1e6:.0f} us before ({len(before)} rows),"
        f" {rows[1] * 1e6:.0f} us in the outage ({len(during)} rows, {ended - began:.0f} s);"
        f" of a bare write in the outage {noise * 1e6:.0f} us"
    )
    assert rows[1] <= 5 * max(rows[0], noise) + 0.001


def assert_nothing_lost(training: Training, rows: int) -> None:
    """Everything is there as it was logged, and end.json counts no loss."""
    experiment = training.experiment()
    lost = {kind: number for kind, number in experiment.end.get("lost", {}).items() if number}
    assert (experiment.status, lost) == ("finished", {}), (experiment.status, lost, training.said())
    series = experiment["loss.csv"]
    assert list(series.index) == list(range(rows))
    assert all(series["loss"] == [step / 3 for step in range(rows)])
    assert experiment["state.json"] == {"step": f"{rows - 1:09}"}
