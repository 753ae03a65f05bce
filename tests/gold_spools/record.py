"""
Record the spools that this version's writers leave behind, for `test_gold_spools.py` of later versions.

Run once for each released version, from the root of the repository:

    .venv/bin/python -m tests.gold_spools.record

It starts moto, runs a training script in each language, breaks the network in the middle, kills script and
its uploader, and copies the spool and the bucket's objects to `tests/gold_spools/VERSION/`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from lab_workbook.protocol import _spec
from lab_workbook_conformance.s3 import faults, server
from lab_workbook_conformance.s3.proxy import Exchange, Proxy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

BUCKET = "gold-spools"
PREFIX = f"s3://{BUCKET}/exp/"

# Each script waits for a line between its parts, so that the recorder can break the network there.
PYTHON = """
import json, sys, lab_workbook
given = json.loads(sys.argv[1])
workbook = lab_workbook.new_experiment(tag=given.get("tag"))
losses = [workbook.new_time_series_log(name, ["step", "text"], save_every=every)
          for name, every in (("Training loss", 1), ("Testing loss", None))]
def rows(first, last):
    for step in range(first, last):
        for log in losses:
            log(step=step, text=f'"{step}",\\n' * given["lines"])
def save(version):
    workbook.save_json("options", {"version": version})
    workbook.save_text("notes", f"version {version}\\n" * 300)
for step in range(given["publications"]):
    rows(step, step + 1)
    workbook.flush(given["patience"])
save(1)
workbook.save_json("early", [1, 2, 3])
workbook.flush(given["patience"])
print("first", flush=True)
sys.stdin.readline()
rows(given["publications"], given["publications"] + 1)
save(2)
workbook.flush()
print("second", flush=True)
sys.stdin.readline()
rows(given["publications"] + 1, given["publications"] + 20)
save(3)
workbook.save_json("late", [4, 5, 6])
print("third", flush=True)
sys.stdin.readline()
workbook.close()
"""

LUA = """
local patience, publications, lines, tag = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3]), arg[4]
local workbook = require('lab-workbook'):newExperiment{tag = tag}
local losses = {
   workbook:newTimeSeriesLog('Training loss', {'step', 'text'}, 1),
   workbook:newTimeSeriesLog('Testing loss', {'step', 'text'}),
}
local function rows(first, last)
   for step = first, last - 1 do
      for _, log in ipairs(losses) do log{step = step, text = ('"%d",\\n'):format(step):rep(lines)} end
   end
end
local function save(version)
   workbook:saveJSON('options', {version = version})
   workbook:saveText('notes', ('version %d\\n'):format(version):rep(300))
end
io.stdout:setvbuf('no')
for step = 0, publications - 1 do
   rows(step, step + 1)
   workbook:flush(patience)
