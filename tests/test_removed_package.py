"""
The package is removed or replaced on the disk while a script runs: an upgrade, a virtual environment on NFS.

What was loaded at the start goes on; what was not is a loss, counted and warned of; the script ends as ever.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

# A script that changes its own installation, and then calls every verb.
SCRIPT = """
import os, shutil, signal, sys, time, types
import lab_workbook
import numpy as np

installed, change = sys.argv[1:3]
assert lab_workbook.__file__.startswith(installed)
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step"])
log(step=0)
open("source", "w").write("source")

if change == "removed":
    shutil.rmtree(installed)
else:
    for folder, _, names in os.walk(installed):
        for name in names:
            os.truncate(os.path.join(folder, name), os.path.getsize(os.path.join(folder, name)) // 2)

class Figure:
    def savefig(self, file, format):
        file.write(b"figure")

log(step=1)
workbook.new_time_series_log("later", ["step"])(step=0)
workbook.log({"loss": 0.5}, step=1)
workbook.save_json("json", {"password": "hunter22"})
workbook.save_text("text", "text")
workbook.save_file("file", "source")
workbook.save_file("moved", "source", move=True)
workbook.save_figure("figure", Figure())
workbook.save_tensors("tensors", {"weight": np.zeros(3)})
workbook.save_t7("t7", {"weight": np.zeros(3)})
workbook.save_git_status()
workbook.save_environment()
workbook.capture_output()
workbook.sample_system()
workbook.flush()
print("went on", workbook.tag, workbook)
exec(sys.argv[3])
"""

# The others come with modules that cost too much to be loaded at the start of each experiment.
STORED = ("loss.csv", "later.csv", "metrics.csv", "json.json", "text", "file", "moved", "figure.png")
LOST = ("save_t7", "save_git_status", "save_environment", "capture_output", "sample_system")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a copy of the package."""
    folder = tmp_path / "installed"
    for source in (ROOT / "reader/lab_workbook", ROOT / "python_writer/lab_workbook_writer"):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(installed: Path, change: str, end: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    work = installed.parent / "work"
    work.mkdir()
    # An interpreter that finds our dependencies and no other copy of the package, not even by a .pth file.
    libraries = [path for path in sys.path if path and not glob.glob(f"{path}/lab_workbook*/__init__.py")]
    return subprocess.run(
        [sys._base_executable, "-c", SCRIPT, str(installed), change, end],
        cwd=work,
        env={**os.environ, "PYTHONPATH": ":".join([str(installed), *libraries]), **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_package_that_changes_costs_only_what_was_not_loaded(change, installed, tmp_path):
    """
    And of that each verb is one artifact in end.json, where all other files are listed.
    """
    done = run(installed, change, LAB_WORKBOOK_BUCKET_PREFIX=str(tmp_path / "runs"))

    end = json.loads((tmp_path / "runs/T/.lab-workbook/end.json").read_text())
    assert done.returncode == 0, done.stderr
    assert "went on T" in done.stdout
    assert end["files"].keys() >= {*STORED, "tensors.safetensors"}
    assert end["lost"] == {"rows": 0, "artifacts": len(LOST), "texts": 0, "integers": 0, "secrets": 1}
    assert done.stderr.count("an artifact was lost ('t7.t7': ") == 1
    assert (tmp_path / "runs/T/loss.csv").read_text().count("\n") == 3


def test_a_running_uploader_delivers_all_the_same(installed, bucket_prefix):
    """
    It has loaded what it needs when it was started.
    """
    done = run(installed, "removed", LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix)

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert done.returncode == 0, done.stderr
    assert experiment.status in ("ended", "finished")
    assert {*STORED, "tensors.safetensors"} <= set(experiment.list_artifacts())
    assert experiment.end["lost"]["artifacts"] == len(LOST)


def test_a_script_whose_uploader_cannot_be_started_again_ends_as_ever(installed, bucket_prefix, isolation):
    """
    It says how the rest is delivered, by a package that is there.
    """
    kill = """
journal = workbook._place.root + ".lab-workbook/journal"
import json
for line in open(journal):
    if '"started"' in line:
        os.kill(json.loads(line)["pid"], signal.SIGKILL)
"""
    done = run(
        installed, "removed", kill, LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix, LAB_WORKBOOK_EXIT_TIMEOUT="6"
    )

    (spool,) = (isolation / ".local/state/lab-workbook").glob("T.*")
    assert done.returncode == 0, done.stderr
    assert f"lab-workbook push {spool}" in done.stderr
    pushed = subprocess.run(
        [sys.executable, "-m", "lab_workbook.cli", "push", str(spool)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert pushed.returncode == 0, pushed.stderr
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.end["lost"]["artifacts"] == len(LOST)
    assert {*STORED} <= set(experiment.list_artifacts())
