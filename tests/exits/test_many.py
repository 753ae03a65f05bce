"""
Many experiments that a script leaves open: they end together, and share one wait for a silent server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook_conformance.s3.faults import stall
from lab_workbook_conformance.s3.proxy import Proxy

pytestmark = pytest.mark.soak

ROOT = Path(__file__).resolve().parent.parent.parent
NUMBER = 4
PATIENCE = 8

PYTHON = f"""
import sys, lab_workbook
experiments = [lab_workbook.new_experiment(tag=f"T{{number}}") for number in range({NUMBER})]
logs = [experiment.new_time_series_log("loss", ["step"]) for experiment in experiments]
for experiment, log in zip(experiments, logs):
    log(step=1)
    experiment.flush(60)
print("open", flush=True)
sys.stdin.readline()
for log in logs:
    log(step=2)
print("over", flush=True)
"""

LUA = f"""
local experiments, logs = {{}}, {{}}
for number = 1, {NUMBER} do
   experiments[number] = require('lab-workbook'):newExperiment{{tag = 'T' .. number - 1}}
   logs[number] = experiments[number]:newTimeSeriesLog('loss', {{'step'}})
   logs[number]{{step = 1}}
   experiments[number]:flush(60)
end
print('open') io.stdout:flush()
io.read()
for number = 1, {NUMBER} do logs[number]{{step = 2}} end
print('over') io.stdout:flush()
"""

COMMANDS = {
    "python": [sys.executable, "-c", PYTHON],
    "luajit": ["luajit", "-e", LUA],
    "lua5.4": ["lua5.4", "-e", LUA],
}


@pytest.fixture(params=COMMANDS)
def script(request, s3, bucket_prefix, tmp_path):
    """A script with open experiments, and the proxy that its uploaders use."""
    command = COMMANDS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with Proxy(s3) as proxy:
        settings = {
            "AWS_ENDPOINT_URL_S3": proxy.url,
            "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
            "LAB_WORKBOOK_SPOOL_DIR": str(tmp_path / "spools"),
            "LAB_WORKBOOK_EXIT_TIMEOUT": str(PATIENCE),
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        running = subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while "open" not in (line := running.stdout.readline()):
            assert line, running.stderr.read()
        yield running, proxy
        running.kill()
        running.communicate()


def end(running: subprocess.Popen[str]) -> tuple[float, str]:
    """Let a script end; return how long it took from its last line on, and its stderr."""
    running.stdin.write("\n")
    running.stdin.flush()
    while "over" not in running.stdout.readline():
        pass
    began = time.monotonic()
    stderr = running.communicate(timeout=300)[1]
    return time.monotonic() - began, stderr


def test_many_experiments_share_one_wait_for_a_silent_server(script, bucket_prefix, tmp_path):
    """
    One after the other they would take as many times exitTimeout; each is reported, and delivered afterwards.
    """
    running, proxy = script
    with proxy.fault(stall, key="*", method="P*"):
        took, stderr = end(running)

    said = f", and nothing has arrived for {PATIENCE} s (exitTimeout); deliver the rest"
    assert stderr.count(said) == NUMBER
    assert took < (NUMBER - 1) * PATIENCE
    deadline = time.monotonic() + 240
    while list((tmp_path / "spools").glob("T*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    repository = lab_workbook.ExperimentRepository(bucket_prefix)
    for number in range(NUMBER):
        assert list(repository[f"T{number}"]["loss.csv"].index) == [1, 2]
        assert repository[f"T{number}"].status == "ended"


def test_many_experiments_are_all_delivered_before_the_script_ends(script, bucket_prefix, tmp_path):
    """
    While the network works, nothing is left.
    """
    running, _ = script

    _, stderr = end(running)

    assert "deliver the rest" not in stderr
    assert not list((tmp_path / "spools").glob("T*"))
    assert {each.status for each in lab_workbook.ExperimentRepository(bucket_prefix)} == {"ended"}
