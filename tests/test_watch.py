"""
Watching a series while a real script writes it, into a folder and into a bucket, up to a kill.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import lab_workbook
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent

# The series is opened with the first rows, and each row is logged when the test says so.
PYTHON = """
import sys, lab_workbook
workbook, log = lab_workbook.new_experiment(tag="T", upload_every=0.5), None
print("begun", flush=True)
for line in sys.stdin:
    log = log or workbook.new_time_series_log("loss", ["step", "value", "note"])
    for step in range(*map(int, line.split())):
        log(step=step, value=step / 3 if step % 2 else None, note='a "quoted"\\nline' + 50 * "x")
    print("logged", step, flush=True)
"""

LUA = """
local workbook, log = require('lab-workbook'):newExperiment{tag = 'T', uploadEvery = 0.5}
print('begun') io.stdout:flush()
for line in io.lines() do
   log = log or workbook:newTimeSeriesLog('loss', {'step', 'value', 'note'})
   local first, last = line:match('(%d+) (%d+)')
   for step = tonumber(first), tonumber(last) - 1 do
      log{step = step, value = step % 2 == 1 and step / 3 or nil, note = 'a "quoted"\\nline' .. ('x'):rep(50)}
   end
   print('logged ' .. last - 1) io.stdout:flush()
end
"""


def scripts():
    yield pytest.param([sys.executable, "-c", PYTHON], id="python")
    lua = next(filter(shutil.which, ("luajit", "lua5.4", "lua5.1")), None)
    yield pytest.param([lua, "-e", LUA], id="lua", marks=pytest.mark.skipif(not lua, reason="no Lua"))


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    """A prefix of each kind."""
    return (
        str(tmp_path / "experiments")
        if request.param == "folder"
        else request.getfixturevalue("bucket_prefix")
    )


@pytest.fixture
def started(place, monkeypatch):
    """A function that starts a script, which has begun its experiment when it returns."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", place)
    monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    running = []

    def start(command):
        script = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(script)
        wait_for(script, "begun")
        return script

    yield start
    for script in running:
        script.kill()
        script.wait()
        for pipe in (script.stdin, script.stdout):
            # What was not read by the script is of no use to anybody.
            with contextlib.suppress(OSError):
                pipe.close()


def wait_for(script, word):
    """Read what a script says up to a line."""
    assert f"{word}\n" in iter(script.stdout.readline, "")


def log(script, first, last):
    script.stdin.write(f"{first} {last}\n")
    script.stdin.flush()


@pytest.mark.parametrize("command", list(scripts()))
def test_each_row_of_a_running_script_comes_once(command, place, started):
    """
    From before there is a series to its end, and all parts together are what a later reader sees.
    """
    script = started(command)
    watch = lab_workbook.ExperimentRepository(place)["T"].watch("loss.csv", every=0.05, timeout=120)
    later = threading.Timer(0.3, log, [script, 0, 1])
    later.start()
    parts, seen, upto = [], 0, 1
    more = iter((1, 10, 100, 300, 1))

    for part in watch:
        parts.append(part)
        seen += len(part)
        assert part.index.tolist() == list(range(seen - len(part), seen))
        if seen < upto:
            continue
        rows = next(more, None)
        if rows is None:
            script.stdin.close()
        else:
            log(script, upto, upto + rows)
            upto += rows

    assert seen == upto
    final = lab_workbook.ExperimentRepository(place)["T"]
    assert final.status in ("finished", "ended")
    pd.testing.assert_frame_equal(pd.concat(parts), final["loss.csv"])


@pytest.mark.parametrize("command", list(scripts()))
def test_a_killed_script_is_watched_to_its_last_row(command, place, started):
    """
    After SIGKILL the rows that were logged still come, from the file or by the uploader, and then it ends.
    """
    script = started(command)
    watch = lab_workbook.ExperimentRepository(place)["T"].watch("loss.csv", every=0.05, timeout=120)
    log(script, 0, 5)
    steps = []

    for part in watch:
        steps += part.index.tolist()
        if steps == [0, 1, 2, 3, 4]:
            log(script, 5, 9)
            wait_for(script, "logged 8")
            script.kill()

    assert steps == list(range(9))
    assert lab_workbook.ExperimentRepository(place)["T"].status in ("lost", "interrupted")
