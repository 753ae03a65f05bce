"""
Take over the spools that released versions have left behind (P8), whole and exactly once.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from lab_workbook.protocol import _spec, documents, process
from lab_workbook_conformance.s3 import faults
from lab_workbook_conformance.s3.proxy import Exchange, Proxy

HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent.relative_to(HERE) for path in HERE.glob("*/*/case.json"))

# A kill in the middle takes three uploaders a case, so `make test` tries those where most is at stake.
QUICK = {"python-halfway", "luajit-halfway"}


class Takeover:
    """A copy of a recorded spool and of its bucket, and the uploader of today."""

    def __init__(self, case: Path, spool_dir: Path, bucket: str, client: Any, script: dict[str, Any]) -> None:
        self.case = json.loads((HERE / case / "case.json").read_text())
        self.bucket = bucket
        self.tag = self.case["tag"]
        self._client = client
        self._script = script
        nonce = json.loads((HERE / case / "spool" / _spec.LAYOUT_BEGIN).read_bytes())["nonce"]
        self.spool = spool_dir / f"{self.tag}.{nonce}"
        shutil.copytree(HERE / case / "spool", self.spool)
        (self.spool / _spec.LAYOUT_OUTBOX).mkdir(exist_ok=True)
        begin = self.spool / _spec.LAYOUT_BEGIN
        begin.write_bytes(json.dumps({**json.loads(begin.read_bytes()), **self._script}).encode())
        self.series = {name: (self.spool / name).read_bytes() for name in self.case["rows"]}
        self._name_bucket(re.match("s3://([^/]+)/", self.case["prefix"])[1])
        self._fill_bucket(HERE / case / "bucket")

    @property
    def prefix(self) -> str:
        return f"s3://{self.bucket}/exp/"

    def objects(self) -> dict[str, bytes]:
        """Return the experiment's objects without the segments, which a delivery may leave behind."""
        place = f"exp/{self.tag}/"
        listed = self._client.list_objects_v2(Bucket=self.bucket, Prefix=place).get("Contents", [])
        names = [entry["Key"].removeprefix(place) for entry in listed]
        return {
            name: self._client.get_object(Bucket=self.bucket, Key=place + name)["Body"].read()
            for name in names
            if not name.startswith(_spec.LAYOUT_SEGMENTS)
        }

    def start_push(self, *options: str) -> subprocess.Popen[str]:
        """Start `lab-workbook push`."""
        command = "from lab_workbook.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", command, "push", str(self.spool), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def push(self, *options: str) -> tuple[int, str]:
        """Run `lab-workbook push` to its end; returns its exit code and its output."""
        push = self.start_push(*options)
        output = push.communicate(timeout=120)[0]
        return push.returncode, output

    def _name_bucket(self, recorded: str) -> None:
        queue = self.spool / _spec.LAYOUT_QUEUE
        queue.write_bytes(
            queue.read_bytes().replace(f"s3://{recorded}/".encode(), f"s3://{self.bucket}/".encode())
        )

    def _fill_bucket(self, folder: Path) -> None:
        nonce = json.loads((self.spool / _spec.LAYOUT_BEGIN).read_bytes())["nonce"]
        begin = (self.spool / _spec.LAYOUT_BEGIN).read_bytes()
        for path in filter(Path.is_file, folder.rglob("*")):
            data = path.read_bytes()
            if path.match(f"*/{_spec.LAYOUT_BEGIN}") and json.loads(data)["nonce"] == nonce:
                data = begin
            elif path.match(f"*/{_spec.LAYOUT_END}"):
                end = json.loads(data)
                end["files"][_spec.LAYOUT_BEGIN] = _facts(begin)
                data = json.dumps(end).encode()
            self._client.put_object(Bucket=self.bucket, Key=path.relative_to(folder).as_posix(), Body=data)


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """Return what begin.json contains of a process of this machine that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    # No process that gets this id later has started with the machine.
    return {**process.identity(), "pid": ended.pid, "pidStarted": "1"}


@pytest.fixture
def take_over(
    isolation: Path, bucket_prefix: str, s3_client: Any, dead: dict[str, Any]
) -> Callable[..., Takeover]:
    """A function that puts a case into spoolDir and into a bucket."""
    spool_dir = isolation / ".local/state/lab-workbook"
    bucket = bucket_prefix.split("/")[2]
    return lambda case, script=dead: Takeover(case, spool_dir, bucket, s3_client, script)


def deliver(takeover: Takeover) -> None:
    """Push as a user would: once, and where the tag is another experiment's under a new one as well."""
    code, output = takeover.push()
    if takeover.tag == "taken":
        assert code == 1
        assert "push --tag NEW" in output
        takeover.tag = "given"
        code, output = takeover.push("--tag", "given")
    assert (code, output) == (0, f"{takeover.tag}: delivered to {takeover.prefix}{takeover.tag}/\n")


