"""The upload queue against a model: order, no lost job, who goes first, and what each operation costs."""

import sys
import tracemalloc

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lab_workbook_writer.uploader.upload_queue import Kind, UploadQueue

# Shorter than the shortest pause in all, and longer than the longest.
MOMENT, AGE = 0.001, 31.0

CLAIM = "begin.json"
KINDS = {
    CLAIM: [Kind.CLAIM],
    "heartbeat.json": [Kind.DOCUMENT],
    "segments of a": [Kind.ROWS],
    "segments of b": [Kind.ROWS],
    "segments of c": [Kind.ROWS],
    "superseded of a": [Kind.REMOVAL],
    "a.csv": [Kind.REFRESH],
    # A queue that nobody checks may name a series as an artifact too.
    "b.csv": [Kind.REFRESH, Kind.ARTIFACT],
    "c.csv": [Kind.ARTIFACT, Kind.REFRESH],
    **{f"{number}.txt": [Kind.ARTIFACT] for number in range(5)},
}
URGENT = (Kind.CLAIM, Kind.ROWS, Kind.DOCUMENT)
AWAITED = (Kind.CLAIM, Kind.ROWS, Kind.ARTIFACT)
HELD_BACK = (Kind.ARTIFACT, Kind.REFRESH)


class Work:
    """A job that is only looked at."""

    def __init__(self, number, kind, *, is_bulky):
        self.number = number
        self.kind = kind
        self.is_bulky = is_bulky

    def __repr__(self):
        return f"<{self.number}: {self.kind.name}{' bulky' * self.is_bulky}>"


class Model:
    """What an upload queue should do, as plainly as possible: every question looks at all keys."""

    def __init__(self, *, is_claimed):
        self.is_claimed = is_claimed
        self.holds_back = True
        self.waiting = {}
        self.in_flight = {}
        self.paused = {}
        self.failing = set()
        self.served = {}
        # Each submission that has not arrived: its number, its key and whether a flush waits for it.
        self.owed = []

    def is_open(self, kind):
        return (self.is_claimed or kind is Kind.CLAIM) and not (self.holds_back and kind in HELD_BACK)

    def has_worker(self, job):
        """Of six workers one is left for small urgent jobs, one for urgent ones, one for small artifacts."""
        in_flight = [*self.in_flight.values(), job]
        artifacts = [each for each in in_flight if each.kind not in URGENT]
        bulky_urgent = [each for each in in_flight if each.kind in URGENT and each.is_bulky]
        bulky_artifacts = [each for each in artifacts if each.is_bulky]
        if job.kind in URGENT:
            return len(in_flight) <= 6 and (not job.is_bulky or len(artifacts + bulky_urgent) <= 5)
        return (
            len(in_flight) <= 6
            and len(artifacts + bulky_urgent) <= 5
            and len(artifacts) <= 4
            and (not job.is_bulky or len(bulky_artifacts) <= 3)
        )

    def next(self):
        ready = [
            key
            for key, job in self.waiting.items()
            if key not in self.in_flight
            and key not in self.paused
            and self.is_open(job.kind)
            and self.has_worker(job)
        ]
        return min(
            ready, key=lambda key: (self.waiting[key].kind not in URGENT, self.served[key]), default=None
        )


