"""
Checkpoints leave the disk once they are in the bucket: a long training needs no more room than a short one.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent
MEBIBYTE = 1024 * 1024

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local function held()
   local pipe = io.popen('ls "$LAB_WORKBOOK_SPOOL_DIR"/T.*/.lab-workbook/outbox | wc -l')
   local count = pipe:read('*n')
   pipe:close()
   return count
end
for number = 1, tonumber(arg[1]) do
   local file = io.open('model', 'wb')
   file:write(string.char(number % 256):rep(1024 * 1024))
   file:close()
   workbook:saveFile('model-' .. number, 'model')
   print(held())
   while held() >= 2 do os.execute('sleep 0.05') end
end
print('closed', workbook:close())
"""


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.s3
@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.soak)])
def test_at_most_two_checkpoints_lie_on_the_disk(count, bucket_prefix, isolation, tmp_path):
    """
    The one that is being sent and the one that was just saved, where the network keeps up.
    """
    spools = isolation / ".local" / "state" / "lab-workbook"
    model = tmp_path / "model"
    held = []
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        (spool,) = spools.iterdir()
        outbox = spool / ".lab-workbook" / "outbox"
        for number in range(count):
            model.write_bytes(os.urandom(MEBIBYTE))
            workbook.save_file(f"model-{number}", model)
            held.append(len(list(outbox.iterdir())))
            # An epoch takes longer than its checkpoint: so long that the one before has gone.
            wait_until(lambda: len(list(outbox.iterdir())) < 2)
        temporary = list((spool / ".lab-workbook" / "tmp").iterdir())

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]
    assert max(held) <= 2
    assert temporary == []
    assert len(experiment.list_artifacts()) == count
    assert not any(experiment.end["lost"].values())


@pytest.mark.s3
@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.soak)])
def test_at_most_two_checkpoints_of_a_lua_script_lie_on_the_disk(count, bucket_prefix, tmp_path, monkeypatch):
    """
    As the writer sees it, which is the one that adds them.
    """
    if shutil.which("luajit") is None:
        pytest.skip("luajit is not installed: make setup-lua")
    (tmp_path / "train.lua").write_text(LUA)
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    monkeypatch.setenv("LAB_WORKBOOK_SPOOL_DIR", str(tmp_path / "spools"))
    monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    done = subprocess.run(
        ["luajit", "train.lua", str(count)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("closed\ttrue\n")
    held = [int(line) for line in done.stdout.splitlines() if line.isdigit()]
    assert len(held) == count
    assert max(held) <= 2
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert len(experiment.list_artifacts()) == count
    assert not any(experiment.end["lost"].values())


@pytest.mark.s3
def test_checkpoints_under_one_name_are_replaced_before_they_are_sent(
    bucket_prefix, late_s3, isolation, tmp_path
):
    """
    While the network is away the newest of them waits, beside the one that was being sent.
    """
    spools = isolation / ".local" / "state" / "lab-workbook"
    with late_s3.running():
        workbook = lab_workbook.new_experiment(bucket_prefix=bucket_prefix)
    (spool,) = spools.iterdir()
    outbox = spool / ".lab-workbook" / "outbox"
    for number in range(10):
        (tmp_path / "model").write_bytes(bytes([number]) * MEBIBYTE)
        workbook.save_file("model", tmp_path / "model")

    wait_until(lambda: len(list(outbox.iterdir())) <= 2)
    with late_s3.running():
        workbook.close()

        experiment = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]
        assert experiment["model"] == "\t" * MEBIBYTE
        assert not any(experiment.end["lost"].values())
