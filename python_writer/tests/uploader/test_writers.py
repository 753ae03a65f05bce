"""Both writers and the uploader together: what a script saved is in the bucket when it has ended."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parents[3]

PYTHON = """
import lab_workbook
with lab_workbook.new_experiment(tag="mine") as workbook:
    workbook.save_json("options", {"rate": 0.1})
    log = workbook.new_time_series_log("loss", ["epoch", "loss"])
    for epoch in range(200):
        log(epoch=epoch, loss=1 / (epoch + 1))
    workbook.save_text("notes/why.txt", "because\\n")
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'mine'}
workbook:saveJSON('options', {rate = 0.1})
local log = workbook:newTimeSeriesLog('loss', {'epoch', 'loss'})
for epoch = 0, 199 do
   log{epoch = epoch, loss = 1 / (epoch + 1)}
end
workbook:saveText('notes/why.txt', 'because\\n')
workbook:close()
"""

INTERPRETERS = ["luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4"]


@pytest.fixture(params=["python", *INTERPRETERS])
def trained(request, bucket_prefix, monkeypatch, tmp_path):
    """Run a script that records an experiment called "mine"."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    if request.param == "python":
        command = [sys.executable, "-c", PYTHON]
    else:
        if shutil.which(request.param) is None:
            pytest.skip(f"{request.param} is not installed: make setup-lua")
        script = tmp_path / "train.lua"
        script.write_text(LUA)
        command = [request.param, str(script)]
        monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=90, cwd=tmp_path)


def test_a_script_that_has_ended_has_delivered_everything(trained, isolation):
    """
    The reader finds each artifact as it was saved, and the spool is gone.
    """
    assert trained.returncode == 0, trained.stderr
    experiment = lab_workbook.ExperimentRepository()["mine"]

    assert experiment.list_artifacts() == ["loss.csv", "notes/why.txt", "options.json"]
    assert experiment["options.json"] == {"rate": 0.1}
    assert experiment["notes/why.txt"] == "because\n"
    assert list(experiment["loss.csv"]["loss"]) == [1 / (epoch + 1) for epoch in range(200)]
    assert experiment.status == "finished"
    assert list((isolation / ".local/state/lab-workbook").iterdir()) == []