class UploadQueueMachine(RuleBasedStateMachine):
    @initialize(is_claimed=st.booleans())
    def open(self, is_claimed):
        self.model = Model(is_claimed=is_claimed)
        self.queue = UploadQueue(
            is_claimed=is_claimed,
            may_send=lambda kind: not (self.model.holds_back and kind in HELD_BACK),
        )
        self.now = 0.0
        self.turn = 0
        self.number = 0
        self.began = {}
        self.marks = []
        # What became of each job: it has to be one thing only.
        self.replaced, self.done = [], []

    def _next_turn(self):
        self.turn += 1
        return self.turn

    @rule(key=st.sampled_from(sorted(KINDS)), data=st.data(), is_bulky=st.booleans())
    def submit(self, key, data, is_bulky):
        kind = data.draw(st.sampled_from(KINDS[key]))
        self.number += 1
        job = Work(self.number, kind, is_bulky=is_bulky)
        self.model.served.setdefault(key, self._next_turn())
        older = self.model.waiting.get(key)
        self.model.waiting[key] = job
        self.model.owed.append((self.number, key, kind in AWAITED))

        assert self.queue.submit(key, job) is older
        self.replaced += [older] * (older is not None)

    @rule()
    def take(self):
        key = self.model.next()

        taken = self.queue.take(self.now)

        if key is None:
            assert taken is None
        else:
            assert taken == (key, self.model.waiting[key])
            self.model.in_flight[key] = self.model.waiting.pop(key)
            self.began[key] = self.now

    @precondition(lambda self: self.model.in_flight)
    @rule(data=st.data())
    def succeed(self, data):
        key = data.draw(st.sampled_from(sorted(self.model.in_flight)))
        job = self.model.in_flight.pop(key)
        self.done.append(job)
        self.model.served[key] = self._next_turn()
        self.model.owed = [each for each in self.model.owed if each[1] != key or each[0] > job.number]
        self.model.failing.discard(key)
        frees = bool(self.model.paused) or job.kind is Kind.DOCUMENT
        frees |= job.kind is Kind.CLAIM and not self.model.is_claimed
        self.model.paused.clear()
        self.model.is_claimed |= job.kind is Kind.CLAIM

        assert self.queue.succeed(key) == frees

    @precondition(lambda self: self.model.in_flight)
    @rule(data=st.data())
    def fail(self, data):
        key = data.draw(st.sampled_from(sorted(self.model.in_flight)))
        job = self.model.in_flight.pop(key)
        self.model.served[key] = self._next_turn()
        self.model.failing.add(key)
        self.model.paused[key] = self.now
        newer = self.model.waiting.setdefault(key, job)
        older = None if newer is job else job

        assert self.queue.fail(key, self.now) is older
        self.replaced += [older] * (older is not None)

    @rule()
    def hurry(self):
        assert self.queue.hurry() == bool(self.model.paused)
        self.model.paused.clear()

    @rule(seconds=st.sampled_from([MOMENT, AGE]))
    def wait(self, seconds):
        self.now += seconds
        if seconds == AGE:
            # The pauses end when somebody asks for a job.
            self.model.paused.clear()
            self.take()

    @rule(holds_back=st.booleans())
    def hold_back(self, holds_back):
        self.model.holds_back = holds_back

    @rule(is_whole=st.booleans())
    def mark(self, is_whole):
        self.marks.append((self.queue.mark(is_whole=is_whole), self.number, is_whole))

    @invariant()
    def marks_are_reached_when_all_before_them_has_arrived(self):
        for mark, number, is_whole in self.marks:
            missing = [each for each in self.model.owed if each[0] <= number and (is_whole or each[2])]
            assert self.queue.has_delivered(mark) == (not missing)

    @invariant()
    def the_queue_knows_what_is_left(self):
        model = self.model
        assert self.queue.is_idle == (not model.waiting and not model.in_flight)
        held_back = [job for job in model.waiting.values() if not model.is_open(job.kind)]
        assert self.queue.is_quiet == (not model.in_flight and len(held_back) == len(model.waiting))
        assert self.queue.is_failing == bool(model.failing)
        longest = max((self.now - self.began[key] for key in model.in_flight), default=0.0)
        assert self.queue.seconds_in_flight(self.now) == longest
        end = self.queue.next_pause_end()
        assert (end is None) == (not model.paused)
        assert end is None or min(model.paused.values()) + 0.25 <= end <= max(model.paused.values()) + 30

    @invariant()
    def no_job_is_lost(self):
        left = [*self.model.waiting.values(), *self.model.in_flight.values()]
        numbers = [job.number for job in [*left, *self.replaced, *self.done]]
        assert sorted(numbers) == list(range(1, self.number + 1))

    def teardown(self):
        """When everything works in the end, the newest job of each key has arrived, and in order."""
        if not hasattr(self, "model"):
            return
        self.hold_back(holds_back=False)
        self.submit_claim()
        for _ in range(3 * len(KINDS)):
            self.hurry()
            self.take()
            for key in sorted(self.model.in_flight):
                self.model.in_flight.pop(key)
                self.queue.succeed(key)
                self.model.is_claimed = True
                self.model.served[key] = self._next_turn()
        assert not self.model.waiting
        assert self.queue.is_idle
        assert all(self.queue.has_delivered(mark) for mark, _, _ in self.marks)

    def submit_claim(self):
        self.number += 1
        self.model.served.setdefault(CLAIM, self._next_turn())
        job = Work(self.number, Kind.CLAIM, is_bulky=False)
        self.queue.submit(CLAIM, job)
        self.model.waiting[CLAIM] = job


