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
from lab_workbook_conformance.s3 import faults
from lab_workbook_conformance.s3.faults import answer, delay, late

from tests.faults import drill

SECONDS = float(os.environ.get("FAULT_SECONDS", "20"))

TROUBLE = "nothing reaches the bucket just now"
OVER = "deliveries to the bucket work again"

FAULTS = {
    "500 InternalError": answer(500, "InternalError"),
    "503 SlowDown": answer(503, "SlowDown"),
    "connections are reset": faults.reset,
    "reset after storing": faults.reset_after_storing,
    "nobody answers": faults.stall,
    "answers break off": faults.truncate,
    "requests arrive late": late,
    "403 ExpiredToken": answer(403, "ExpiredToken"),
    "403 AccessDenied": answer(403, "AccessDenied"),
    "403 RequestTimeTooSkewed": answer(403, "RequestTimeTooSkewed"),
    "404 NoSuchBucket": answer(404, "NoSuchBucket"),
}
# One that every server has on a bad day, one that leaves it open what is stored; the others are for
# `make test-faults`.
QUICK = {("python", "reset after storing"), ("luajit", "503 SlowDown")}


def cases():
    for name, fault in FAULTS.items():
        for language in drill.SCRIPTS:
            if (language, name) in QUICK:
                yield pytest.param(language, fault, 3.0, id=f"{language}, {name}")
            yield pytest.param(
                language, fault, SECONDS, id=f"{language}, {name}, long", marks=pytest.mark.soak
            )


def documented():
    """Return the words of the line on stderr by fault, from the first table of docs/outages.md."""
    page = (drill.ROOT / "docs/outages.md").read_text()
    lines = page[page.index("| fault |") :].partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    return {row[0]: row[1] for row in rows[2:]}


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
    assert steps == sorted(steps) != []
    # The parts of a large object go side by side, and count when all are there.
    ends = [seen.size for seen in server.puts("*/T/loss.csv") if not seen.query]
    assert ends == sorted(ends) != []


def assert_as_listed(training, stored):
    """Every object that end.json lists has the bytes that it lists."""
    for name, facts in training.experiment().end["files"].items():
        assert hashlib.sha256(stored(name)).hexdigest() == facts["sha256"], name


@pytest.fixture
def stored(s3_client, bucket_prefix):
    """What the server itself holds under a name."""
    bucket = bucket_prefix.split("/")[2]
    return lambda name: s3_client.get_object(Bucket=bucket, Key=f"exp/T/{name}")["Body"].read()


@pytest.mark.parametrize(("language", "fault", "seconds"), list(cases()), indirect=["language"])
def test_a_script_trains_through_an_outage(train, proxy, stored, language, fault, seconds):  # noqa: PLR0917
    """
    Its rows cost what they cost before, all of them arrive, in order, and stderr has two lines.
    """
    training = train(language)
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
    trouble, over = training.said()
    name = next(name for name, each in FAULTS.items() if each is fault)
    assert documented()[name] in trouble
    assert over.endswith(OVER)


def test_the_docs_name_every_fault():
    """
    The table in docs/outages.md is of these tests, and each of them finds its own line there.
    """
    assert list(documented()) == list(FAULTS)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answer(503, "SlowDown"), id="503"),
        pytest.param(answer(403, "RequestTimeTooSkewed"), id="the clock is wrong", marks=pytest.mark.soak),
        pytest.param(answer(403, "ExpiredToken"), id="expired", marks=pytest.mark.soak),
        pytest.param(faults.stall, id="nobody answers", marks=pytest.mark.soak),
        pytest.param(faults.reset, id="reset", marks=pytest.mark.soak),
    ],
)
def test_an_experiment_starts_in_an_outage(train, proxy, fault):
    """
    Its claim is bounded, one line says that it is not in the bucket yet, and one that it is.
    """
    with proxy.fault(fault):
        training = train(arrives=False)
        training.wait_until_said("not in the bucket yet")
        training.wait_until(lambda: training.has_logged(500), "rows")
    training.wait_until_said(OVER)
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert len(training.said()) == 2, training.said()


def test_a_script_that_ends_in_an_outage_does_not_hang(train, proxy, language):
    """
    It waits as long as its settings say, prints the command, and the uploader goes on without it.
    """
    training = train(language, exit_timeout=6)
    spool = training.spool

    with proxy.fault(answer(503, "SlowDown")):
        # It ends while nothing can arrive, though the uploader sends again and again: `stop` has less
        # patience than exitMax, which is all that would end the wait if sending counted as progress.
        training.stop()
        assert spool.exists()
    deadline = time.monotonic() + 120
    while spool.exists():
        assert time.monotonic() < deadline, (spool / ".lab-workbook/log").read_text()
        time.sleep(0.1)

    assert training.said()[-1].replace("'", "") == f"lab-workbook:   lab-workbook push {spool}"
    drill.assert_nothing_lost(training, len(training.times()))


@pytest.mark.soak
def test_a_slow_network_is_no_outage(train, proxy):
    """
    Every answer comes a second late, and nobody says a word.
    """
    with proxy.fault(delay(1.0)):
        training = train()
        time.sleep(3)
        training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert training.said() == []
