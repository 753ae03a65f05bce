"""Lua without Python: the `aws` command delivers (docs/aws-fallback.md), here to a real server."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab_workbook import ExperimentRepository

ROCK = Path(__file__).resolve().parent.parent

# Stands before the real command, counts its calls, and keeps what they were given.
WRAPPER = """#!/bin/sh
printf '%s\\n' "$*" >> '{calls}'
exec '{aws}' "$@"
"""

# All that a minimal Linux has of what the worker uses.
# A Debian busybox has no flock; that of util-linux is there, as it is on most.
APPLETS = (
    "sh awk cat cmp cp date find grep head kill mkdir mv readlink rm sed setsid sha256sum sleep tail tr wc"
)


class Machine:
    """A machine with Lua and the aws command, and without our Python package."""

    def __init__(self, tmp_path: Path, interpreter: str) -> None:
        self._tmp = tmp_path
        self.interpreter = interpreter
        self.programs = tmp_path / "bin"
        self.programs.mkdir()
        self.calls = tmp_path / "calls"
        self.calls.touch()
        aws = shutil.which("aws", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
        if aws is None:
            pytest.skip("the aws command is not installed: make setup")
        wrapper = self.programs / "aws"
        wrapper.write_text(WRAPPER.format(calls=self.calls, aws=aws))
        wrapper.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "LUA_PATH": f"{ROCK}/?.lua;{ROCK}/?/init.lua;;",
            "LAB_WORKBOOK_SPOOL_DIR": str(self._tmp / "spools"),
        }

    def start(self, script: str, **more: str) -> subprocess.Popen[str]:
        path = self._tmp / "script.lua"
        path.write_text("local lab = require 'lab-workbook'\n" + script)
        return subprocess.Popen(
            [shutil.which(self.interpreter), str(path)],
            cwd=self._tmp,
            env=self.environment | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, **more)
        output, errors = process.communicate(timeout=300)
        return subprocess.CompletedProcess(script, process.returncode, output, errors)

    @property
    def spools(self) -> list[Path]:
        return sorted(path for path in (self._tmp / "spools").glob("*") if path.is_dir())

    def asked(self, operation: str) -> int:
        """Return how often aws was called for an operation."""
        return sum(operation in line for line in self.calls.read_text().splitlines())


@pytest.fixture
def machine(tmp_path):
    """Such a machine, with LuaJIT."""
    if shutil.which("luajit") is None:
        pytest.skip("luajit is not installed")
    return Machine(tmp_path, "luajit")


def until(holds, seconds=120.0):
    """Wait until something holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return value


def objects(client, prefix):
    """Return the bytes of all objects of the experiment T."""
    bucket, _, path = prefix.removeprefix("s3://").partition("/")
    path += "T/"
    found = {}
    for item in client.list_objects_v2(Bucket=bucket, Prefix=path).get("Contents", []):
        found[item["Key"].removeprefix(path)] = client.get_object(Bucket=bucket, Key=item["Key"])[
            "Body"
        ].read()
    return found


def check_end(found):
    """Compare what end.json lists with what is there, and return it."""
    end = json.loads(found[".lab-workbook/end.json"])
    others = {name: data for name, data in found.items() if name != ".lab-workbook/end.json"}
    assert end["files"] == {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in others.items()
    }
    return end


NAME = """- "it's" $HOME `id` $(id) ; & * 1 \u00e9/--x='%s' .txt"""


