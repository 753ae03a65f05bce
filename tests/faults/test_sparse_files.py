"""
A checkpoint of many gigabytes, most of them holes: its copy takes no disk, and no script ends late for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook.store import multipart

from tests.faults import drill

GIGABYTE = 1 << 30
SIZE = 24 * GIGABYTE

PYTHON = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T", exit_max=2)
workbook.save_json("options", {"rate": 0.1})
workbook.save_file("model.bin", "model.bin")
workbook.close()
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T', exitMax = 2}
workbook:saveJSON('options', {rate = 0.1})
workbook:saveFile('model.bin', 'model.bin')
workbook:close()
"""

SCRIPTS = {"python": (sys.executable, PYTHON), "luajit": ("luajit", LUA), "lua5.1": ("lua5.1", LUA)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A sparse file with bytes at its beginning, in its middle and before the hole at its end."""
    path = tmp_path / "model.bin"
    with path.open("wb") as file:
        for position in (0, SIZE // 2 + 12345, SIZE - GIGABYTE):
            file.seek(position)
            file.write(b"weights at %d\n" % position * 1000)
        file.truncate(SIZE)
    if path.stat().st_blocks * 512 > GIGABYTE:
        pytest.skip("this file system has no sparse files")
    return path


@pytest.mark.parametrize("language", ["python", "luajit", pytest.param("lua5.1", marks=pytest.mark.soak)])
def test_a_sparse_file_stays_sparse_and_its_sum_is_not_waited_for(language, model, tmp_path):
    """
    Reading it would take longer than exitMax: end.json lists its size alone, and stderr reports it.
    """
    program, text = SCRIPTS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (tmp_path / "train").write_text(text)
    environment = {
        "LAB_WORKBOOK_BUCKET_PREFIX": f"{tmp_path}/runs/",
        "LUA_PATH": f"{drill.ROOT}/lua/?.lua;{drill.ROOT}/lua/?/init.lua;;",
    }

    ended = subprocess.run(
        [program, "train"],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )

    copy = tmp_path / "runs/T/model.bin"
    assert copy.stat().st_size == SIZE
    assert copy.stat().st_blocks <= model.stat().st_blocks + 1024
    assert extents(copy) == extents(model)
    assert len(extents(copy)) == 3
    experiment = lab_workbook.ExperimentRepository(f"{tmp_path}/runs/")["T"]
    assert experiment.end["files"]["model.bin"] == {"bytes": SIZE}
    assert {name for name, facts in experiment.end["files"].items() if "sha256" in facts} == {
        ".lab-workbook/begin.json",
        "options.json",
    }
    assert "exitMax" in ended.stderr
    assert experiment.status == "finished"


def extents(path: Path) -> list[tuple[int, bytes]]:
    """Return where the file has bytes other than zeros, and which."""
    found = []
    with path.open("rb") as file:
        end = 0
        while True:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return found
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            data = os.pread(file.fileno(), end - start, start)
            if data.strip(b"\0"):
                found.append((start + len(data) - len(data.lstrip(b"\0")), data.strip(b"\0")))


@pytest.mark.parametrize("size", [9 << 20, 50 * 10**9, 5 * 10**12])
def test_the_parts_of_any_object_are_within_what_s3_takes(size):
    """
    At most 10,000 of them, of 5 MiB to 5 GiB each (Amazon S3 User Guide, "multipart upload limits").
    """
    length = multipart.part_bytes(size)

    assert 5 << 20 <= length <= 5 << 30
    assert -(-size // length) <= 10_000
