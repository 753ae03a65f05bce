"""
What a script runs in is told in the same way by both writers, and asking for it harms nobody.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import lab_workbook
import pytest
from lab_workbook_writer.capture import environment, hardware

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "spec/v1/schemas/environment.schema.json").read_text())
LUA = "local w = require('lab-workbook'):newExperiment{tag = 'T'}; w:saveEnvironment(); w:close()"
PYTHON = (
    "import lab_workbook\n"
    "with lab_workbook.new_experiment(tag='T') as workbook: workbook.save_environment()\n"
)
# Written as nvidia-smi writes it, for machines without one.
SMI = """#!/bin/sh
echo 'Tesla V100-SXM2-16GB' > /dev/null
echo '0, Tesla V100-SXM2-16GB, GPU-1f9ab0f1, 16160, 550.54.15'
echo '1, NVIDIA GB10, GPU-2, [N/A], 550.54.15'
"""


@pytest.fixture(params=("python", "luajit", "lua5.4"))
def record(request, tmp_path):
    """Let a writer save its environment in a process with these variables; returns the document."""

    def record(*arguments, **variables):
        script = tmp_path / "script"
        script.write_text(PYTHON if request.param == "python" else LUA)
        home = tmp_path / "runs"
        paths = {
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "LAB_WORKBOOK_BUCKET_PREFIX": str(home),
        }
        program = sys.executable if request.param == "python" else request.param
        done = subprocess.run(
            [program, str(script), *arguments],
            env={**os.environ, **paths, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        document = json.loads((home / "T/environment.json").read_text())
        jsonschema.validate(document, SCHEMA)
        return document, json.loads((home / "T/.lab-workbook/end.json").read_text()), done.stderr

    if request.param != "python" and not _is_there(request.param):
        pytest.skip(f"{request.param} is not installed")
    return record


def _is_there(program):
    return any(os.access(f"{folder}/{program}", os.X_OK) for folder in os.environ["PATH"].split(":"))


def test_both_languages_tell_the_same(record, tmp_path):
    """
    Of the machine, the command and the working directory; each its own interpreter.
    """
    document, _, _ = record("--epochs", "3")

    ours = environment.capture().document
    for key in ("host", "os", "cpu", "memory", "gpus"):
        assert document[key] == ours[key]
    assert document["command"][1:] == [str(tmp_path / "script"), "--epochs", "3"]
    assert document["workingDirectory"] == str(tmp_path)
    assert document["language"]["name"] in ("Python", "LuaJIT", "Lua")
    assert os.path.isabs(document["language"]["executable"])
    assert "missing" not in document


def test_secrets_are_cut_and_counted(record):
    """
    In variables and in the command; variables that bear on nothing are not told at all.
    """
    document, end, stderr = record(
        "-apiKey",
        "hunter2",
        SLURM_JWT="abc",
        LAB_WORKBOOK_NOTE_URL="https://me:hunter2@h",
        CUDA_VISIBLE_DEVICES="0,1",
        MY_VARIABLE="mine",
    )

    assert "hunter2" not in json.dumps(document)
    assert document["command"][-2:] == ["-apiKey", "[redacted]"]
    assert document["variables"]["SLURM_JWT"] == "[redacted]"
    assert document["variables"]["LAB_WORKBOOK_NOTE_URL"] == "https://me:[redacted]@h"
    assert document["variables"]["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert "MY_VARIABLE" not in document["variables"]
    assert end["lost"]["secrets"] == 2
    assert "SLURM_JWT" in stderr
    assert "hunter2" not in stderr


def test_gpus_are_told(record, tmp_path):
    """
    As nvidia-smi tells of them.
    """
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    program.write_text(SMI)
    program.chmod(0o755)

    document, _, _ = record(PATH=f"{program.parent}:{os.environ['PATH']}")

    assert document["gpus"] == [
        {
            "index": 0,
            "name": "Tesla V100-SXM2-16GB",
            "uuid": "GPU-1f9ab0f1",
            "memory": 16160 << 20,
            "driver": "550.54.15",
        },
        {"index": 1, "name": "NVIDIA GB10", "uuid": "GPU-2", "driver": "550.54.15"},
    ]


def test_a_driver_that_hangs_holds_nobody_up(tmp_path, monkeypatch):
    """
    It is left out, the document says why, and all else is there.
    """
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(hardware, "_SMI_SECONDS", 0.5)
    start = time.monotonic()

    document = environment.capture().document

    assert time.monotonic() - start < 15
    assert "gpus" not in document
    (missing,) = document["missing"]
    assert missing.startswith("gpus: ")
    assert "timed out" in missing
    jsonschema.validate(document, SCHEMA)


def test_a_working_directory_that_is_gone_is_left_out(tmp_path, monkeypatch):
    """
    Nothing of this raises into the script.
    """
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    document = environment.capture().document

    assert "workingDirectory" not in document
    assert any(line.startswith("workingDirectory: ") for line in document["missing"])


def test_packages_are_those_that_pip_knows():
    """
    By the names and versions of their metadata.
    """
    packages = environment.capture().document["packages"]

    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True
    )
    assert packages == {each["name"]: each["version"] for each in json.loads(listed.stdout)}


def test_rocks_are_those_that_luarocks_knows(tmp_path):
    """
    A rock that is installed is told with its version.
    """
    if not (_is_there("luarocks") and _is_there("lua5.1")):
        pytest.skip("luarocks is not installed")
    tree = tmp_path / "home/.luarocks"
    rock = ROOT / "lua/lab-workbook-1.1.0-1.rockspec"
    variables = {**os.environ, "HOME": str(tmp_path / "home"), "LUA_PATH": f"{ROOT}/lua/?.lua;;"}
    subprocess.run(["luarocks", "--tree", tree, "make", rock], cwd=ROOT / "lua", env=variables, check=True)

    script = "print(require('lab-workbook.environment').capture().document.packages['lab-workbook'])"
    done = subprocess.run(
        ["lua5.1", "-e", script], env=variables, capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert done.stdout == "1.1.0-1\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "250000 100000\n"}, 2.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({}, None),
        ({"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_the_limit_of_a_cgroup_is_told(tmp_path, monkeypatch, files, expected):
    """
    In both versions of cgroups, as a number of processors.
    """
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hardware, "_cgroup_folders", lambda _: [str(tmp_path)])

    assert hardware.cpu()["limit"] == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"memory.max": "1073741824\n"}, 1 << 30),
        ({"memory.max": "max\n"}, None),
        ({"memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ({"memory.limit_in_bytes": "4096\n"}, 4096),
    ],
)
def test_the_memory_of_a_cgroup_is_told(tmp_path, monkeypatch, files, expected):
    """
    And not the number that stands for no limit.
    """
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hardware, "_cgroup_folders", lambda _: [str(tmp_path)])

    assert hardware.memory()["limit"] == expected


def test_a_workbook_that_is_switched_off_asks_for_nothing(monkeypatch):
    """
    It would take a second for nothing.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")
    monkeypatch.setattr(environment, "capture", lambda: pytest.fail("it was asked"))

    with lab_workbook.new_experiment() as workbook:
        workbook.save_environment()


def test_two_names_are_two_environments(tmp_path):
    """
    Of the beginning and of the end, say.
    """
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T") as workbook:
        workbook.save_environment()
        workbook.save_environment("environment at the end")

    assert {path.name for path in (tmp_path / "T").glob("*.json")} == {
        "environment.json",
        "environment at the end.json",
    }
