"""
A series that is watched while it grows, whatever happens in between.

The uploader's own plan, journal and jobs write into a bucket in memory, and the reader's own code reads
from it. Hypothesis decides what comes next: rows, publications, requests that are lost, answered too late
or carried out long after they were given up on, crashes between a request and its note in the journal,
restarts, the end. Each read is a prefix of the truth made of whole rows, and never shorter than one before.
"""

import contextlib
import itertools
import json
import shutil
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lab_workbook import live
from lab_workbook.errors import AccessDenied, AlreadyExists, Unreachable, Unreadable
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import documents, process
from lab_workbook.protocol.segments import Segment
from lab_workbook.store import Blob, Entry
from lab_workbook_writer.uploader import segments
from lab_workbook_writer.uploader.growth import Growth
from lab_workbook_writer.uploader.heartbeat import Heartbeat
from lab_workbook_writer.uploader.jobs import Sender
from lab_workbook_writer.uploader.journal import Journal

NAME = "loss.csv"
HEADER = b"epoch,note,Date\n"
FAULTS = ("none", "lost", "answer lost", "late", "crash before", "crash after")


class Crash(BaseException):
    """The uploader's process ends here."""


class Bucket:
    """
    Objects in memory, as `Reads` and `Writes`.

    What is written while ``fault`` is set goes wrong in that way, once; what was given up on and is still
    under way waits in ``late``.
    """

    def __init__(self, *, refuses_overwrites, refuses_deletes):
        self.objects = {}
        # How often a reader has listed them.
        self.listings = 0
        self.late = []
        self.fault = "none"
        self._refuses_overwrites = refuses_overwrites
        self._refuses_deletes = refuses_deletes

    def create(self, key, body):
        self._meet(self._create, key, body.read())

    def replace(self, key, body):
        self._meet(self._replace, key, body.read())

    def delete(self, key):
        if self._refuses_deletes:
            return False
        self._meet(self._delete, key)
        return True

    def get(self, key, *, start=0):
        now = datetime.now(timezone.utc)
        return Blob(self.objects[key][start:], now, now)

    def keys(self, prefix, *, after=""):
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return iter([Entry(key, len(self.objects[key])) for key in found])

    def folders(self, prefix):
        return iter(sorted({key[len(prefix) :].split("/")[0] for key in self.objects}))

    def land(self, number):
        """Carry out a request that its sender has given up on."""
        do, *arguments = self.late.pop(number)
        with contextlib.suppress(AlreadyExists, AccessDenied):
            do(*arguments)

    def _meet(self, do, *arguments):
        fault, self.fault = self.fault, "none"
        if fault == "crash before":
            raise Crash
        if fault == "late":
            self.late.append((do, *arguments))
        if fault in ("lost", "late"):
            raise Unreachable("no answer")
        do(*arguments)
        if fault == "answer lost":
            raise Unreachable("no answer")
        if fault == "crash after":
            raise Crash

    def _create(self, key, data):
        if key in self.objects:
            raise AlreadyExists(key)
        self.objects[key] = data

    def _replace(self, key, data):
        if self._refuses_overwrites:
            raise AccessDenied(key)
        self.objects[key] = data

    def _delete(self, key):
        self.objects.pop(key, None)


class Folder:
    """An experiment's own part of a bucket, as its uploader sees it."""

    def __init__(self, bucket, before=lambda: None):
        self._bucket = bucket
        self._before = before

    def __getattr__(self, name):
        operation = getattr(self._bucket, name)
        return lambda key, *more: operation(f"T/{key}", *more)


class Watched:
    """A bucket in which something may happen before each request of a reader."""

    def __init__(self, bucket, interlude):
        self._bucket = bucket
        self._interlude = interlude

    def __getattr__(self, name):
        def run(*arguments, **more):
            self._bucket.listings += name == "keys"
            self._interlude()
            return getattr(self._bucket, name)(*arguments, **more)

        return run


class Uploads:
    """Jobs that wait for the machine to run them: the newest of each key, as in the real queue."""

    def __init__(self):
        self.waiting = {}

    def submit(self, name, job):
        self.waiting[name] = job

    def run(self, name):
        """Run a job; one that fails waits again, unless a newer one has come."""
        job = self.waiting.pop(name)
        try:
            job.run()
        except Unreachable:
            self.waiting.setdefault(name, job)


