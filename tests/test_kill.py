"""
Promise P1, by force: a training loop is killed at a moment that nobody chose, and every row whose
call had returned is read back.

The loop acknowledges each row on a pipe after the call has returned, so the test knows what was
promised. More rows may be there (one call may have written without having said so), never fewer,
and never half a row.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

PYTHON = """
import os, lab_workbook
acknowledge = int(os.environ["ACKNOWLEDGE"])
workbook = lab_workbook.new_experiment(tag="killed", upload_every=1)
log = workbook.new_time_series_log("loss", ["step", "loss", "note"])
for step in range(10**9):
    log(step=step, loss=step / 3, note='a "quoted"\\nline')
    os.write(acknowledge, b".")
"""

LUA = """
local acknowledge = io.open('/dev/fd/' .. os.getenv('ACKNOWLEDGE'), 'wb')
acknowledge:setvbuf('no')
local workbook = require('lab-workbook'):newExperiment{tag = 'killed', uploadEvery = 1}
local log = workbook:newTimeSeriesLog('loss', {'step', 'loss', 'note'})
for step = 0, 1e9 do
   log{step = step, loss = step / 3, note = 'a "quoted"\\nline'}
   acknowledge:write('.')
end
"""

LUAS = ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4")


def writers():
    yield pytest.param([sys.executable, "-c", PYTHON], id="python")
    for lua in LUAS:
        missing = pytest.mark.skipif(not shutil.which(lua), reason=f"{lua} is not installed")
        yield pytest.param([lua, "-e", LUA], id=lua, marks=missing)


def killed_after(command: list[str], rows: int, environment: dict[str, str]) -> int:
    """Kill the loop once it has acknowledged so many rows, and return how many it had."""
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        command,
        pass_fds=(theirs,),
        env=os.environ | environment | {"ACKNOWLEDGE": str(theirs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    acknowledged = 0
    while acknowledged < rows:
        chunk = os.read(ours, 65536)
        assert chunk, process.communicate()[1].decode()
        acknowledged += len(chunk)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    os.set_blocking(ours, False)
    while True:
        try:
            chunk = os.read(ours, 65536)
        except BlockingIOError:
            break
        if not chunk:
            break
        acknowledged += len(chunk)
    os.close(ours)
    return acknowledged


def assert_truth(series, acknowledged: int) -> None:
    steps = list(series.index)
    assert steps == list(range(len(steps)))
    assert len(steps) in (acknowledged, acknowledged + 1)
    assert all(series["loss"] == [step / 3 for step in steps])
    assert set(series["note"]) <= {'a "quoted"\nline'}


def lua_path() -> dict[str, str]:
    return {
        "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
        # Where the rock finds the command `lab-workbook`.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.mark.parametrize("command", list(writers()))
def test_a_killed_script_loses_no_row_on_a_folder(command, tmp_path):
    """
    Each row whose call had returned is there, and the status says that the script was lost.
    """
    for trial in range(3):
        prefix = f"{tmp_path}/{trial}/"
        acknowledged = killed_after(
            command, random.randrange(1, 5000), {"LAB_WORKBOOK_BUCKET_PREFIX": prefix} | lua_path()
        )

        experiment = lab_workbook.ExperimentRepository(prefix)["killed"]

        assert_truth(experiment["loss.csv"], acknowledged)
        assert experiment.status == "lost"


@pytest.mark.parametrize("command", list(writers()))
def test_a_killed_script_loses_no_row_on_its_way_to_s3(command, bucket_prefix):
    """
    The uploader outlives the script, delivers what it left, and calls it interrupted.
    """
    acknowledged = killed_after(
        command,
        random.randrange(1, 5000),
        {"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix} | lua_path(),
    )

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["killed"]
    deadline = time.monotonic() + 120
    while experiment.status != "interrupted" and time.monotonic() < deadline:
        time.sleep(0.2)

    assert experiment.status == "interrupted"
    assert_truth(experiment["loss.csv"], acknowledged)