def assert_whole(takeover: Takeover, outcome: str | None = None) -> None:
    """All that the script recorded is in the bucket, once, and end.json lists it."""
    case, objects = takeover.case, takeover.objects()
    outcome = outcome or case["outcome"]
    end = json.loads(objects[_spec.LAYOUT_END])
    assert (end["outcome"], set(end["lost"].values())) == (outcome, {0})
    assert {name: objects[name] for name in case["rows"]} == takeover.series
    assert set(objects) - set(end["files"]) <= {_spec.LAYOUT_END, _spec.LAYOUT_HEARTBEAT}
    assert end["files"] == {name: _facts(objects[name]) for name in end["files"]}
    assert_readable(takeover, outcome)
    assert not takeover.spool.exists()


def assert_readable(takeover: Takeover, status: str) -> None:
    """A reader finds every row once, and the newest version of each artifact."""
    case, experiment = takeover.case, lab_workbook.ExperimentRepository(takeover.prefix)[takeover.tag]
    assert experiment.status == status
    for name, rows in case["rows"].items():
        series = experiment[name]
        assert list(series.index) == list(range(rows))
        assert list(series["text"]) == [f'"{step}",\n' * case["lines"] for step in range(rows)]
    assert {name: experiment[name] for name in case["artifacts"]} == case["artifacts"]
    assert sorted(experiment.list_artifacts()) == sorted([*case["rows"], *case["artifacts"]])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_spool_of_a_released_version_is_delivered(take_over, case):
    """
    Whatever state an older uploader has left it in.
    """
    takeover = take_over(case)

    deliver(takeover)

    assert_whole(takeover)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.endswith(("away", "halfway"))], ids=str)
def test_an_upgrade_under_a_running_script_goes_on_with_its_segments(take_over, case):
    """
    Its rows are in the bucket at once, by the segments of both versions, and it is sealed when it ends.
    """
    takeover = take_over(case, process.identity())

    code, output = takeover.push()
    assert (code, "still running" in output) == (0, True), output
    assert_readable(takeover, "running")
    end = {"verb": "end", "ended": documents.now(), "outcome": "finished", "error": None, "lost": {}}
    with (takeover.spool / _spec.LAYOUT_QUEUE).open("a") as queue:
        queue.write(json.dumps(end) + "\n")
    deliver(takeover)

    assert_whole(takeover, "finished")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=() if case.name in QUICK else pytest.mark.soak)
        for case in CASES
    ],
)
def test_uploaders_that_are_killed_halfway_finish_it_together(take_over, case, s3, monkeypatch):
    """
    The journal then contains the words of two versions, and requests of both are in flight.
    """
    takeover = take_over(case)
    with Proxy(s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        # The first write, then the third, and so on: stored without an answer, or never stored.
        for first, fault in ((1, faults.stall), (3, store_and_hold), (2, faults.stall)):
            with proxy.fault(fault, method="PUT", first=first) as held:
                kill_when(lambda held=held: held.hits, takeover.start_push())

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    if takeover.spool.exists():
        deliver(takeover)

    assert_whole(takeover)


def store_and_hold(exchange: Exchange) -> None:
    """The server stores the object, and its answer never arrives."""
    exchange.forward()
    exchange.hold()


def kill_when(condition: Callable[[], object], push: subprocess.Popen[str]) -> None:
    """Kill a push as soon as a condition holds, unless it ends before."""
    deadline = time.monotonic() + 60
    while not condition() and push.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    push.kill()
    push.communicate()


def _facts(data: bytes) -> dict[str, object]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
