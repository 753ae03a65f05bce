"""Lanes: nothing old overtakes something new, and what fails is tried until it works."""

import threading
import time

import pytest
from lab_workbook import errors
from lab_workbook_writer.uploader.lanes import Lanes, Refused


class Work:
    """A job that does what a test says, and remembers how it fared."""

    def __init__(self, run=lambda: None, *, is_bulky=False):
        self._run = run
        self.is_bulky = is_bulky
        self.gave_way = False

    def run(self):
        self._run()

    def give_way(self):
        self.gave_way = True


@pytest.fixture
def reports():
    return []


@pytest.fixture
def start(reports):
    """Start lanes; they stop with the test."""
    started = []

    def run(first=None):
        lanes = Lanes(first=first, report=reports.append, wake=lambda: None)
        started.append(lanes)
        lanes.start()
        return lanes

    yield run
    for lanes in started:
        lanes.stop(10)


def test_a_job_that_waits_gives_way_to_a_newer_one(start, wait_until):
    lanes = start()
    done = []
    go, under_way = threading.Event(), threading.Event()
    lanes.submit("a", Work(lambda: (under_way.set(), go.wait(), done.append(1))))
    under_way.wait(10)
    jobs = [Work(lambda number=number: done.append(number)) for number in range(2, 6)]

    for job in jobs:
        lanes.submit("a", job)
    go.set()
    wait_until(lambda: lanes.is_idle)

    assert done == [1, 5]
    assert [job.gave_way for job in jobs] == [True, True, True, False]


def test_one_lane_never_runs_two_jobs_at_once(start, wait_until):
    lanes = start()
    running, most = [], []

    def run():
        running.append(1)
        most.append(len(running))
        time.sleep(0.001)
        running.pop()

    for _ in range(100):
        lanes.submit("a", Work(run))
    wait_until(lambda: lanes.is_idle)

    assert max(most) == 1


def test_several_lanes_go_at_once(start, wait_until):
    lanes = start()
    together = threading.Barrier(3)

    for name in "abc":
        lanes.submit(name, Work(lambda: together.wait(10)))
    wait_until(lambda: lanes.is_idle)

    assert not together.broken


def test_rows_never_wait_for_models(start, wait_until):
    """
    However many bulky jobs are on their way, one worker is left for the others.
    """
    lanes = start()
    go = threading.Event()
    for number in range(8):
        lanes.submit(f"model {number}", Work(go.wait, is_bulky=True))
    rows = threading.Event()

    lanes.submit("loss.csv", Work(rows.set))

    assert rows.wait(10)
    go.set()
    wait_until(lambda: lanes.is_idle)


def test_a_job_that_fails_is_tried_until_it_works(start, wait_until, reports):
    lanes = start()
    answers = [errors.Unreachable("away"), OSError("odd"), ZeroDivisionError(), None]

    def run():
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    lanes.submit("a", Work(run))
    wait_until(lambda: lanes.is_idle)

    assert [type(report) for report in reports[:3]] == [errors.Unreachable, OSError, ZeroDivisionError]
    assert answers == []


def test_one_lane_that_fails_and_others_that_work_are_one_trouble(start, wait_until, reports):
    """
    Who hears of it by turns would be told every second that all is well again.
    """
    lanes = start()
    go = threading.Event()

    def fail():
        if not go.is_set():
            raise errors.Unreachable("away")

    lanes.submit("bad", Work(fail))
    wait_until(lambda: reports)
    for number in range(5):
        done = threading.Event()
        lanes.submit(f"good {number}", Work(done.set))
        assert done.wait(10)
    before = list(reports)
    go.set()
    wait_until(lambda: lanes.is_idle)

    assert None not in before
    assert reports[-1] is None


def test_a_job_that_failed_gives_way_to_a_newer_one(start, wait_until):
    lanes = start()
    go, under_way = threading.Event(), threading.Event()

    def fail():
        under_way.set()
        go.wait()
        raise errors.Unreachable("away")

    old, new = Work(fail), Work()
    lanes.submit("a", old)
    under_way.wait(10)
    lanes.submit("a", new)
    go.set()
    wait_until(lambda: lanes.is_idle)

    assert old.gave_way
    assert not new.gave_way


def test_hurry_tries_at_once_what_was_to_wait(start, wait_until):
    lanes = start()
    attempts = []

    def fail():
        attempts.append(time.monotonic())
        if len(attempts) < 12:
            raise errors.Unreachable("away")

    lanes.submit("a", Work(fail))
    # Without the hurry, the twelfth attempt would be minutes away.
    wait_until(lambda: lanes.hurry() or lanes.is_idle)

    assert len(attempts) == 12


def test_nothing_moves_before_the_first_lane_has_delivered(start, wait_until):
    lanes = start(first="begin")
    order = []
    lanes.submit("a", Work(lambda: order.append("a")))
    lanes.submit("b", Work(lambda: order.append("b")))

    lanes.submit("begin", Work(lambda: order.append("begin")))
    wait_until(lambda: lanes.is_idle)

    assert order[0] == "begin"
    assert sorted(order[1:]) == ["a", "b"]


def test_a_refusal_stops_everything(start, wait_until):
    lanes = start(first="begin")
    ran = []

    def refuse():
        raise Refused("taken")

    lanes.submit("begin", Work(refuse))
    lanes.submit("a", Work(lambda: ran.append("a")))
    wait_until(lambda: lanes.refusal is not None)
    lanes.stop(10)

    assert str(lanes.refusal) == "taken"
    assert ran == []


def test_a_mark_is_reached_when_all_before_it_has_arrived(start, wait_until):
    lanes = start()
    go = threading.Event()
    lanes.submit("a", Work(go.wait))
    mark = lanes.mark()
    lanes.submit("b", Work())

    assert not lanes.has_delivered(mark)
    go.set()
    wait_until(lambda: lanes.has_delivered(mark))
