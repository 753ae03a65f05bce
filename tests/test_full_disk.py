"""
A full disk: training goes on, what the disk refused is counted and said once, and nobody ever reads
a torn or an invented row.

Each row carries a text made from its step, with quotes and line feeds in it, so a piece of one row
that shows up as another would be noticed.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Rows until the disk is full and long after, then room again, then more rows.
PYTHON = """
import os, sys, lab_workbook
workbook = lab_workbook.new_experiment(bucket_prefix=sys.argv[1], tag="full")
log = workbook.new_time_series_log("loss", ["step", "text"])
for step in range(5000):
    if step == 4000:
        os.remove(sys.argv[1] + "ballast")
    log(step=step, text=f'{step}\\n"{step}"\\n' * (step % 7))
    if step == 3000:
        workbook.save_json("refused", list(range(100000)))
workbook.close()
print("went on")
"""

LUA = """
local labWorkbook = require 'lab-workbook'
local workbook = labWorkbook:newExperiment{bucketPrefix = arg[1], tag = 'full'}
local log = workbook:newTimeSeriesLog('loss', {'step', 'text'})
for step = 0, 4999 do
   if step == 4000 then os.remove(arg[1] .. 'ballast') end
   log{step = step, text = ('%d\\n"%d"\\n'):format(step, step):rep(step % 7)}
   if step == 3000 then
      local list = {}
      for i = 1, 100000 do list[i] = i end
      workbook:saveJSON('refused', list)
   end
end
workbook:close()
print('went on')
"""

LUAS = ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4")


def writers():
    yield pytest.param("python", id="python")
    for lua in LUAS:
        missing = pytest.mark.skipif(not shutil.which(lua), reason=f"{lua} is not installed")
        yield pytest.param(lua, id=lua, marks=missing)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB, of which 128 KiB are taken by a file that may be deleted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    (folder / "ballast").write_bytes(b"x" * 128 * 1024)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


# Artifacts whose names alone are more than the first block of the room for end.json.
PYTHON_NAMES = """
folder = "/".join("d" * 220 for _ in range(2))
for number in range(120):
    workbook.save_text(f"{folder}/{number}", "x")
"""

LUA_NAMES = """
local folder = (('d'):rep(220) .. '/'):rep(2)
for number = 0, 119 do workbook:saveText(folder .. number, 'x') end
"""


def run(
    writer: str, prefix: str, tmp_path: Path, *, room_at: int = 4000, has_names: bool = False
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script"
    text, names, begin = (
        (PYTHON, PYTHON_NAMES, "log =") if writer == "python" else (LUA, LUA_NAMES, "local log")
    )
    text = text.replace(begin, f"{names}{begin}", 1) if has_names else text
    script.write_text(text.replace("step == 4000", f"step == {room_at}"))
    environment = os.environ | {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;"}
    command = [sys.executable if writer == "python" else writer, str(script), prefix]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("writer", list(writers()))
def test_a_full_disk_tears_no_row_and_stops_no_training(writer, small_disk, tmp_path):
    """
    Rows read + rows lost = rows logged, each row read is whole, and rows after the shortage are there.
    """
    done = run(writer, f"{small_disk}/", tmp_path)

    experiment = lab_workbook.ExperimentRepository(str(small_disk))["full"]
    series = experiment["loss.csv"]
    end = json.loads((small_disk / "full/.lab-workbook/end.json").read_text())
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "went on"), done.stderr
    assert [text for step, text in series["text"].items() if text != f'{step}\n"{step}"\n' * (step % 7)] == []
    assert list(series.index) == sorted(set(series.index))
    assert 0 < end["lost"]["rows"] < 5000
    assert len(series) + end["lost"]["rows"] == 5000
    assert series.index[-1] == 4999
    assert end["lost"]["artifacts"] == 1
    assert experiment.status == "finished"
    assert len([line for line in done.stderr.splitlines() if "loss.csv" in line]) == 1


@pytest.mark.parametrize("writer", list(writers()))
def test_any_csv_reader_still_loads_a_series_from_a_full_disk(writer, small_disk, tmp_path):
    """
    Plain pandas, as the ancestor called it, reads the same rows from the file.
    """
    import pandas as pd

    run(writer, f"{small_disk}/", tmp_path)

    plain = pd.read_csv(
        small_disk / "full/loss.csv",
        index_col=0,
        parse_dates=["Date"],
        na_values=["nil"],
        keep_default_na=False,
    )
    assert list(plain.index) == list(
        lab_workbook.ExperimentRepository(str(small_disk))["full"]["loss.csv"].index
    )


@pytest.mark.parametrize("writer", list(writers()))
def test_a_disk_that_stays_full_has_room_for_the_ending(writer, small_disk, tmp_path):
    """
    The experiment is finished, and the rows that were lost are counted: nobody takes the rest for all of it.
    """
    done = run(writer, f"{small_disk}/", tmp_path, room_at=-1)

    experiment = lab_workbook.ExperimentRepository(str(small_disk))["full"]
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "went on"), done.stderr
    assert experiment.status == "finished", done.stderr
    rows = experiment["loss.csv"].index.tolist()
    assert rows == list(range(len(rows)))
    assert experiment.end["lost"]["rows"] == 5000 - len(rows) > 0
    assert experiment.end["lost"]["artifacts"] == 1
    assert experiment.verify().is_sound, experiment.verify().problems
    assert list(small_disk.glob("full/.lab-workbook/tmp/*")) == []


# A new name takes an inode where the file system counts hard links, as tmpfs does.
PYTHON_INODES = """
import sys, lab_workbook
workbook = lab_workbook.new_experiment(bucket_prefix=sys.argv[1], tag="full")
log = workbook.new_time_series_log("loss", ["step"])
log(step=0)
for number in range(100):
    workbook.save_text(f"text-{number}", "x")
