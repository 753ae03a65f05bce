"""A script whose process replaces its program by exec is over, although its process runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import lab_workbook
import pytest
from lab_workbook.protocol import process

from .conftest import LUA_PATH

SCRIPT = """
package.cpath = '{folder}/?.so;' .. package.cpath
local forker = require 'forker'
local w = require('lab-workbook'):newExperiment{{tag = 'T'}}
local log = w:newTimeSeriesLog('loss', {{'step'}})
for step = 1, 3 do log{{step = step}} end
print('ready')
io.stdout:flush()
io.read()
forker.become_cat()
"""


@pytest.fixture
def script(interpreter, forker, tmp_path):
    """Start a script that waits for a line, and then becomes `cat`."""
    started = []

    def start(prefix):
        path = tmp_path / "script.lua"
        path.write_text(SCRIPT.format(folder=forker))
        environment = {
            **os.environ,
            "LUA_PATH": LUA_PATH,
            "LAB_WORKBOOK_BUCKET_PREFIX": prefix,
            "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        }
        pipe = subprocess.PIPE
        child = subprocess.Popen(
            [shutil.which(interpreter), path], env=environment, stdin=pipe, stdout=pipe, text=True
        )
        started.append(child)
        while child.stdout.readline() != "ready\n":
            assert child.poll() is None
        return child

    yield start
    for child in started:
        child.communicate()


def become_cat(child):
    """Let it become `cat`, which answers."""
    child.stdin.write("go on\n" + "x" * 10_000 + "\n")
    child.stdin.flush()
    child.stdout.read(1)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_experiment_is_lost_in_a_folder(script, tmp_path):
    """
    Its process is alive, with the same id and the same start.
    """
    child = script(str(tmp_path / "runs"))
    experiment = lab_workbook.ExperimentRepository(tmp_path / "runs")["T"]
    before = experiment.status

    become_cat(child)

    assert (before, experiment.status) == ("running", "lost")
    assert child.poll() is None
    assert process._started(child.pid) == experiment.begin["pidStarted"]


def test_the_experiment_is_interrupted_in_s3(script, bucket_prefix):
    """
    Its uploader delivers the rest and leaves, although the new program still holds its pipe.
    """
    child = script(bucket_prefix)
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]

    become_cat(child)

    wait_for(lambda: experiment.status == "interrupted")
    assert list(experiment["loss.csv"].index) == [1, 2, 3]
    assert child.poll() is None