def test_the_queue_does_what_its_model_does():
    run_state_machine_as_test(
        UploadQueueMachine, settings=settings(max_examples=100, stateful_step_count=50, deadline=None)
    )


def send(queue, key, kind=Kind.ARTIFACT):
    """Submit a job, and let it work at once."""
    queue.submit(key, Work(0, kind, is_bulky=False))
    while (taken := queue.take(0.0)) is not None:
        queue.succeed(taken[0])


def test_a_flush_waits_for_an_artifact_that_replaces_a_refresh():
    queue = UploadQueue(may_send=lambda _kind: False)
    queue.submit("a.csv", Work(1, Kind.REFRESH, is_bulky=False))
    queue.submit("a.csv", Work(2, Kind.ARTIFACT, is_bulky=False))

    assert not queue.has_delivered(queue.mark(is_whole=False))


def test_a_key_that_is_stuck_costs_no_memory_for_each_that_is_not():
    """
    What was delivered behind it is forgotten, and it is not.
    """
    queue = UploadQueue()
    queue.submit("stuck", Work(0, Kind.ARTIFACT, is_bulky=False))
    queue.take(0.0)
    mark = queue.mark(is_whole=False)
    send(queue, "a.txt")
    tracemalloc.start()

    for _ in range(20_000):
        send(queue, "a.txt")
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 50_000
    assert not queue.has_delivered(mark)
    queue.succeed("stuck")
    assert queue.has_delivered(mark)


def test_a_key_that_waits_costs_no_memory_each_time_it_is_saved():
    queue = UploadQueue(may_send=lambda _kind: False)
    tracemalloc.start()

    for number in range(20_000):
        queue.submit("a.txt", Work(number, Kind.ARTIFACT, is_bulky=False))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 50_000


def calls(queue, keys):
    """Return how many calls of functions it takes to send an artifact of each key in each way there is."""
    count = 0

    def profile(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    for key in keys:
        queue.submit(key, Work(0, Kind.ARTIFACT, is_bulky=False))
        queue.submit(key, Work(0, Kind.ARTIFACT, is_bulky=False))
    marks = []
    for _ in keys:
        marks.append(queue.mark(is_whole=False))
        queue.fail(queue.take(0.0)[0], 0.0)
    queue.hurry()
    for mark in marks:
        key, _ = queue.take(0.0)
        queue.submit(key, Work(0, Kind.ARTIFACT, is_bulky=False))
        queue.succeed(key)
        key, _ = queue.take(0.0)
        assert not queue.is_idle
        assert not queue.is_quiet
        queue.seconds_in_flight(0.0)
        queue.next_pause_end()
        queue.has_delivered(mark)
        queue.succeed(key)
    sys.setprofile(None)
    assert queue.is_idle
    return count


def test_an_artifact_costs_the_same_however_many_there_are():
    """
    Submitted, replaced, failed, tried again, saved again and sent: counted in calls of functions.
    """
    costs = [
        calls(UploadQueue(), [f"{number}.txt" for number in range(count)]) / count
        for count in (500, 1000, 2000, 4000)
    ]

    assert max(costs) <= 1.05 * min(costs)