workbook.close()
"""

LUA_INODES = """
local workbook = require('lab-workbook'):newExperiment{bucketPrefix = arg[1], tag = 'full'}
local log = workbook:newTimeSeriesLog('loss', {'step'})
log{step = 0}
for number = 0, 99 do workbook:saveText('text-' .. number, 'x') end
workbook:close()
"""


@pytest.mark.parametrize("writer", ["python", "luajit"])
def test_a_disk_without_inodes_has_one_for_the_ending(writer, small_disk, tmp_path):
    """
    The experiment is finished, and the artifacts that could not be created are counted.
    """
    program = sys.executable if writer == "python" else shutil.which(writer)
    if program is None:
        pytest.skip(f"{writer} is not installed")
    subprocess.run(["mount", "-o", "remount,size=8m,nr_inodes=60", small_disk], check=True)
    script = tmp_path / "script"
    script.write_text(PYTHON_INODES if writer == "python" else LUA_INODES)
    environment = os.environ | {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;"}

    subprocess.run([program, script, f"{small_disk}/"], env=environment, check=True)

    experiment = lab_workbook.ExperimentRepository(str(small_disk))["full"]
    assert experiment.status == "finished"
    texts = [name for name in experiment if name.startswith("text-")]
    assert experiment.end["lost"]["artifacts"] == 100 - len(texts) > 0
    assert experiment.verify().is_sound, experiment.verify().problems
    assert list(small_disk.glob("full/.lab-workbook/tmp/*")) == []


@pytest.mark.parametrize("writer", list(writers()))
def test_the_room_for_the_ending_grows_with_the_list_of_files(writer, small_disk, tmp_path):
    """
    An end.json with many long names has more bytes than one block.
    """
    subprocess.run(["mount", "-o", "remount,size=768k", small_disk], check=True)

    done = run(writer, f"{small_disk}/", tmp_path, room_at=-1, has_names=True)

    experiment = lab_workbook.ExperimentRepository(str(small_disk))["full"]
    assert experiment.status == "finished", done.stderr
    assert (small_disk / "full/.lab-workbook/end.json").stat().st_size > 48 * 1024
    assert len(experiment.end["files"]) == 122
    assert experiment.end["lost"]["rows"] == 5000 - len(experiment["loss.csv"]) > 0


# What flush and close return before something is refused, then, once there is room again, and at the end.
PYTHON_ANSWERS = """
import os, sys, lab_workbook
disk, loses_rows = sys.argv[1], sys.argv[2] == "rows"
workbook = lab_workbook.new_experiment(bucket_prefix=disk, tag="full")
log = workbook.new_time_series_log("loss", ["step"])
log(step=0)
answers = [workbook.flush()]
with open(disk + "filler", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
if loses_rows:
    for step in range(2000):
        log(step=step)
else:
    workbook.save_text("note", "x" * 10000)
answers.append(workbook.flush())
os.remove(disk + "filler")
workbook.save_text("note", "x" * 10000)
answers += [workbook.flush(), workbook.close()]
print(*(str(answer).lower() for answer in answers))
"""

LUA_ANSWERS = """
local disk, losesRows = arg[1], arg[2] == 'rows'
local workbook = require('lab-workbook'):newExperiment{bucketPrefix = disk, tag = 'full'}
local log = workbook:newTimeSeriesLog('loss', {'step'})
log{step = 0}
local first = workbook:flush()
local file = io.open(disk .. 'filler', 'wb')
file:setvbuf('no')
repeat until not file:write(('x'):rep(4096))
file:close()
if losesRows then
   for step = 0, 1999 do log{step = step} end
else
   workbook:saveText('note', ('x'):rep(10000))
end
local second = workbook:flush()
os.remove(disk .. 'filler')
workbook:saveText('note', ('x'):rep(10000))
print(first, second, workbook:flush(), workbook:close())
"""


@pytest.mark.parametrize(
    ("what", "answers"),
    [("rows", "true false false false"), ("an artifact", "true false true true")],
)
@pytest.mark.parametrize("writer", ["python", "luajit", "lua5.1"])
def test_flush_and_close_answer_false_for_what_the_disk_refused(writer, what, answers, small_disk, tmp_path):
    """
    As they do for files that were removed: a row is gone for good, an artifact until it is saved again.
    """
    program = sys.executable if writer == "python" else shutil.which(writer)
    if program is None:
        pytest.skip(f"{writer} is not installed")
    script = tmp_path / "script"
    script.write_text(PYTHON_ANSWERS if writer == "python" else LUA_ANSWERS)
    environment = os.environ | {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;"}

    done = subprocess.run(
        [program, script, f"{small_disk}/", what], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1].split() == answers.split(), done.stderr
