"""
How long a script waits at its end when a phase of the delivery fails for ever: the claim, rows, artifacts,
end.json.

Attempts and trouble are in the journal again and again meanwhile, and none of them extends the wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_workbook.protocol import _spec
from lab_workbook_conformance.s3.faults import answer, reset, stall
from lab_workbook_conformance.s3.proxy import Proxy

ROOT = Path(__file__).resolve().parent.parent.parent

PYTHON = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
workbook.save_text("note", "x")
workbook.new_time_series_log("loss", ["step"])(step=1)
workbook.close()
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
workbook:saveText('note', 'x')
workbook:newTimeSeriesLog('loss', {'step'}){step = 1}
workbook:close()
"""

# A request by the aws command takes seconds.
PATIENCE = {"python": 2, "lua": 2, "lua by aws": 10}
GIVEN_UP = ", and nothing has arrived for {} s (exitTimeout); deliver the rest with:"

# What fails, how, and the keys that the server is asked for again and again.
PHASES = {
    "the claim, answered by 503": (answer(503, "SlowDown"), "*/begin.json"),
    "rows, without an answer": (stall, "*loss.csv*"),
    "artifacts, answered by 503": (answer(503, "SlowDown"), "*/note"),
    "end.json, connections reset": (reset, "*/end.json"),
}

COMMANDS = {
    "python": [sys.executable, "-c", PYTHON],
    "lua": ["luajit", "-e", LUA],
    "lua by aws": ["luajit", "-e", LUA],
}


def cases(*names: str) -> Iterator[object]:
    """Yield each case with each writer; the aws command is slow, and has most of them in `make exits`."""
    for name in names:
        for writer in COMMANDS:
            marks = [pytest.mark.soak] if writer == "lua by aws" and not name.startswith("end") else []
            yield pytest.param(name, writer, id=f"{writer}: {name}", marks=marks)


@pytest.fixture
def run(tmp_path):
    """Run a script of a writer to its end; its uploader ends with the test."""
    spools = tmp_path / "spools"

    def run(writer: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command, *rest = COMMANDS[writer]
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed")
        settings = {
            "LAB_WORKBOOK_SPOOL_DIR": str(spools),
            "LAB_WORKBOOK_EXIT_TIMEOUT": str(PATIENCE[writer]),
            "LAB_WORKBOOK_EXIT_MAX": "3600",
            "LAB_WORKBOOK_UPLOADER": "aws" if writer == "lua by aws" else "auto",
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return subprocess.run(
            [command, *rest],
            env={**os.environ, **settings, **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )

    yield run
    for event in events(spools):
        if event["event"] == "started":
            with contextlib.suppress(ProcessLookupError):
                os.kill(event["pid"], signal.SIGKILL)


def events(spools: Path) -> list[dict[str, object]]:
    """Return the events in the journal of the only spool."""
    journals = spools.glob("T.*/.lab-workbook/journal")
    return [json.loads(line) for journal in journals for line in journal.read_text().splitlines()]


@contextlib.contextmanager
def server_that_accepts_and_never_answers() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def port_without_a_server() -> Iterator[str]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{place.getsockname()[1]}"


@contextlib.contextmanager
def host_without_an_address() -> Iterator[str]:
    yield "http://no-such-host.invalid:9000"


UNREACHABLE = {
    "nobody listens": port_without_a_server,
    "no answer": server_that_accepts_and_never_answers,
    "no address": host_without_an_address,
}


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(("name", "writer"), list(cases(*UNREACHABLE)))
def test_an_endpoint_that_is_down_from_the_start_is_not_waited_for(run, tmp_path, name, writer):
    """
    The claim is sent again and again, and never arrives.
    """
    with UNREACHABLE[name]() as url:
        done = run(writer, AWS_ENDPOINT_URL_S3=url, LAB_WORKBOOK_BUCKET_PREFIX="s3://bucket/exp/")

    assert GIVEN_UP.format(PATIENCE[writer]) in done.stderr
    seen = {event["event"] for event in events(tmp_path / "spools")}
    assert "claiming" in seen
    assert not seen & set(_spec.SPOOL_PROGRESS_EVENTS) - {"progress"}


@pytest.mark.parametrize(("name", "writer"), list(cases(*PHASES)))
def test_a_phase_that_fails_for_ever_is_not_waited_for(  # noqa: PLR0917 - fixtures
    run, s3, bucket_prefix, tmp_path, name, writer
):
    """
    The script gives up by exitTimeout; once the fault is gone, the uploader delivers the rest without it.
    """
    fault, key = PHASES[name]
    with Proxy(s3) as proxy:
        with proxy.fault(fault, key=key, method="P*") as rule:
            done = run(writer, AWS_ENDPOINT_URL_S3=proxy.url, LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix)
            hits = rule.hits

        assert GIVEN_UP.format(PATIENCE[writer]) in done.stderr
        assert hits >= 1
        deadline = time.monotonic() + 240
        while list((tmp_path / "spools").glob("T.*")):
            assert time.monotonic() < deadline, events(tmp_path / "spools")
            time.sleep(0.1)
