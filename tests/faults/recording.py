"""
Scripts that note each row whose call has returned, for tests that stop, limit or detach them.

Each runs until a file `stop` appears in its folder, closes its experiment, and then makes a file `done`.
The part before the loop is a test's own, so that a script can become a daemon or take more and more memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab_workbook
import pytest

from tests.faults.drill import ROOT

PYTHON = """
import os, sys, time
here = sys.argv[1]
{before}
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step"])
workbook.save_json("options", {{"rate": 0.1}})
promised = os.open(here + "/promised", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
{after}
step = 0
while not os.path.exists(here + "/stop"):
    for _ in range(10):
        log(step=step)
        os.write(promised, b".")
        step += 1
        {row}
    time.sleep(0.02)
workbook.close()
os.close(os.open(here + "/done", os.O_WRONLY | os.O_CREAT, 0o600))
"""

LUA = """
local here = arg[1]
{before}
local workbook = require('lab-workbook'):newExperiment{{tag = 'T'}}
local log = workbook:newTimeSeriesLog('loss', {{'step'}})
workbook:saveJSON('options', {{rate = 0.1}})
local promised = io.open(here .. '/promised', 'ab')
promised:setvbuf('no')
{after}
local step = 0
repeat
   for _ = 1, 10 do
      log{{step = step}}
      promised:write('.')
      step = step + 1
      {row}
   end
   os.execute('sleep 0.02')
   local stop = io.open(here .. '/stop')
until stop
workbook:close()
io.open(here .. '/done', 'w'):close()
"""

PROGRAMS = {"python": sys.executable, "luajit": "luajit", "lua5.1": "lua5.1", "lua5.4": "lua5.4"}


class Recording:
    """A script that records the experiment T, and what it was promised."""

    def __init__(
        self,
        language: str,
        folder: Path,
        *,
        command: tuple[str, ...] = (),
        variables: dict[str, str] | None = None,
        **parts: str,
    ) -> None:
        program = shutil.which(PROGRAMS[language])
        if program is None:
            pytest.skip(f"{language} is not installed")
        self.folder = folder
        self._errors = folder / "stderr"
        text = PYTHON if language == "python" else LUA
        script = folder / "train"
        script.write_text(text.format(**{"before": "", "after": "", "row": "", **parts}))
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, program, str(script), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=folder,
                env={
                    **os.environ,
                    "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "LAB_WORKBOOK_UPLOAD_EVERY": "0.3",
                    **(variables or {}),
                },
            )

    @property
    def promised(self) -> int:
        """The number of rows whose call has returned; one more may be stored."""
        path = self.folder / "promised"
        return path.stat().st_size if path.exists() else 0

    @property
    def said(self) -> list[str]:
        """The lines on stderr."""
        return self._errors.read_text().splitlines()

    @property
    def is_done(self) -> bool:
        """Whether the script has closed its experiment."""
        return (self.folder / "done").exists()

    def record(self, rows: int = 30) -> None:
        """Wait until the script has logged this many rows more."""
        goal = self.promised + rows
        wait_until(lambda: self.promised >= goal, lambda: f"{self.promised} of {goal} rows: {self.said}")

    def stop(self) -> None:
        """Let the script close its experiment, and wait until it has."""
        (self.folder / "stop").touch()
        wait_until(lambda: self.is_done, lambda: f"the script does not end: {self.said}")

    def kill(self) -> None:
        """Kill the script; a daemon, of which only the first process is known, ends by itself."""
        (self.folder / "stop").touch()
        self.process.kill()
        self.process.wait()


def spool_of(spool_dir: Path) -> Path:
    (spool,) = spool_dir.glob("T.*")
    return spool


def uploaders(spool: Path) -> list[int]:
    """Return the processes that have delivered a spool, the newest last."""
    with contextlib.suppress(FileNotFoundError):
        events = map(json.loads, (spool / ".lab-workbook/journal").read_text().splitlines())
        return [event["pid"] for event in events if event["event"] == "started"]
    return []


def kill_uploaders(spool_dir: Path) -> None:
    """Kill what still delivers a spool of a test."""
    for spool in spool_dir.glob("T.*"):
        for process in uploaders(spool):
            command = Path(f"/proc/{process}/cmdline")
            # The number may be that of another process by now.
            with contextlib.suppress(OSError):
                if str(spool).encode() in command.read_bytes():
                    os.kill(process, signal.SIGKILL)


def wait_until(
    condition: Callable[[], object], what: Callable[[], object] = lambda: "", seconds: float = 150
) -> None:
    """Look often until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def rows_of(prefix: str) -> int:
    """Return how many rows a reader sees, each of which has to be in its place."""
    try:
        series = lab_workbook.ExperimentRepository(prefix)["T"]["loss.csv"]
    except KeyError:
        return 0
    assert list(series.index) == list(range(len(series)))
    return len(series)


def assert_whole(prefix: str, promised: int, status: str = "finished") -> Any:
    """Every promised row is there in its place, nothing is counted as lost, and end.json fits every byte."""
    experiment = lab_workbook.ExperimentRepository(prefix)["T"]
    rows = rows_of(prefix)
    assert promised <= rows <= promised + 1
    assert experiment.status == status
    assert not any(experiment.end.get("lost", {}).values()), experiment.end
    assert experiment["options.json"] == {"rate": 0.1}
    if experiment.end:
        assert experiment.verify().is_sound
    return experiment
