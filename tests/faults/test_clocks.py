"""
A clock that jumps while rows are published, and processes that are stopped for an hour.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook.protocol import _spec, process
from lab_workbook_conformance.s3 import faults

from tests.faults import drill
from tests.faults.clocks import DAY, Clocks, loaded, refuse_skewed

pytestmark = pytest.mark.soak

LANGUAGES = pytest.mark.parametrize("language", ["python", "luajit"], indirect=True)


@pytest.fixture
def clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    """The clocks of scripts and uploaders; that of the test and of the server stays right."""
    yield from loaded(tmp_path, monkeypatch)


def rows_arrive(training, proxy) -> None:
    """Wait until something newer than now is in the bucket."""
    before = len(proxy.puts("*/segments/*"))
    training.wait_until(lambda: len(proxy.puts("*/segments/*")) > before, "a segment")


def assert_in_order(proxy) -> None:
    """No segment was sent twice, and each begins within what those before it hold."""
    ranges = [seen.key.rpartition("/")[2].split("-") for seen in proxy.puts("*/segments/loss.csv/*")]
    ends, starts = [int(end) for end, _ in ranges], [int(start) for _, start in ranges]
    assert ends == sorted(set(ends))
    assert all(start <= end for end, start in zip([0, *ends], starts, strict=False))


def move_to_another_machine(s3_client, bucket_prefix) -> None:
    """Let begin.json name another boot, so that a reader has to go by the heartbeat."""
    place = {"Bucket": bucket_prefix.split("/")[2], "Key": f"exp/T/{_spec.LAYOUT_BEGIN}"}
    begin = json.loads(s3_client.get_object(**place)["Body"].read())
    s3_client.put_object(**place, Body=json.dumps({**begin, "bootId": "another"}).encode())


@LANGUAGES
@pytest.mark.parametrize("seconds", [pytest.param(DAY, id="ahead"), pytest.param(-DAY, id="back")])
def test_a_clock_that_jumps_loses_no_row(language, seconds, clocks, train, proxy):
    """
    A row's date is what the clock said; the order of rows and segments does not depend on it.
    """
    training = train(language)
    rows_arrive(training, proxy)

    for each in (seconds, -seconds):
        clocks.jump(each)
        rows_arrive(training, proxy)
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert training.said() == []
    assert_in_order(proxy)
    days = training.experiment()["loss.csv"]["Date"].dt.date
    jumps = [later - earlier for earlier, later in itertools.pairwise(days.drop_duplicates())]
    assert {abs(jump.days) for jump in jumps} == {1}
    assert training.experiment().verify().is_sound


@LANGUAGES
def test_a_server_that_refuses_the_time_is_heard_of_once(language, clocks, train, proxy):
    """
    All that waits meanwhile arrives once the clock is right again.
    """
    with proxy.fault(refuse_skewed, method="PUT"):
        training = train(language)
        clocks.jump(DAY)
        training.wait_until_said("the clock of this machine is wrong; set it")
        clocks.jump(-DAY)
        training.wait_until_said("work again")
        training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert len(training.said()) == 2, training.said()


@pytest.mark.parametrize("language", ["python", "luajit"], indirect=True)
def test_an_uploader_is_replaced_though_the_clock_was_set_back(language, clocks, train, proxy):
    """
    A minute is a minute, also when the clock says that it is yesterday.
    """
    training = train(language)

    clocks.jump(-DAY)
    rows_arrive(training, proxy)
    (uploader,) = training.uploaders()
    os.kill(uploader, signal.SIGKILL)
    training.wait_until(lambda: not process.exists(uploader), "its end")
    clocks.jump(stopped=61)
    training.wait_until(lambda: len(training.uploaders()) == 2, "another uploader")
    rows_arrive(training, proxy)
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))


@LANGUAGES
@pytest.mark.parametrize(
    "who",
    [
        "script",
        "uploader",
        "both",
    ],
)
def test_an_hour_of_standstill_is_no_end(language, who, clocks, train, proxy, s3_client, bucket_prefix):  # noqa: PLR0917
    """
    Nobody takes the other one for dead, no row is lost, and nobody complains.
    """
    training = train(language)
    move_to_another_machine(s3_client, bucket_prefix)
    (uploader,) = training.uploaders()
    beats = len(proxy.puts("*/heartbeat.json"))

    stopped = {"script": [training.process.pid], "uploader": [uploader]}
    clocks.stop(*stopped.get(who, [training.process.pid, uploader]))

    training.wait_until(lambda: len(proxy.puts("*/heartbeat.json")) > beats, "a heartbeat")
    rows_arrive(training, proxy)
    assert lab_workbook.ExperimentRepository(bucket_prefix)["T"].status == "running"
    assert training.uploaders() == [uploader]
    training.stop()
    drill.assert_nothing_lost(training, len(training.times()))
    assert training.said() == []


@LANGUAGES
def test_a_script_that_is_stopped_at_its_end_goes_on_to_wait(language, clocks, train, proxy, tmp_path):
    """
    Patience counts the time in which it could have heard something.
    """
    training = train(language, exit_timeout=20)
    (uploader,) = training.uploaders()
    with proxy.fault(faults.stall, method="PUT") as silent:
        (tmp_path / "stop").touch()
        training.wait_until(lambda: silent.hits >= 2, "requests")
        clocks.stop(training.process.pid, uploader)
        time.sleep(1)
    training.process.wait(60)

    drill.assert_nothing_lost(training, len(training.times()))
    assert training.said() == []


def test_an_uploader_that_outlives_its_script_and_is_stopped_does_not_give_up(clocks, train, proxy):
    """
    After an hour of standstill it has been idle for a moment, and not for longer than ten minutes.
    """
    training = train(exit_timeout=1)
    spool = training.spool
    (uploader,) = training.uploaders()
    with proxy.fault(faults.stall, method="PUT"):
        training.stop()
        clocks.stop(uploader)
        # Long enough for it to look again.
        time.sleep(2)
    deadline = time.monotonic() + 60
    while spool.exists():
        assert time.monotonic() < deadline, (spool / ".lab-workbook/log").read_text()
        time.sleep(0.1)

    drill.assert_nothing_lost(training, len(training.times()))