class LiveSeries(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.truth = HEADER
        self.now = 0.0
        self.longest = 0
        self.has_ended = False
        self.journal = None
        (self.folder / NAME).write_bytes(HEADER)

    def teardown(self):
        if self.journal is not None:
            self.journal.close()
        shutil.rmtree(self.folder)

    @initialize(refuses_overwrites=st.booleans(), refuses_deletes=st.booleans())
    def open(self, refuses_overwrites, refuses_deletes):
        self.bucket = Bucket(refuses_overwrites=refuses_overwrites, refuses_deletes=refuses_deletes)
        begin = documents.begin("T", "by hand", "test", {**process.identity(), "bootId": "elsewhere"})
        self.bucket.objects["T/.lab-workbook/begin.json"] = json.dumps(begin).encode()
        self._start()

    def _start(self):
        if self.journal is not None:
            self.journal.close()
        self.uploads = Uploads()
        self.journal = Journal(str(self.folder / "journal"))
        sender = Sender(self.journal, lambda: Folder(self.bucket), lambda _: None)
        self.growth = Growth(sender, self.uploads, lambda _name: False)
        self.growth.add(str(self.folder / NAME), NAME, 1, upload_every=10)
        self.heartbeat = Heartbeat(sender, self.uploads)

    def _run(self, key, fault="none"):
        self.bucket.fault = fault
        try:
            self.uploads.run(key)
        except Crash:
            self._start()
        self.bucket.fault = "none"

    def _turn(self, *, is_over=False):
        self.growth.turn(self.now, all_rows=True, is_over=is_over)
        if not is_over:
            self.heartbeat.turn(self.now)

    def _append(self, size, count=1):
        row = b'1,"' + b"x" * size + b'",2016-02-12T22:17:34Z\n'
        self.truth += row * count
        (self.folder / NAME).write_bytes(self.truth)

    @precondition(lambda self: not self.has_ended)
    @rule(size=st.sampled_from([0, 30, 500, 5_000, 20_000]), torn=st.booleans())
    def rows(self, size, torn):
        """A row is logged, and the next one may be half there."""
        self._append(size)
        if torn:
            (self.folder / NAME).write_bytes(self.truth + b'2,"half\n')

    @precondition(lambda self: not self.has_ended)
    @rule()
    def turn(self):
        """The uploader looks at everything once."""
        self._turn()

    @precondition(lambda self: not self.has_ended and self.uploads.waiting)
    @rule(data=st.data(), fault=st.sampled_from(FAULTS))
    def send(self, data, fault):
        """Something is sent, and maybe goes wrong."""
        self._run(data.draw(st.sampled_from(sorted(self.uploads.waiting))), fault)

    @precondition(lambda self: not self.has_ended)
    @rule(count=st.sampled_from([1, 3, 17, 40]), size=st.sampled_from([0, 30, 1_000]))
    def publish(self, count, size):
        """Some publications in which nothing goes wrong."""
        for _ in range(count):
            self._append(size)
            self._settle()

    @precondition(lambda self: not self.has_ended)
    @rule()
    def crash(self):
        """The uploader is killed while nothing is under way, and another one takes over."""
        self._start()

    @rule(seconds=st.sampled_from([1, 30, 61]))
    def wait(self, seconds):
        self.now += seconds

    @precondition(lambda self: self.bucket.late)
    @rule(data=st.data())
    def land(self, data):
        """A request that was given up on is carried out after all."""
        self.bucket.land(data.draw(st.integers(0, len(self.bucket.late) - 1)))

    @rule(
        pause=st.sampled_from([0, 0, 61]),
        publications=st.sampled_from([None, 0, 1, 16]),
        undisturbed=st.integers(0, 4),
    )
    def read(self, pause, publications, undisturbed):
        """A reader reads; after a few requests the uploader gets busy, or the reader sleeps for a while."""
        turns = itertools.count()
        # So that the read under way has to find at least what was there before it.
        self._check()

        def interlude():
            turn = next(turns)
            if publications is None or self.has_ended or turn < undisturbed:
                return
            for _ in range(publications):
                self._append(30)
                self._settle()
            self._settle()
            if turn == undisturbed:
                self.now += pause
                self._settle()

        self._check(interlude)

    @precondition(lambda self: not self.has_ended)
    @rule()
    def end(self):
        """The script ends, and everything is delivered."""
        while True:
            self._settle(is_over=True)
            published = self.journal.published.get(NAME)
            if published is not None and published.bytes == len(self.truth) and not self.uploads.waiting:
                break
        listed = {NAME: {"bytes": published.bytes, "sha256": published.sha256}}
        end = documents.end("finished", None, {}, listed)
        self.bucket.objects["T/.lab-workbook/end.json"] = json.dumps(end).encode()
        self.has_ended = True
        self._check()
        assert self.longest == len(self.truth)

    def _settle(self, *, is_over=False):
        """Let the uploader look, and send all that it wants to send."""
        self._turn(is_over=is_over)
        while self.uploads.waiting:
            self._run(next(iter(self.uploads.waiting)))
            self._turn(is_over=is_over)

    def _check(self, interlude=lambda: None):
        experiment = Experiment(Watched(self.bucket, interlude), "T", "memory")
        if self.longest or experiment.list_artifacts():
            rows = experiment.read_bytes(NAME)
            assert rows == self.truth[: len(rows)]
            assert rows.endswith(b"\n")
            assert len(rows) >= self.longest
            self.longest = len(rows)
            self._check_from(len(rows), interlude)
            assert self.has_ended or experiment.artifact_sizes()[NAME] >= len(rows)

    def _check_from(self, length, interlude):
        """Read on from a row that a reader has, as one does that looks again."""
        if not self.has_ended:
            start = self.truth.rindex(b"\n", 0, length - 1) + 1 if length > len(HEADER) else 0
            more = live.read(Watched(self.bucket, interlude), "T/", NAME, start=start)
            assert more == self.truth[start : start + len(more)]
            assert start + len(more) >= length


def test_each_read_is_a_prefix_of_the_truth_and_never_shorter_than_one_before():
    run_state_machine_as_test(
        LiveSeries, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )


SEGMENTS = f".lab-workbook/segments/{NAME}/"


@pytest.fixture
def machine():
    machine = LiveSeries()
    machine.open(refuses_overwrites=False, refuses_deletes=False)
    machine.rows(size=20_000, torn=False)
    machine._settle()
    yield machine
    machine.teardown()


def refresh_late(machine):
    """Give up on a refresh with 50 kB, which lands whenever the test says."""
    machine.rows(size=30_000, torn=False)
    machine._turn()
    machine._run(SEGMENTS)
    machine._turn()
    machine._run(NAME, "late")


def scenario_of_a_reader_that_sleeps_after_its_first_request(machine):
    """
    Meanwhile the artifact is refreshed, and all segments that it had listed are gone.
    """
    machine.rows(size=30_000, torn=False)
    machine._turn()
    machine._run(SEGMENTS)
    machine._check()
    assert machine.longest > 50_000
    machine.read(pause=61, publications=0, undisturbed=2)


def scenario_of_a_reader_that_is_outrun(machine):
    """
    Between any two of its requests segments are superseded, but not removed before it has read them.
    """
    machine.publish(count=40, size=1000)
    before = machine.bucket.listings
    machine.read(pause=0, publications=16, undisturbed=0)
    # No read begins again: one of the names, and twice two of the rows and one of the sizes.
    assert machine.bucket.listings - before == 7


def scenario_of_a_long_pause(machine):
    machine.publish(count=40, size=1000)
    machine.wait(seconds=61)
    machine._settle()
    machine._check()


def scenario_of_a_refresh_that_lands_long_after(machine):
    """
    It puts an older version in place of a newer one.
    """
    refresh_late(machine)
    machine.rows(size=60_000, torn=False)
    machine._settle()
    machine.wait(seconds=61)
    machine._settle()
    machine._check()
    machine.bucket.land(0)
    machine._check()


def scenario_of_a_refresh_that_lands_after_the_end(machine):
    refresh_late(machine)
    machine.rows(size=30, torn=False)
    machine.end()
    machine.bucket.land(0)
    machine._check()


def scenario_of_a_crash_between_a_request_and_its_note(machine):
    machine.rows(size=30, torn=False)
    machine._turn()
    machine._run(SEGMENTS, "crash after")
    machine.publish(count=20, size=30)
    machine.wait(seconds=61)
    machine._settle()
    machine._check()


SCENARIOS = [each for name, each in list(globals().items()) if name.startswith("scenario_")]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_pinned_story_ends_well(scenario, machine):
    scenario(machine)


def _swap_list_and_get(patch):
    def read(store, folder, name, start, bad):
        data = live._artifact(store, folder, name, start, is_needed=False)
        listed = live._list(store, folder, name, start)
        return live._assemble(store, folder, data, start, listed, bad=bad)

    patch.setattr(live, "_read", read)


def _delete_at_once(patch):
    patch.setattr("lab_workbook.protocol._spec.SEGMENT_DELETE_SECONDS", 0)


def _supersede_what_only_ends_before(patch):
    patch.setattr(Segment, "holds", lambda self, other: other.end <= self.end)


def _forget_late_requests(patch):
    patch.setattr(segments.Trail, "lasting", property(lambda trail: trail.refreshed))


def _leave_the_last_rows_to_the_artifact(patch):
    patch.setattr(segments.Trail, "may_shrink_below", lambda _trail, _size: False)


@pytest.mark.parametrize(
    ("damage", "scenario"),
    [
        (_swap_list_and_get, scenario_of_a_reader_that_sleeps_after_its_first_request),
        (_delete_at_once, scenario_of_a_reader_that_is_outrun),
        (_supersede_what_only_ends_before, scenario_of_a_long_pause),
        (_forget_late_requests, scenario_of_a_refresh_that_lands_long_after),
        (_leave_the_last_rows_to_the_artifact, scenario_of_a_refresh_that_lands_after_the_end),
    ],
)
def test_the_stories_notice_what_is_broken(damage, scenario, machine, monkeypatch):
    """
    Each rule of the plan is there for a reason: without it, a story ends badly.
    """
    damage(monkeypatch)

    with pytest.raises((AssertionError, Unreadable)):
        scenario(machine)
