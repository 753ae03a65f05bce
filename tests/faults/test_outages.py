"""
Through every kind of outage: no row waits for the network, none is lost, one line says what is wrong
and one that it is over, and nobody has to do anything.

``FAULT_SECONDS`` is how long the outages of `make test-faults` last.
"""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest

from tests.faults import drill, proxy
from tests.faults.proxy import answer, late

SECONDS = float(os.environ.get("FAULT_SECONDS", "20"))

TROUBLE = "nothing reaches the bucket just now"
OVER = "deliveries to the bucket work again"

FAULTS = {
    "500 InternalError": answer(500, "InternalError"),
    "503 SlowDown": answer(503, "SlowDown"),
    "connections are reset": proxy.reset,
    "reset after storing": proxy.reset_after_storing,
    "nobody answers": proxy.stall,
    "answers break off": proxy.truncate,
    "requests arrive late": late,
    "403 ExpiredToken": answer(403, "ExpiredToken"),
    "403 AccessDenied": answer(403, "AccessDenied"),
    "403 RequestTimeTooSkewed": answer(403, "RequestTimeTooSkewed"),
    "404 NoSuchBucket": answer(404, "NoSuchBucket"),
}
# One fault that is answered at once and one that never is; the others are for `make test-faults`.
QUICK = {"503 SlowDown": 3.0, "reset after storing": 3.0}


def cases():
    for name, fault in FAULTS.items():
        if name in QUICK:
            yield pytest.param(fault, QUICK[name], id=name)
        yield pytest.param(fault, SECONDS, id=f"{name}, long", marks=pytest.mark.soak)


def outage(training, server, fault, seconds):
    """Let a fault rule until the script has spoken of it; gives when it began and ended."""
    began = time.monotonic()
    with server.fault(fault, method="[PD]*"):
        training.wait_until_said(TROUBLE)
        ended = time.monotonic()
        training.wait_until(lambda: time.monotonic() >= began + seconds, "the end", seconds + 60)
        ended = time.monotonic()
    training.wait_until_said(OVER)
    return began, ended


def assert_order(server):
    """No older artifact was ever stored over a newer one."""
    steps = [json.loads(seen.body)["step"] for seen in server.puts("*/state.json")]
    assert steps == sorted(steps)
    ends = [seen.bytes for seen in server.puts("*/T/loss.csv")]
    assert ends == sorted(ends)


def assert_as_listed(training, stored):
    """Every object that end.json lists has the bytes that it lists."""
    for name, facts in training.experiment().end["files"].items():
        assert hashlib.sha256(stored(name)).hexdigest() == facts["sha256"], name


@pytest.fixture
def stored(s3_client, bucket_prefix):
    """What the server itself holds under a name."""
    bucket = bucket_prefix.split("/")[2]
    return lambda name: s3_client.get_object(Bucket=bucket, Key=f"exp/T/{name}")["Body"].read()


@pytest.mark.parametrize(("fault", "seconds"), list(cases()))
def test_a_script_trains_through_an_outage(train, proxy, stored, fault, seconds):
    training = train()
    time.sleep(2)

    began, ended = outage(training, proxy, fault, seconds)
    training.stop()

    rows = training.times()
    drill.assert_rows_cost_the_same(rows, began, ended)
    drill.assert_nothing_lost(training, len(rows))
    assert_as_listed(training, stored)
    if fault is not late:
        assert_order(proxy)
    assert len(training.said()) == 2, training.said()
