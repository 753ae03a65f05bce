"""How deliveries are faring: what is trouble, what is progress, and what the journal hears of it."""

import json

import pytest
from lab_workbook import errors
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.weather import Weather


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal")


@pytest.fixture
def clock():
    """A clock that the test turns."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def sky(path, clock):
    return Weather(Journal(path), clock)


def events(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_trouble_and_its_end_are_one_line_each(sky, path):
    """
    However often it fails in between, and whatever line breaks a library puts into its words.
    """
    for message in ("no\nroute", "no route", "another"):
        sky.report(errors.Unreachable(message))
    for _ in range(3):
        sky.report(None)

    assert events(path) == [{"event": "trouble", "message": "no route"}, {"event": "recovered"}]


def test_a_server_that_does_not_answer_is_trouble(sky, path, clock):
    """
    After fifteen seconds; a request may take a minute to time out, and four to be given up.
    """
    sky.watch(0.0)
    clock.now += 14.0
    sky.watch(14.0)
    assert events(path) == []

    clock.now += 2.0
    sky.watch(16.0)
    sky.watch(17.0)
    sky.report(None)

    said = [event["event"] for event in events(path)]
    assert said == ["trouble", "recovered"]
    assert events(path)[0]["message"] == "the server has not answered for 16 s"


def test_a_transfer_that_moves_is_no_silence(sky, path, clock):
    """
    A model of many gigabytes is under way for minutes.
    """
    for second in range(1, 100):
        clock.now += 1.0
        sky.moved(second * 1000)
        sky.watch(float(second))

    assert {event["event"] for event in events(path)} == {"progress"}
    assert 10 <= len(events(path)) <= 20


def test_what_is_sent_once_more_is_no_progress(sky, path, clock):
    """
    A writer that waits at the end would wait for as long as it is tried.
    """
    sky.report(errors.Unreachable("no route"))
    sky.moved(0)
    for _ in range(10):
        for position in (100_000_000, 200_000_000):
            clock.now += 10.0
            sky.moved(position)
        sky.report(errors.Unreachable("no route"))

    assert [event["event"] for event in events(path)] == ["trouble", "progress", "progress"]
    assert sky.idle() == 180.0


def test_bytes_that_may_still_be_on_this_machine_are_no_progress_in_an_outage(sky, path, clock):
    """
    Of many artifacts, each larger than the one before, every first attempt would extend the writer's wait.
    """
    sky.report(errors.Unreachable("no route"))
    sky.moved(0)
    for megabytes in range(1, 17):
        clock.now += 10.0
        sky.moved(megabytes * 1024 * 1024)
        sky.report(errors.Unreachable("no route"))

    assert [event["event"] for event in events(path)] == ["trouble"]
    assert sky.idle() == 160.0


def test_an_uploader_that_takes_over_tells_that_things_work_again(path, sky):
    """
    The writer heard of trouble from another one, which is dead.
    """
    sky.report(errors.Unreachable("no route"))

    after = Weather(Journal(path))
    after.report(None)

    assert [event["event"] for event in events(path)] == ["trouble", "recovered"]
