"""
A script that needs more memory than its control group has: the kernel kills it, and what manages the group
kills the uploader as well, as Kubernetes and SLURM do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest

from tests.faults import drill

pytestmark = pytest.mark.soak

LIMIT_BYTES = 256 << 20

PYTHON = """
import os, lab_workbook
workbook = lab_workbook.new_experiment(tag="T", upload_every=0.2)
log = workbook.new_time_series_log("loss", ["step"])
workbook.save_json("options", {"rate": 0.1})
workbook.flush(30)
held, promised = [], os.open("promised", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for step in range(10**9):
    log(step=step)
    os.write(promised, b".")
    if step == 500:
        workbook.save_json("options", {"rate": 0.2})
        os.write(os.open("saved", os.O_WRONLY | os.O_CREAT), b"x")
    if step > 1000:
        held.append(b"x" * (1 << 20))
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T', uploadEvery = 0.2}
local log = workbook:newTimeSeriesLog('loss', {'step'})
workbook:saveJSON('options', {rate = 0.1})
workbook:flush(30)
local held, promised = {}, io.open('promised', 'ab')
promised:setvbuf('no')
for step = 0, 10^9 do
   log{step = step}
   promised:write('.')
   if step == 500 then
      workbook:saveJSON('options', {rate = 0.2})
      io.open('saved', 'w'):close()
   end
   if step > 1000 then held[#held + 1] = ('x'):rep(2^20) .. step end
end
"""

SCRIPTS = {"python": (sys.executable, PYTHON), "lua5.1": ("lua5.1", LUA)}


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with a limit of memory, to whose `cgroup.procs` processes are added."""
    for parent, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = parent / f"lab-workbook-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
            (group / limit).write_text(str(LIMIT_BYTES))
            break
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
    else:
        pytest.skip("this user may not make a control group for memory")
    # Version 2 can kill all of a group itself.
    with contextlib.suppress(OSError):
        (group / "memory.oom.group").write_text("1")
    yield group
    kill(group)
    wait_until(lambda: not members(group))
    group.rmdir()


def members(group: Path) -> list[int]:
    return [int(line) for line in (group / "cgroup.procs").read_text().split()]


def kill(group: Path) -> None:
    """Kill what is left of a group."""
    for process in members(group):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("language", ["python", "lua5.1"])
def test_nothing_is_lost_when_memory_runs_out(language, group, bucket_prefix, tmp_path, isolation):
    """
    Neither process says a word; the next push delivers every row whose call has returned.
    """
    program, text = SCRIPTS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (tmp_path / "train").write_text(text)
    environment = {
        "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
        "LUA_PATH": f"{drill.ROOT}/lua/?.lua;{drill.ROOT}/lua/?/init.lua;;",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    # The shell enters the group first, so that all that follows is in it.
    enter = f"echo $$ > {group}/cgroup.procs && exec {program} train"
    script = subprocess.Popen(["sh", "-c", enter], cwd=tmp_path, env=os.environ | environment)
    assert script.wait(120) == -signal.SIGKILL
    assert (tmp_path / "saved").exists()
    promised = (tmp_path / "promised").stat().st_size
    kill(group)
    wait_until(lambda: not members(group))
    push = subprocess.run(
        [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert push.returncode == 0, push.stdout
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert (experiment.status, set(experiment.end["lost"].values())) == ("interrupted", {0})
    rows = list(experiment["loss.csv"].index)
    assert rows == list(range(len(rows)))
    assert promised <= len(rows) <= promised + 1
    assert promised > 1000
    assert experiment["options.json"] == {"rate": 0.2}
    assert not list((isolation / ".local/state/lab-workbook").glob("T.*"))