end
save(1)
workbook:saveJSON('early', {1, 2, 3})
workbook:flush(patience)
print('first')
io.read()
rows(publications, publications + 1)
save(2)
workbook:flush()
print('second')
io.read()
rows(publications + 1, publications + 20)
save(3)
workbook:saveJSON('late', {4, 5, 6})
print('third')
io.read()
workbook:close()
"""


class State(NamedTuple):
    """A state of a spool: how to bring it about, and what has to be in the bucket in the end."""

    reach: Callable[[Recording], None]
    tag: str | None = None
    publications: int = 3
    lines: int = 1
    outcome: str = "interrupted"
    uploader: str = "auto"


class Recording:
    """One script, its spool, and the network between the two and the server."""

    def __init__(self, language: str, state: State, proxy: Proxy, folder: Path) -> None:
        self.proxy = proxy
        self._folder = folder
        self._given: dict[str, Any] = {
            "tag": state.tag,
            "publications": state.publications,
            "lines": state.lines,
        }
        self._language = language
        self._uploader = state.uploader
        self._process: subprocess.Popen[str] | None = None

    def start(self, *, patience: float = 60) -> None:
        """Start the script."""
        self._given["patience"] = patience
        if self._language == "python":
            (self._folder / "train.py").write_text(PYTHON)
            arguments = [sys.executable, "train.py", json.dumps(self._given)]
        else:
            (self._folder / "train.lua").write_text(LUA)
            numbers = [str(self._given[name]) for name in ("patience", "publications", "lines")]
            arguments = [self._language, "train.lua", *numbers, *filter(None, [self._given["tag"]])]
        environment = {
            **server.ENVIRONMENT,
            "HOME": str(self._folder / "home"),
            "AWS_ENDPOINT_URL_S3": self.proxy.url,
            "LAB_WORKBOOK_BUCKET_PREFIX": PREFIX,
            "LAB_WORKBOOK_UPLOAD_EVERY": "0.2",
            "LAB_WORKBOOK_EXIT_TIMEOUT": "3",
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LAB_WORKBOOK_UPLOADER": self._uploader,
        }
        self._process = subprocess.Popen(
            arguments,
            cwd=self._folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self, line: str) -> None:
        """Wait until the script has printed a line."""
        while (found := self._process.stdout.readline()) != f"{line}\n":
            assert found, f"the script ended before {line!r}"

    def go_on(self) -> None:
        """Let the script begin its next part."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def train_to_the_end(self) -> None:
        """Run all parts of the script but its `close`."""
        for part in ("first", "second"):
            self.read(part)
            self.go_on()
        self.read("third")

    def close(self) -> None:
        """Let the script close its workbook, and wait for its process."""
        self.go_on()
        self._process.wait(60)

    @property
    def spool(self) -> Path:
        (spool,) = (path for path in self._spools() if path.is_dir())
        return spool

    def journal(self) -> list[dict[str, Any]]:
        """Return the events so far."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            text = (self.spool / _spec.LAYOUT_JOURNAL).read_text()
            return [json.loads(line) for line in text.splitlines()]
        return []

    def kill(self) -> None:
        """Kill the script first, and its uploaders in the same moment; a second call does nothing."""
        if self._process is None:
            return
        pids = [event["pid"] for event in self.journal() if event["event"] == "started"]
        self._process.kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()
        self._process = None

    def _spools(self) -> Iterator[Path]:
        return (self._folder / "home/.local/state/lab-workbook").iterdir()


def away(recording: Recording) -> None:
    """No server has answered yet."""
    with recording.proxy.fault(faults.reset):
        recording.start(patience=0)
        recording.train_to_the_end()
        wait_until(lambda: any(event["event"] == "trouble" for event in recording.journal()))
        recording.kill()


def claim_unconfirmed(recording: Recording) -> None:
    """The claim is in the bucket, and its answer was lost; the tag is the caller's."""
    lost = {"method": "PUT", "key": "*/begin.json"}
    with recording.proxy.fault(faults.reset), recording.proxy.fault(store_and_reset_once(), **lost):
        recording.start(patience=0)
        recording.train_to_the_end()
        wait_until(lambda: any(event["event"] == "trouble" for event in recording.journal()))
        recording.kill()


def halfway(recording: Recording) -> None:
    """Many publications are confirmed, requests for newer ones are in flight, more waits behind them."""
    recording.start()
    recording.read("first")
    with contextlib.ExitStack() as stack:
        # The answers to these are lost: the object is stored for some, and not for others.
        held = [
            stack.enter_context(
                recording.proxy.fault(store_and_hold, method="PUT", key="*/segments/Training*")
            ),
            stack.enter_context(recording.proxy.fault(store_and_hold, method="PUT", key="*/notes")),
            stack.enter_context(recording.proxy.fault(faults.stall, method="PUT", key="*/options.json")),
            stack.enter_context(recording.proxy.fault(faults.stall, method="PUT", key="*/segments/Testing*")),
        ]
        recording.go_on()
        recording.read("second")
        wait_until(lambda: all(rule.hits for rule in held))
        recording.go_on()
        recording.read("third")
        recording.kill()


def halfway_by_aws(recording: Recording) -> None:
    """The worker in sh has sent the first part; the answer to one more artifact was lost."""
    recording.start()
    recording.read("first")
    with recording.proxy.fault(store_and_hold, method="PUT", key="*/notes") as held:
        recording.go_on()
        recording.read("second")
        wait_until(lambda: held.hits)
        recording.go_on()
        recording.read("third")
        recording.kill()


def ended(recording: Recording) -> None:
    """All is in the bucket but end.json, which the server refused."""
    with recording.proxy.fault(faults.answer(503, "SlowDown"), key="*/end.json") as refusing:
        recording.start()
        recording.train_to_the_end()
        recording.close()
        wait_until(lambda: refusing.hits)
        recording.kill()


def end_unconfirmed(recording: Recording) -> None:
    """end.json is in the bucket, and its answer was lost."""
    recording.start()
    recording.train_to_the_end()
    with recording.proxy.fault(store_and_hold, method="PUT", key="*/end.json") as held:
        recording.close()
        wait_until(lambda: held.hits)
        recording.kill()


