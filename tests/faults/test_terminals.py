"""
Scripts without a terminal: closed standard streams, `setsid`, `nohup`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lab_workbook
import pytest

from tests.faults import drill

RECORD = """
log = workbook.new_time_series_log("loss", ["step"])
for step in range(100):
    log(step=step)
workbook.save_json("options", {"rate": 0.1})
workbook.close()
open(done, "w").close()
"""

START = "import sys\nimport lab_workbook\nout, done = sys.argv[1:]\n"
NEW = "workbook = lab_workbook.new_experiment(tag='T', upload_every=0.2)\n"

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T', uploadEvery = 0.2}
local logs = {}
for number = 1, 5 do logs[number] = workbook:newTimeSeriesLog('loss' .. number, {'step'}) end
for step = 0, 99 do
   for _, log in ipairs(logs) do log{step = step} end
   -- Whoever closes the standard files goes on to print, often without knowing it.
   print('progress', step)
   io.stderr:write('a warning of another library\\n')
   io.stdout:flush()
end
workbook:saveJSON('options', {rate = 0.1})
workbook:close()
io.open(arg[1], 'w'):close()
"""

LUAS = ("luajit", "lua5.1", "lua5.4")


@pytest.fixture(params=["folder", "s3"])
def prefix(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a folder or in a bucket, and an environment for scripts that use it."""
    prefix = f"{tmp_path}/runs/" if request.param == "folder" else request.getfixturevalue("bucket_prefix")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", prefix)
    monkeypatch.setenv("LUA_PATH", f"{drill.ROOT}/lua/?.lua;{drill.ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return str(prefix)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_whole(prefix: str, *series: str) -> None:
    experiment = lab_workbook.ExperimentRepository(prefix)["T"]
    assert (experiment.status, set(experiment.end["lost"].values())) == ("finished", {0})
    for name in series:
        assert list(experiment[name].index) == list(range(100))
    assert experiment["options.json"] == {"rate": 0.1}
    assert experiment.verify().is_sound


@pytest.mark.parametrize("lua", ["luajit", *(pytest.param(lua, marks=pytest.mark.soak) for lua in LUAS[1:])])
def test_standard_files_that_are_closed_become_no_series(lua, prefix, tmp_path):
    """
    The first files that such a script opens get the numbers 0, 1 and 2, to which everybody prints.
    """
    if shutil.which(lua) is None:
        pytest.skip(f"{lua} is not installed")
    (tmp_path / "train.lua").write_text(LUA)

    command = f"exec setsid {lua} train.lua done <&- >&- 2>&-"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=60)
    wait_for(tmp_path / "done")

    assert_whole(prefix, *(f"loss{number}.csv" for number in range(1, 6)))


@pytest.mark.parametrize("program", [sys.executable, "luajit"], ids=["python", "luajit"])
def test_nohup_outlives_its_terminal(program, prefix, tmp_path):
    """
    The hangup goes to the whole group of processes, and neither script nor uploader ends of it.
    """
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    text = LUA if program == "luajit" else START + NEW + "input()\n" + RECORD
    if program == "luajit":
        text = text.replace("local logs", "io.read()\nlocal logs")
    (tmp_path / "train").write_text(text)
    arguments = [str(tmp_path / "done")] if program == "luajit" else ["out", str(tmp_path / "done")]
    script = subprocess.Popen(
        ["nohup", program, "train", *arguments],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert script.stdout.readline().startswith("lab-workbook: experiment T")

    os.killpg(script.pid, signal.SIGHUP)
    script.communicate("\n", timeout=60)

    assert script.returncode == 0
    assert_whole(prefix, *(["loss1.csv", "loss5.csv"] if program == "luajit" else ["loss.csv"]))
