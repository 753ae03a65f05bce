"""
Spools made by hand, as docs/spool.md describes them, so that the uploader is tried without a writer.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import documents, prefix, process, tags
from lab_workbook.store.s3 import S3Store

HEADER = b"epoch,loss,Date\n"


class HandSpool:
    """What a writer leaves in a spool, one step at a time, and the uploader that delivers it."""

    def __init__(self, folder, bucket_prefix, *, tag=None, explicit=False, script=None, **destination):
        self.tag = tag or tags.new()
        self.nonce = tags.random_text(8)
        self.path = Path(folder) / f"{self.tag}.{self.nonce}"
        self.prefix = prefix.parse(bucket_prefix)
        self.uploader = None
        self._life = None
        self._outbox = 0
        self.own = self.path / ".lab-workbook"
        (self.own / "outbox").mkdir(parents=True)
        identity = process.identity() if script is None else script
        begin = documents.begin(self.tag, "by hand", "test", {"nonce": self.nonce, **identity})
        (self.own / "begin.json").write_text(json.dumps(begin))
        self.tell(
            "destination",
            prefix=bucket_prefix,
            tag=self.tag,
            explicit=explicit,
            **{"endpointUrl": None, "region": None, "profile": None, "uploadEvery": 0.2, **destination},
        )

    def tell(self, verb, **more):
        self.write_queue(json.dumps({"verb": verb, **more}).encode() + b"\n")

    def write_queue(self, data):
        with (self.own / "queue").open("ab") as file:
            file.write(data)

    def put(self, name, data):
        self._outbox += 1
        (self.own / "outbox" / str(self._outbox)).write_bytes(data)
        self.tell("put", name=name, outbox=str(self._outbox))

    def series(self, name, save_every=None):
        self.append(name, HEADER)
        self.tell("series", name=name, saveEvery=save_every)

    def append(self, name, data):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)

    def end(self, outcome="finished", error=None, **lost):
        self.tell("end", ended=documents.now(), outcome=outcome, error=error, lost=lost)

    def start(self):
        theirs, self._life = os.pipe()
        with (self.own / "log").open("ab") as log:
            self.uploader = subprocess.Popen(
                [sys.executable, "-m", "lab_workbook_writer.uploader", str(self.path)],
                stdin=theirs,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(theirs)
        return self

    def let_go(self):
        """Close the life pipe."""
        if self._life is not None:
            os.close(self._life)
            self._life = None

    def kill(self):
        """SIGKILL the uploader."""
        self.uploader.kill()
        self.uploader.wait()
        self.let_go()

    def events(self, name=None):
        with contextlib.suppress(FileNotFoundError):
            lines = (self.own / "journal").read_bytes().split(b"\n")[:-1]
            events = [json.loads(line) for line in lines if line]
            return [event for event in events if name in (None, event["event"])]
        return []

    def wait_for(self, name, /, **more):
        """Wait until the journal has an event of a name, and return the last such."""

        def found():
            return [event for event in self.events(name) if event.items() >= more.items()]

        wait_until(found, lambda: f"{name} {more}; {self.said()}")
        return found()[-1]

    def wait_until_events(self, name, count):
        """Wait until the journal has so many events of a name."""
        wait_until(lambda: len(self.events(name)) >= count, lambda: f"{count} {name}; {self.said()}")

    def wait_for_exit(self):
        """Wait until the uploader has ended by itself, and return its exit code."""
        try:
            return self.uploader.wait(60)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the uploader goes on: {self.said()}") from None

    def said(self):
        log = self.own / "log"
        return (self.events(), log.read_text() if log.exists() else "no log")

    @functools.cached_property
    def store(self):
        """The experiment in the bucket."""
        return S3Store(self.prefix._replace(path=f"{self.prefix.path}{self.tag}/"))

    def delivered(self):
        """Return the names and bytes of the artifacts in the bucket, as our reader finds them."""
        store = S3Store(self.prefix)
        experiment = Experiment(store, self.tag, f"{self.prefix}{self.tag}/")
        return {name: experiment.read_bytes(name) for name in experiment.list_artifacts()}

    def objects(self):
        """Return the keys and bytes of the objects in the bucket, the protocol's own left out."""
        names = [entry.key for entry in self.store.keys("") if not entry.key.startswith(".lab-workbook/")]
        return {name: self.store.get(name).data for name in names}

    def end_json(self):
        return json.loads(self.store.get(".lab-workbook/end.json").data)


@pytest.fixture
def spool_dir(isolation):
    folder = isolation / ".local" / "state" / "lab-workbook"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def make_spool(spool_dir):
    """
    Make a spool by hand; what was started for it is ended with the test.
    """
    made = []

    def make(bucket_prefix, **more):
        spool = HandSpool(spool_dir, bucket_prefix, **more)
        made.append(spool)
        return spool

    yield make
    for spool in made:
        if spool.uploader is not None:
            spool.kill()


@pytest.fixture
def spool(make_spool, bucket_prefix):
    """A spool for a fresh bucket, whose script is this test."""
    return make_spool(bucket_prefix)


@pytest.fixture
def far_spool(make_spool, bucket_prefix, late_s3):
    """A spool whose bucket lies behind a network that is off."""
    return make_spool(bucket_prefix, endpointUrl=late_s3.url)


@pytest.fixture
def dead_script():
    """What begin.json says of a process that is gone."""
    code = "import json; from lab_workbook.protocol import process; print(json.dumps(process.identity()))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return json.loads(answer.stdout)


@pytest.fixture
def lab_workbook():
    """Run the command lab-workbook, as people do."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-c", "from lab_workbook.cli import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture(name="wait_until")
def wait_until_fixture():
    return wait_until


def wait_until(condition, what=lambda: "it", seconds=60):
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what()}"
        time.sleep(0.02)