def taken(recording: Recording) -> None:
    """The server was away at the start; when it was back, the tag was another experiment's."""
    with recording.proxy.fault(faults.reset):
        recording.start(patience=0)
        recording.read("first")
        recording.go_on()
        recording.read("second")
    wait_until(lambda: any(event["event"] == "refused" for event in recording.journal()))
    recording.go_on()
    recording.read("third")
    recording.kill()


STATES = {
    "away": State(away),
    "claim-unconfirmed": State(claim_unconfirmed, tag="chosen"),
    "halfway": State(halfway, publications=18, lines=150),
    "ended": State(ended, outcome="finished"),
    "end-unconfirmed": State(end_unconfirmed, outcome="finished"),
    "taken": State(taken, tag="taken"),
}
AWS_STATES = {
    "aws-halfway": State(halfway_by_aws, publications=2, lines=150, uploader="aws"),
}
CASES = [
    *(("python", name, state) for name, state in STATES.items()),
    *(("luajit", name, state) for name, state in {**STATES, **AWS_STATES}.items()),
]


def store_and_hold(exchange: Exchange) -> None:
    """The server stores the object, and its answer never arrives."""
    exchange.forward()
    exchange.hold()


def store_and_reset_once() -> Callable[[Exchange], None]:
    """Return a fault that stores the first request only, and answers none."""
    stored: list[Exchange] = []

    def fault(exchange: Exchange) -> None:
        stored.append(exchange)
        if len(stored) == 1:
            exchange.forward()
        exchange.reset()

    return fault


def wait_until(condition: Callable[[], object]) -> None:
    """Look often until a condition holds; fail after a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def record(language: str, name: str, state: State, target: Path) -> None:
    """Record one case into a folder."""
    with tempfile.TemporaryDirectory() as folder, server.running() as moto, Proxy(moto.url) as proxy:
        client = boto3.client(
            "s3",
            endpoint_url=moto.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=BUCKET)
        if name == "taken":
            other = b'{"protocol": "lab-workbook 1.1", "tag": "taken", "nonce": "Another1"}'
            client.put_object(Bucket=BUCKET, Key=f"exp/taken/{_spec.LAYOUT_BEGIN}", Body=other)
        recording = Recording(language, state, proxy, Path(folder))
        try:
            state.reach(recording)
        finally:
            recording.kill()
        shutil.copytree(recording.spool, target / "spool")
        for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            path = target / "bucket" / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
    begin = json.loads((target / "spool" / _spec.LAYOUT_BEGIN).read_bytes())
    _anonymize(target, begin["nonce"])
    rows = state.publications + 20
    case = {
        "version": importlib.metadata.version("lab-workbook"),
        "commit": _git("rev-parse", "HEAD"),
        "writer": begin["writer"],
        "state": state.reach.__doc__,
        "prefix": PREFIX,
        "tag": begin["tag"],
        "outcome": state.outcome,
        "lines": state.lines,
        "rows": {"Training loss.csv": rows, "Testing loss.csv": rows},
        "artifacts": {
            "options.json": {"version": 3},
            "notes": "version 3\n" * 300,
            "early.json": [1, 2, 3],
            "late.json": [4, 5, 6],
        },
    }
    (target / "case.json").write_text(json.dumps(case, indent=2) + "\n")


def _anonymize(target: Path, nonce: str) -> None:
    """Replace what belongs to the machine of the recording in each begin.json, and its sum in end.json."""
    for path in [target / "spool" / _spec.LAYOUT_BEGIN, *target.glob(f"bucket/**/{_spec.LAYOUT_BEGIN}")]:
        begin = json.loads(path.read_bytes())
        if begin["nonce"] != nonce:
            continue
        command = [f"/usr/bin/{Path(begin['command'][0]).name}", *begin["command"][1:]]
        path.write_text(json.dumps({**begin, "host": "gpu7", "command": command}))
    for end in target.glob(f"bucket/**/{_spec.LAYOUT_END}"):
        data = end.with_name(Path(_spec.LAYOUT_BEGIN).name).read_bytes()
        document = json.loads(end.read_bytes())
        document["files"][_spec.LAYOUT_BEGIN] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        end.write_text(json.dumps(document))


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def main() -> None:
    """Record every case that is not there yet."""
    for language, name, state in CASES:
        target = HERE / importlib.metadata.version("lab-workbook") / f"{language}-{name}"
        if not target.exists():
            print(target.name, flush=True)  # noqa: T201 - it takes two minutes
            record(language, name, state, target)


if __name__ == "__main__":
    main()
