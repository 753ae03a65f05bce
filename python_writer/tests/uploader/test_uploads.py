"""Uploads by threads: nothing old overtakes something new, and what fails is tried until it works."""

import subprocess
import sys
import threading
import time

import pytest
from lab_workbook import errors
from lab_workbook_writer.uploader.upload_queue import WORKERS, Kind, UploadQueue
from lab_workbook_writer.uploader.uploads import Refused, Uploads


class Work:
    """A job that does what a test says, and remembers how it fared."""

    def __init__(self, run=lambda: None, *, kind=Kind.ARTIFACT, is_bulky=False):
        self._run = run
        self.kind = kind
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
    """Start uploads; they stop with the test."""
    started = []

    def run(*, is_claimed=True):
        uploads = Uploads(UploadQueue(is_claimed=is_claimed), report=reports.append, wake=lambda: None)
        started.append(uploads)
        uploads.start()
        return uploads

    yield run
    for uploads in started:
        uploads.stop(10)


def test_a_job_that_waits_gives_way_to_a_newer_one(start, wait_until):
    uploads = start()
    done = []
    go, under_way = threading.Event(), threading.Event()
    uploads.submit("a", Work(lambda: (under_way.set(), go.wait(), done.append(1))))
    under_way.wait(10)
    jobs = [Work(lambda number=number: done.append(number)) for number in range(2, 6)]

    for job in jobs:
        uploads.submit("a", job)
    go.set()
    wait_until(lambda: uploads.is_idle)

    assert done == [1, 5]
    assert [job.gave_way for job in jobs] == [True, True, True, False]


def test_one_key_never_has_two_jobs_in_flight(start, wait_until):
    uploads = start()
    running, most = [], []

    def run():
        running.append(1)
        most.append(len(running))
        time.sleep(0.001)
        running.pop()

    for _ in range(100):
        uploads.submit("a", Work(run))
    wait_until(lambda: uploads.is_idle)

    assert max(most) == 1


def test_several_keys_go_at_once(start, wait_until):
    uploads = start()
    together = threading.Barrier(3)

    for name in "abc":
        uploads.submit(name, Work(lambda: together.wait(10)))
    wait_until(lambda: uploads.is_idle)

    assert not together.broken


@pytest.mark.parametrize("is_bulky", [False, True])
def test_rows_never_wait_for_artifacts(start, wait_until, is_bulky):
    """
    However many artifacts are in flight, small or bulky, a worker is left for rows.
    """
    uploads = start()
    go = threading.Event()
    for number in range(2 * WORKERS):
        uploads.submit(f"artifact {number}", Work(go.wait, is_bulky=is_bulky))
    rows = threading.Event()

    uploads.submit("loss.csv", Work(rows.set, kind=Kind.ROWS))

    assert rows.wait(10)
    go.set()
    wait_until(lambda: uploads.is_idle)


def test_rows_never_wait_for_bulky_rows(start, wait_until):
    """
    Also where a segment of another series holds all that went before.
    """
    uploads = start()
    go = threading.Event()
    for number in range(WORKERS):
        uploads.submit(f"model {number}", Work(go.wait, is_bulky=True))
        uploads.submit(f"long {number}", Work(go.wait, kind=Kind.ROWS, is_bulky=True))
    rows = threading.Event()

    uploads.submit("loss.csv", Work(rows.set, kind=Kind.ROWS))

    assert rows.wait(10)
    go.set()
    wait_until(lambda: uploads.is_idle)


def test_a_small_artifact_never_waits_for_models(start, wait_until):
    uploads = start()
    go = threading.Event()
    for number in range(2 * WORKERS):
        uploads.submit(f"model {number}", Work(go.wait, is_bulky=True))
    options = threading.Event()

    uploads.submit("options.json", Work(options.set))

    assert options.wait(10)
    go.set()
    wait_until(lambda: uploads.is_idle)


def test_a_job_that_fails_is_tried_until_it_works(start, wait_until, reports):
    uploads = start()
    answers = [errors.Unreachable("away"), OSError("odd"), ZeroDivisionError(), None]

    def run():
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    uploads.submit("a", Work(run))
    wait_until(lambda: uploads.is_idle)

    assert [type(report) for report in reports[:3]] == [errors.Unreachable, OSError, ZeroDivisionError]
    assert answers == []


