"""
Looking at a series in S3 while a script writes it: rows come within seconds, and never go again.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each row is logged when the test says so, so that nothing here depends on how fast a machine is.
PYTHON = """
import sys, lab_workbook
log = lab_workbook.new_experiment(tag="T", upload_every=0.5).new_time_series_log("loss", ["step", "note"])
for line in sys.stdin:
    for step in range(*map(int, line.split())):
        log(step=step, note='a "quoted"\\nline' + 50 * "x")
"""

LUA = """
local log = require('lab-workbook'):newExperiment{tag = 'T', uploadEvery = 0.5}
                                   :newTimeSeriesLog('loss', {'step', 'note'})
for line in io.lines() do
   local first, last = line:match('(%d+) (%d+)')
   for step = tonumber(first), tonumber(last) - 1 do
      log{step = step, note = 'a "quoted"\\nline' .. ('x'):rep(50)}
   end
end
"""


def scripts():
    yield pytest.param([sys.executable, "-c", PYTHON], id="python")
    lua = next(filter(shutil.which, ("luajit", "lua5.4", "lua5.1")), None)
    yield pytest.param([lua, "-e", LUA], id="lua", marks=pytest.mark.skipif(not lua, reason="no Lua"))


def steps_of(experiment):
    try:
        return list(experiment["loss.csv"].index)
    except KeyError:
        return []


@pytest.mark.parametrize("command", list(scripts()))
def test_rows_are_seen_while_the_script_runs_and_never_go_again(command, bucket_prefix, monkeypatch):
    """
    In a series that outgrows its refreshed artifact, across publications of every kind.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as script:
        seen, upto = 0, 0
        for rows in (1, 10, 100, 300, 1, 1):
            script.stdin.write(f"{upto} {upto + rows}\n")
            script.stdin.flush()
            upto += rows
            deadline = time.monotonic() + 60
            while seen < upto:
                assert time.monotonic() < deadline, f"{seen} of {upto} rows"
                steps = steps_of(experiment)
                assert steps == list(range(len(steps)))
                assert len(steps) >= seen
                seen = len(steps)
        assert experiment.status == "running"
        assert experiment[:] == ["loss.csv"]
        script.stdin.close()
        script.wait(60)

    assert steps_of(lab_workbook.ExperimentRepository(bucket_prefix)["T"]) == list(range(upto))
    assert lab_workbook.ExperimentRepository(bucket_prefix)["T"].status in ("finished", "ended")
