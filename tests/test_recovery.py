"""
What a killed script has left is delivered by the next experiment of its user, in whatever language that is.
"""

import json
import os
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
import sys, lab_workbook
workbook = lab_workbook.new_experiment(tag=sys.argv[1])
print("claimed", flush=True)
sys.stdin.readline()
log = workbook.new_time_series_log("loss", ["step"])
for step in range(100):
    log(step=step)
workbook.save_json("options", {"rate": 0.1})
print("saved", flush=True)
sys.stdin.readline()
workbook.close()
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = arg[1]}
io.stdout:setvbuf('no')
print('claimed')
io.read()
local log = workbook:newTimeSeriesLog('loss', {'step'})
for step = 0, 99 do
   log{step = step}
end
workbook:saveJSON('options', {rate = 0.1})
print('saved')
io.read()
workbook:close()
"""

SCRIPTS = {"python": (sys.executable, PYTHON), "luajit": ("luajit", LUA)}


@pytest.fixture
def start(bucket_prefix, tmp_path, monkeypatch):
    """Start a script in a language, which records an experiment of a tag; it ends with the test."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    started = []

    def start(language, tag):
        program, text = SCRIPTS[language]
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: make setup-lua")
        script = tmp_path / f"train-{tag}"
        script.write_text(text)
        started.append(
            subprocess.Popen(
                [program, str(script), tag],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
            )
        )
        read(started[-1], "claimed")
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read(process, line):
    while (found := process.stdout.readline()) != f"{line}\n":
        assert found, f"the script has ended before {line!r}"


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize(("first", "then"), [("python", "luajit"), ("luajit", "python")])
def test_the_next_experiment_delivers_what_a_killed_one_has_left(
    first, then, start, bucket_prefix, isolation
):
    """
    Script and uploader were killed before anything but the claim was in the bucket.
    """
    spools = isolation / ".local/state/lab-workbook"
    killed = start(first, "killed")
    (journal,) = spools.glob("killed.*/.lab-workbook/journal")
    events = map(json.loads, journal.read_text().splitlines())
    os.kill(next(event["pid"] for event in events if event["event"] == "started"), signal.SIGKILL)
    go_on(killed)
    read(killed, "saved")
    killed.kill()
    killed.wait()
    repository = lab_workbook.ExperimentRepository(bucket_prefix)
    before = repository["killed"].list_artifacts()

    following = start(then, "next")
    go_on(following)
    read(following, "saved")
    go_on(following)
    following.wait(90)
    deadline = time.monotonic() + 90
    while any(path.is_dir() for path in spools.iterdir()):
        assert time.monotonic() < deadline, list(spools.iterdir())
        time.sleep(0.05)

    assert before == []
    for tag, status in (("killed", "interrupted"), ("next", "finished")):
        experiment = repository[tag]
        assert experiment.status == status
        assert list(experiment["loss.csv"].index) == list(range(100))
        assert experiment["options.json"] == {"rate": 0.1}
        assert not any(experiment.end["lost"].values())