def test_one_key_that_fails_and_others_that_work_are_one_trouble(start, wait_until, reports):
    """
    Who hears of it by turns would be told every second that all is well again.
    """
    uploads = start()
    go = threading.Event()

    def fail():
        if not go.is_set():
            raise errors.Unreachable("away")

    uploads.submit("bad", Work(fail))
    wait_until(lambda: reports)
    for number in range(5):
        done = threading.Event()
        uploads.submit(f"good {number}", Work(done.set))
        assert done.wait(10)
    before = list(reports)
    go.set()
    wait_until(lambda: uploads.is_idle)

    assert None not in before
    assert reports[-1] is None


def test_a_job_that_failed_gives_way_to_a_newer_one(start, wait_until):
    uploads = start()
    go, under_way = threading.Event(), threading.Event()

    def fail():
        under_way.set()
        go.wait()
        raise errors.Unreachable("away")

    old, new = Work(fail), Work()
    uploads.submit("a", old)
    under_way.wait(10)
    uploads.submit("a", new)
    go.set()
    wait_until(lambda: uploads.is_idle)

    assert old.gave_way
    assert not new.gave_way


def test_hurry_tries_at_once_what_was_to_wait(start, wait_until):
    uploads = start()
    attempts = []

    def fail():
        attempts.append(time.monotonic())
        if len(attempts) < 12:
            raise errors.Unreachable("away")

    uploads.submit("a", Work(fail))
    # Without the hurry, the twelfth attempt would be minutes away.
    wait_until(lambda: uploads.hurry() or uploads.is_idle)

    assert len(attempts) == 12


def test_nothing_is_sent_before_the_claim(start, wait_until):
    uploads = start(is_claimed=False)
    order = []
    uploads.submit("a", Work(lambda: order.append("a")))
    uploads.submit("b", Work(lambda: order.append("b")))

    uploads.submit("begin", Work(lambda: order.append("begin"), kind=Kind.CLAIM))
    wait_until(lambda: uploads.is_idle)

    assert order[0] == "begin"
    assert sorted(order[1:]) == ["a", "b"]


def test_a_refusal_stops_everything(start, wait_until):
    uploads = start(is_claimed=False)
    ran = []

    def refuse():
        raise Refused("taken")

    uploads.submit("begin", Work(refuse, kind=Kind.CLAIM))
    uploads.submit("a", Work(lambda: ran.append("a")))
    wait_until(lambda: uploads.refusal is not None)
    uploads.stop(10)

    assert str(uploads.refusal) == "taken"
    assert ran == []


def test_a_mark_is_reached_when_all_before_it_has_arrived(start, wait_until):
    uploads = start()
    go = threading.Event()
    uploads.submit("a", Work(go.wait))
    mark = uploads.mark(is_whole=True)
    uploads.submit("b", Work())

    assert not uploads.has_delivered(mark)
    go.set()
    wait_until(lambda: uploads.has_delivered(mark))


FEW_THREADS = """
import resource, threading
from lab_workbook_writer.uploader.upload_queue import Kind, UploadQueue
from lab_workbook_writer.uploader.uploads import Uploads

class Job:
    kind, is_bulky = Kind.ARTIFACT, False
    def run(self):
        done.append(self)
        if len(done) == 20:
            all_are_done.set()
    def give_way(self):
        pass

done, all_are_done = [], threading.Event()
uploads = Uploads(UploadQueue(is_claimed=True), report=lambda error: None, wake=lambda: None)
# Each thread takes at least as much for its stack.
threading.stack_size(64 << 20)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (200 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
uploads.start()
for number in range(20):
    uploads.submit(str(number), Job())
assert all_are_done.wait(60)
print(threading.active_count() - 1)
"""


def test_fewer_threads_upload_everything():
    """
    Under a limit of memory not all threads can be started.
    """
    done = subprocess.run([sys.executable, "-c", FEW_THREADS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert 1 <= int(done.stdout) < WORKERS


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_between_two_jobs_is_not_swallowed(wait_until):
    """
    The thread is gone and its job never leaves the queue, so the process has to end and to be replaced.
    """

    def fail(_error):
        raise MemoryError

    uploads = Uploads(UploadQueue(is_claimed=True), report=fail, wake=lambda: None)
    uploads.start()
    uploads.submit("a", Work())

    wait_until(lambda: uploads.fault is not None)
    assert isinstance(uploads.fault, MemoryError)
    uploads.stop(10)
