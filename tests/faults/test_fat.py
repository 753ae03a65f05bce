"""
A folder on vfat or exFAT: no hard links, no letter case, some characters forbidden, times of two seconds.

macOS takes `é` for `É` in the same way. What such a folder cannot store is reported once and counted; nothing
that is there is replaced by it.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest

from tests.faults import drill

pytestmark = pytest.mark.soak

PYTHON = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
names = ["Train/loss", "train/accuracy", "\\u00c9", "\\u00e9", "a:b"]
logs = [workbook.new_time_series_log(name, ["step"]) for name in names]
for step in range(100):
    for index, log in enumerate(logs):
        log(step=1000 * index + step)
for version in (1, 2):
    workbook.save_json("Train/options", {"version": version})
    workbook.save_json("train/results", {"version": version})
    workbook.save_text("\\u00dc", f"large {version}")
    workbook.save_text("\\u00fc", f"small {version}")
    workbook.save_text("why?", "a question")
workbook.flush(30)
workbook.close()
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local logs = {}
for index, name in ipairs{'Train/loss', 'train/accuracy', '\\195\\137', '\\195\\169', 'a:b'} do
   logs[index] = workbook:newTimeSeriesLog(name, {'step'})
end
for step = 0, 99 do
   for index, log in ipairs(logs) do log{step = 1000 * (index - 1) + step} end
end
for version = 1, 2 do
   workbook:saveJSON('Train/options', {version = version})
   workbook:saveJSON('train/results', {version = version})
   workbook:saveText('\\195\\156', ('large %d'):format(version))
   workbook:saveText('\\195\\188', ('small %d'):format(version))
   workbook:saveText('why?', 'a question')
end
workbook:flush(30)
workbook:close()
"""

SCRIPTS = {"python": (sys.executable, PYTHON), "luajit": ("luajit", LUA), "lua5.1": ("lua5.1", LUA)}


@pytest.fixture
def fat(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system like vfat."""
    pytest.importorskip("mfusepy", reason="pip install mfusepy", exc_type=ImportError)
    if not (os.access("/dev/fuse", os.W_OK) and ctypes.util.find_library("fuse3")):
        pytest.skip("there is no FUSE here: apt-get install fuse3")
    storage, mount_point = tmp_path / "storage", tmp_path / "fat"
    storage.mkdir()
    mount_point.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.fat", str(storage), str(mount_point)], cwd=drill.ROOT
    )
    try:
        deadline = time.monotonic() + 30
        while not mount_point.is_mount():
            if server.poll() is not None:
                pytest.skip("this user may not mount")
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield mount_point
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(mount_point)], check=False)
        server.terminate()
        server.wait(30)


@pytest.fixture(params=["python", "luajit", "lua5.1"])
def run(request: pytest.FixtureRequest, tmp_path: Path):
    """Run the script in one language to its end; returns its stderr."""
    program, text = SCRIPTS[request.param]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    script = tmp_path / "train"
    script.write_text(text)

    def run(prefix: str, **more: str) -> str:
        environment = {
            "LAB_WORKBOOK_BUCKET_PREFIX": prefix,
            "LUA_PATH": f"{drill.ROOT}/lua/?.lua;{drill.ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        ended = subprocess.run(
            [program, str(script)],
            env=os.environ | environment | more,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    return run


def lost(experiment) -> dict[str, int]:
    return {kind: count for kind, count in experiment.end["lost"].items() if count}


def rows(experiment, name: str) -> list[int]:
    return list(experiment[name].index)


def assert_series(experiment) -> None:
    """Every series has its own rows, but those that met another name."""
    for number, name in enumerate(("Train/loss.csv", "train/accuracy.csv", "É.csv")):
        assert rows(experiment, name) == list(range(1000 * number, 1000 * number + 100)), name


def test_a_folder_keeps_what_it_can_and_counts_the_rest(fat, run):
    """
    `é` must not replace `É`; a folder that is spelled in two ways is one, and end.json lists its spelling.
    """
    stderr = run(f"{fat}/runs/")

    experiment = lab_workbook.ExperimentRepository(f"{fat}/runs/")["T"]
    assert experiment.status == "finished"
    assert_series(experiment)
    assert experiment["Train/options.json"] == experiment["train/results.json"] == {"version": 2}
    assert experiment["Ü"] == "large 2"
    # The rows of é and of a:b; twice ü, and twice why?.
    assert lost(experiment) == {"rows": 200, "artifacts": 4}
    assert "letter case" in stderr
    assert experiment.verify().is_sound
    assert sorted(experiment.list_artifacts()) == [
        "Train/accuracy.csv",
        "Train/loss.csv",
        "Train/options.json",
        "Train/results.json",
        "É.csv",
        "Ü",
    ]


def test_a_tag_is_claimed_once_without_hard_links(fat, run):
    """
    Whatever its letter case.
    """
    run(f"{fat}/runs/")
    repository = lab_workbook.ExperimentRepository(f"{fat}/runs/")
    repository["T"].add_note("it was I")

    with pytest.raises(lab_workbook.TagTaken):
        lab_workbook.new_experiment(bucket_prefix=f"{fat}/runs/", tag="t")

    assert [note["text"] for note in repository["T"].notes] == ["it was I"]
    assert repository["T"].verify().is_sound


def test_a_spool_delivers_every_name_that_its_disk_can_hold(fat, run, bucket_prefix):
    """
    Artifacts wait under numbers, so only series meet the limits of the disk.
    """
    stderr = run(bucket_prefix, LAB_WORKBOOK_SPOOL_DIR=f"{fat}/spools", LAB_WORKBOOK_UPLOAD_EVERY="0.2")

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert_series(experiment)
    assert (experiment["Ü"], experiment["ü"], experiment["why?"]) == ("large 2", "small 2", "a question")
    assert lost(experiment) == {"rows": 200}
    assert "letter case" in stderr
    assert not [name for name in os.listdir(fat / "spools") if not name.startswith(".")]


@pytest.mark.parametrize("language", ["python", "luajit"], indirect=True)
def test_a_killed_script_is_delivered_from_such_a_spool(fat, train, proxy, language):
    """
    Locks, renames, and times of two seconds are enough for the next uploader.
    """
    training = train(language, spool_dir=f"{fat}/spools")
    (spool,) = (fat / "spools").glob("T.*")
    training.wait_until(lambda: training.has_logged(300), "rows")
    training.kill()

    deadline = time.monotonic() + 60
    while spool.exists():
        assert time.monotonic() < deadline, (spool / ".lab-workbook/log").read_text()
        time.sleep(0.1)

    experiment = training.experiment()
    assert experiment.status == "interrupted"
    assert rows(experiment, "loss.csv") == list(range(len(rows(experiment, "loss.csv"))))
    assert len(rows(experiment, "loss.csv")) >= 300
    assert not lost(experiment)
    assert json.loads(proxy.puts("*/end.json")[0].content)["outcome"] == "interrupted"