@pytest.mark.parametrize("interpreter", ["luajit", "lua5.1", "lua5.4"])
def test_everything_arrives_as_it_is(tmp_path, interpreter, s3_client, bucket_prefix):
    """
    Whatever a name holds: names are data. Of twenty saves the last is there, without twenty requests.
    """
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not installed")
    machine = Machine(tmp_path, interpreter)

    done = machine.run(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        for i = 1, 20 do w:saveJSON('p', {{i}}) end
        w:saveText({json.dumps(NAME, ensure_ascii=False)}, 'x')
        local log = w:newTimeSeriesLog('loss "a"', {{'epoch', 'a\\n"b'}})
        for i = 1, 50 do log{{epoch = i, ['a\\n"b'] = 'one\\ntwo "' .. i}} end
        print(w:close())
        """
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\ntrue\n")
    found = objects(s3_client, bucket_prefix)
    end = check_end(found)
    assert end["outcome"] == "finished"
    assert (found["p.json"], found[NAME]) == (b"[20]", b"x")
    experiment = ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert list(experiment['loss "a".csv']['a\n"b']) == [f'one\ntwo "{number}' for number in range(1, 51)]
    assert machine.spools == []
    assert len(machine.calls.read_text().splitlines()) <= 8


def test_a_busybox_is_enough(machine, s3_client, bucket_prefix):
    """
    The worker asks for nothing that a minimal Linux does not have.
    """
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    for applet in APPLETS.split():
        (machine.programs / applet).symlink_to(busybox)

    done = machine.run(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:saveText('a b.txt', 'x')
        w:newTimeSeriesLog('loss', {{'a'}}){{a = 'x\\n"'}}
        print(w:flush(60), w:close())
        """
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\ntrue\ttrue\n")
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "finished"


def test_a_taken_tag_is_refused(machine, s3_client, bucket_prefix):
    """
    Before the training starts, and what is there stays as it is.
    """
    bucket = bucket_prefix.split("/")[2]
    s3_client.put_object(Bucket=bucket, Key="exp/T/.lab-workbook/begin.json", Body=b"theirs")

    done = machine.run(f"lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}")

    assert done.returncode == 1
    assert "another experiment has the tag 'T': choose another tag (rule tag.claim)" in done.stderr
    assert objects(s3_client, bucket_prefix) == {".lab-workbook/begin.json": b"theirs"}
    assert machine.spools == []


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_refused_in_the_words_of_aws(machine):
    """
    In one line, before the training starts.
    """
    done = machine.run("lab:newExperiment{bucketPrefix = 's3://there-is-no-such-bucket/x'}")

    assert done.returncode == 1
    assert "lab-workbook: An error occurred (NoSuchBucket) when calling" in done.stderr


def test_a_killed_script_is_interrupted(machine, s3_client, bucket_prefix):
    """
    All its whole rows are delivered, and not what the disk tore.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:saveText('note', 'x')
        local log = w:newTimeSeriesLog('loss', {{'a', 'b'}})
        for i = 1, 1000 do log{{a = i, b = 'x\\n"'}} end
        print 'ready' io.stdout:flush() io.read()
        """
    )
    while "ready" not in process.stdout.readline():
        pass
    (spool,) = machine.spools
    whole = (spool / "loss.csv").read_bytes()
    with (spool / "loss.csv").open("ab") as file:
        file.write(b'1001,"torn\n')

    process.kill()
    process.communicate()

    until(lambda: not machine.spools)
    found = objects(s3_client, bucket_prefix)
    assert check_end(found)["outcome"] == "interrupted"
    assert found["loss.csv"] == whole
    assert whole.count(b"\n") == 2001
    assert found["note"] == b"x"


def test_an_outage_is_said_in_the_words_of_aws_and_survived(machine, late_s3, s3_client, bucket_prefix):
    """
    The script goes on, a flush says that nothing has arrived, and all arrives when the network is back.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:saveText('note', 'x')
        print(w:flush(1)) io.stdout:flush() io.read()
        print(w:close())
        """,
        AWS_MAX_ATTEMPTS="1",
        AWS_ENDPOINT_URL_S3=late_s3.url,
    )
    first = [process.stdout.readline() for _ in range(2)]
    with late_s3.running():
        output, errors = process.communicate(timeout=300)

    assert (first[1], output) == ("false\n", "true\n")
    assert "not in the bucket yet (Could not connect to the endpoint URL" in errors
    assert errors.count("\n") <= 2
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "finished"
