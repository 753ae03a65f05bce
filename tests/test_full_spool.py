"""
A spool whose disk is full of checkpoints that the network does not take away: rows and documents go on.

The same script runs in both languages. Between its two halves the network goes away and comes back.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

PYTHON = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="full")
log = workbook.new_time_series_log("loss", ["step"])
print("started", flush=True)
input()
with open("model", "wb") as file:
    # Not zeros, of which cp may make holes that take no place.
    file.write(b"x" * (5 * 1024 * 256))
for number in range(20):
    workbook.save_file(f"model-{number}", "model")
for step in range(50000):
    log(step=step)
workbook.save_json("results", list(range(20000)))
workbook.save_text("remarks", "still here")
print("saved", flush=True)
input()
workbook.close()
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'full'}
local log = workbook:newTimeSeriesLog('loss', {'step'})
io.stdout:setvbuf('no')
print('started')
io.read()
local file = io.open('model', 'wb')
file:write(('x'):rep(5 * 1024 * 256))
file:close()
for number = 0, 19 do
   workbook:saveFile('model-' .. number, 'model')
end
for step = 0, 49999 do
   log{step = step}
end
local list = {}
for number = 1, 20000 do list[number] = number - 1 end
workbook:saveJSON('results', list)
workbook:saveText('remarks', 'still here')
print('saved')
io.read()
workbook:close()
"""


def writers():
    yield "python"
    for lua in ("luajit", "lua5.1", "lua5.4"):
        missing = pytest.mark.skipif(not shutil.which(lua), reason=f"{lua} is not installed")
        yield pytest.param(lua, marks=missing)


@pytest.fixture
def spools(tmp_path):
    """A folder for spools on a disk of 20 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("writer", list(writers()))
def test_a_full_spool_keeps_rows_and_documents_and_counts_refused_checkpoints(
    writer, spools, late_s3, bucket_prefix, tmp_path
):
    """
    What was refused is counted and said once, and all else is in the bucket when the network is back.
    """
    script = tmp_path / "train"
    script.write_text(PYTHON if writer == "python" else LUA)
    process = subprocess.Popen(
        [sys.executable if writer == "python" else writer, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
            "LAB_WORKBOOK_SPOOL_DIR": str(spools),
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )
    with late_s3.running():
        while process.stdout.readline() != "started\n":
            assert process.poll() is None, process.stderr.read()
    process.stdin.write("\n")
    process.stdin.flush()
    while process.stdout.readline() != "saved\n":
        assert process.poll() is None, process.stderr.read()
    with late_s3.running():
        _, said = process.communicate("\n", timeout=90)

        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["full"]
        end = experiment.end
        kept = [name for name in experiment.list_artifacts() if name.startswith("model-")]

        assert process.returncode == 0, said
        assert list(experiment["loss.csv"].index) == list(range(50000))
        assert experiment["results.json"] == list(range(20000))
        assert experiment["remarks"] == "still here"
        assert 10 < len(kept) < 16
        refused = 20 - len(kept)
        assert end["lost"] == {"rows": 0, "artifacts": refused, "texts": 0, "integers": 0, "secrets": 0}
        assert said.count("kept for rows and documents") == 1
        assert {end["files"][name]["bytes"] for name in kept} == {5 * 1024 * 256}
    assert list(spools.iterdir()) == []
