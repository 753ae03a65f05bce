"""A compacted journal says what the whole one said, whenever its process is killed or the disk is full."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.journal_file import read_whole

SERIES, TEXTS = ("a.csv", "b.csv"), ("a.txt", "b.txt", "ü.json")
SUM = "5f" * 32


def remembered(path):
    """Return all that a process knows which opens a journal."""
    journal = Journal(str(path))
    journal.close()
    return state(journal)


def state(journal):
    return {
        "claim": (
            journal.is_claimed,
            journal.is_claim_open,
            journal.refusal,
            journal.refusal and journal.refusal_message,
        ),
        "end": (journal.has_ended, journal.is_sealed, journal.sealing),
        "bucket": (journal.overwrites, journal.deletes),
        "trouble": journal.trouble,
        "published": journal.published,
        "tried": journal.tried,
        "lost": {name: event["message"] for name, event in journal.lost.items()},
        "segments": {name: trail.state() for name, trail in journal.trails.items()},
        "flushed": [number for number in range(100) if number in journal.flushed],
        "traffic": journal.traffic(),
        "started": journal.others.get("started", {}).get("pid"),
    }


class Compactions(RuleBasedStateMachine):
    """The same events for a journal that is compacted all the time, and for one that never is."""

    def __init__(self):
        super().__init__()
        self.folder = os.path.realpath(os.path.join(os.environ["HOME"], "journals"))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        self.whole, self.short = None, None
        self.flushes, self.ends = 0, dict.fromkeys(SERIES, 0)
        self._open()

    def _open(self):
        self.teardown()
        self.whole = Journal(os.path.join(self.folder, "whole"))
        self.short = Journal(os.path.join(self.folder, "short"), compact_at=1)

    def teardown(self):
        for journal in (self.whole, self.short):
            if journal is not None:
                journal.close()

    def say(self, event, **more):
        for journal in (self.whole, self.short):
            journal.say(event, **more)

    @rule()
    def open_again(self):
        """Another uploader takes over, and is compacted on."""
        self._open()

    @rule(name=st.sampled_from(SERIES), rows=st.integers(1, 9), arrives=st.booleans())
    def publish(self, name, rows, arrives):
        if self.whole.trail(name).pending is None:
            self.ends[name] += rows
            self.say("publishing", name=name, end=self.ends[name])
        if arrives:
            self.say("published", name=name, segment=self.whole.trail(name).pending.range)

    @rule(name=st.sampled_from(SERIES), arrives=st.booleans(), is_in_segments=st.booleans())
    def refresh(self, name, arrives, is_in_segments):
        end = self.whole.trail(name).end
        self.say("sending", name=name, bytes=end)
        if arrives:
            more = {"isInSegments": True} if is_in_segments else {"sha256": SUM}
            self.say("published", name=name, bytes=end, **more)

    @rule(name=st.sampled_from(SERIES))
    def remove(self, name):
        removed = [segment.range for segment in self.whole.trail(name).take_superseded()[:3]]
        self.say("removed", name=name, segments=removed)

    @rule(name=st.sampled_from(TEXTS), outbox=st.integers(1, 5), arrives=st.booleans())
    def save(self, name, outbox, arrives):
        self.say("sending", name=name, bytes=outbox, outbox=str(outbox))
        if arrives:
            self.say("published", name=name, bytes=outbox, outbox=str(outbox), sha256=SUM)

    @rule(name=st.sampled_from(TEXTS))
    def lose(self, name):
        self.say("lost", name=name, message="gone", outbox="7")

    @rule(event=st.sampled_from(["claiming", "claimed", "progress", "recovered"]))
    def other(self, event):
        self.say(event)

    @rule(pid=st.integers(1, 3))
    def start(self, pid):
        self.say("started", pid=pid, requests={"PUT": pid}, bytesSent=10)

    @rule(message=st.sampled_from(["no route", 'a "quoted" ü']))
    def trouble(self, message):
        self.say("trouble", message=message)

    @rule()
    def refuse(self):
        self.say("refused", reason="access", message="no")

    @rule(key=st.sampled_from(["overwrites", "deletes"]), value=st.booleans())
    def bucket(self, key, value):
        self.say("bucket", **{key: value})

    @rule(skipped=st.integers(0, 1))
    def flush(self, skipped):
        self.flushes += 1 + skipped
        self.say("flushed", id=self.flushes)

    @precondition(lambda self: not self.whole.sealing)
    @rule()
    def seal(self):
        self.say("sealing", sha256=SUM)

    @invariant()
    def a_process_that_opens_it_knows_the_same(self):
        whole = remembered(self.whole_path)
        assert state(self.whole) == whole
        assert remembered(self.short_path) == whole

    @property
    def whole_path(self):
        return os.path.join(self.folder, "whole")

    @property
    def short_path(self):
        return os.path.join(self.folder, "short")


def test_a_compacted_journal_says_what_the_whole_one_says():
    run_state_machine_as_test(
        Compactions, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


# Publishes, and kills itself before the line of our own code whose number is given, counted from the first
# one in `JournalFile.replace`. After each event it says on stdout that it was recorded.
KILLED = """
import os, signal, sys
from lab_workbook_writer.uploader import journal_file
from lab_workbook_writer.uploader.journal import Journal

path, line = sys.argv[1], int(sys.argv[2])
count = 0

def trace(frame, event, argument):
    global count
    if frame.f_code.co_filename != journal_file.__file__:
        return None
    if event == "call" and frame.f_code.co_name == "replace" and not count:
        count = 1
    elif count and event == "line":
        count += 1
        if count > line:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

journal = Journal(path, compact_at=2000)
sys.settrace(trace)
for number in range(100):
    journal.say("sending", name=f"{number % 7}.txt", bytes=number, outbox=str(number))
    journal.say("published", name=f"{number % 7}.txt", bytes=number, outbox=str(number), sha256="ab")
    os.write(1, b"%d\\n" % number)
    if count:
        # The first compaction is over.
        break
"""


def last_of_each(numbers):
    return {f"{number % 7}.txt": number for number in numbers}


def test_a_process_that_is_killed_while_it_compacts_loses_nothing(tmp_path):
    """
    At each line of our own code between the beginning of a compaction and its end.
    """
    path, lines = tmp_path / "journal", 0
    while True:
        for old in tmp_path.glob("journal*"):
            old.unlink()
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(lines + 1)], capture_output=True, check=False
        )
        recorded = list(map(int, done.stdout.split()))
        published = {name: sent.bytes for name, sent in Journal(str(path)).published.items()}
        # The next event may have been recorded too.
        assert published in (last_of_each(recorded), last_of_each([*recorded, len(recorded)]))
        before = {old.name: old.read_bytes() for old in tmp_path.glob("journal*")}
        assert Journal(str(path)).published == Journal(str(path)).published
        assert {old.name: old.read_bytes() for old in tmp_path.glob("journal*")} == before
        after = Journal(str(path))
        after.say("started", pid=1)
        after.close()
        assert sorted(os.listdir(tmp_path)) == ["journal"]
        assert {name: sent.bytes for name, sent in Journal(str(path)).published.items()} == published
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        lines += 1

    # The copy is made, the file is cut, written, and the copy removed.
    assert lines > 15


# Publishes artifacts, and compacts with each few of them, until it is ended.
BUSY = """
import sys
from lab_workbook_writer.uploader.journal import Journal

journal, number = Journal(sys.argv[1], compact_at=1), 0
while True:
    number += 1
    journal.say("published", name=f"{number % 7}.txt", bytes=number, outbox=str(number), sha256="ab")
"""


def test_processes_that_only_read_see_a_whole_journal_at_any_time(tmp_path):
    """
    `lab-workbook push` and helpers of other hosts look without a lock, and write nothing.
    """
    path = tmp_path / "journal"
    with subprocess.Popen([sys.executable, "-c", BUSY, str(path)]) as busy:
        try:
            while not path.exists() or len(Journal(str(path)).published) < 7:
                assert busy.poll() is None
            newest = 0
            for _ in range(300):
                (tmp_path / "copy").write_bytes(read_whole(str(path)))
                for each in (tmp_path / "copy", path):
                    published = Journal(str(each)).published
                    numbers = sorted(sent.bytes for sent in published.values())
                    # Consecutive ones, none of them older than a look before.
                    assert numbers == list(range(numbers[0], numbers[0] + 7))
                    assert numbers[-1] >= newest
                    newest = numbers[-1]
        finally:
            busy.kill()


def test_what_an_older_uploader_adds_to_a_journal_that_was_cut_is_kept(tmp_path):
    """
    It does not look for the second file, so it begins anew, and is refused its own tag.
    """
    path, new = tmp_path / "journal", tmp_path / "journal.new"
    data = b'{"event": "compacted", "number": 3, "memory": 0}\n{"event": "claimed"}\n'
    data += b'{"event": "flushed", "id": 9}\n'
    new.write_bytes(b"%d 10000\n%b" % (len(data), data))
    older = '{"event": "started", "pid": 7}\n{"event": "refused", "reason": "taken", "message": "no"}\n'
    path.write_text(older)

    journal = Journal(str(path))
    journal.say("started", pid=8)
    journal.close()

    after = Journal(str(path))
    assert (after.is_claimed, after.refusal, 9 in after.flushed) == (True, None, True)
    assert after.others["started"]["pid"] == 8
    assert path.read_text().startswith(older)
    assert os.listdir(tmp_path) == ["journal"]


@pytest.fixture
def disk(tmp_path):
    """A disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def test_a_full_disk_stops_no_delivery_and_spoils_no_journal(disk):
    """
    Another process fills the disk and leaves it again, all the time, also between two steps of a compaction.
    """
    is_over = threading.Event()

    def fill():
        while not is_over.is_set():
            with contextlib.suppress(OSError), open(disk / "ballast", "wb", buffering=0) as file:
                while file.write(b"x" * 4096):
                    pass

    path = disk / "journal"
    filling = threading.Thread(target=fill)
    filling.start()
    journal = Journal(str(path), compact_at=4096)
    for number in range(5_000):
        journal.say("publishing", name="a.csv", end=number + 1)
        journal.say("published", name="a.csv", segment=journal.trail("a.csv").pending.range)
        removed = [segment.range for segment in journal.trail("a.csv").take_superseded()]
        journal.say("removed", name="a.csv", segments=removed)
        assert journal.is_in_place()
    is_over.set()
    filling.join()
    (disk / "ballast").unlink()

    # What the disk refused is in the next compaction.
    for _ in range(300):
        journal.say("trouble", message="no route to the bucket")
    journal.close()

    assert remembered(path) == state(journal)
    assert path.stat().st_size < 3 * 4096


def test_a_journal_stays_small_however_much_is_published(tmp_path):
    """
    At most twice what it has to remember, or the size from which on it is compacted.
    """
    journal = Journal(str(tmp_path / "journal"), compact_at=10_000)
    largest = 0
    for number in range(5_000):
        journal.say("publishing", name="a.csv", end=100 * number + 100)
        journal.say("published", name="a.csv", segment=journal.trail("a.csv").pending.range)
        removed = [segment.range for segment in journal.trail("a.csv").take_superseded()]
        journal.say("removed", name="a.csv", segments=removed)
        journal.say("sending", name="a.txt", bytes=number, outbox=str(number))
        journal.say("published", name="a.txt", bytes=number, outbox=str(number), sha256=SUM)
        journal.say("flushed", id=number)
        largest = max(largest, os.path.getsize(tmp_path / "journal"))
    journal.close()

    assert largest < 10_500
    assert remembered(tmp_path / "journal") == state(journal)
    assert state(journal)["segments"]["a.csv"]["publications"] == 5_000


def test_what_many_artifacts_need_is_kept_and_costs_the_same_for_each(tmp_path):
    """
    Counted in bytes that are written: each compaction has had as many events before it.
    """
    written = []
    for count in (1_000, 2_000, 4_000):
        path = tmp_path / str(count)
        journal, before, total = Journal(str(path), compact_at=10_000), 0, 0
        for number in range(count):
            journal.say("sending", name=f"{number}.txt", bytes=5, outbox=str(number))
            journal.say("published", name=f"{number}.txt", bytes=5, outbox=str(number), sha256=SUM)
            size = os.path.getsize(path)
            # A journal that is shorter than before was written anew.
            total += size - before if size > before else size
            before = size
        written.append(total / count)
        journal.close()
        assert len(Journal(str(path)).published) == count

    assert max(written) <= 2 * min(written)


def test_another_process_that_appends_is_not_overwritten(tmp_path):
    """
    Where nothing excludes two uploaders, neither drops what the other one has recorded.
    """
    journal = Journal(str(tmp_path / "journal"), compact_at=1_000)
    other = Journal(str(tmp_path / "journal"), compact_at=1_000)
    for number in range(50):
        journal.say("published", name="a.txt", bytes=number, outbox=str(number), sha256=SUM)
        other.say("published", name="b.txt", bytes=number, outbox=str(number), sha256=SUM)
    for each in (journal, other):
        each.close()

    after = Journal(str(tmp_path / "journal"))

    assert {name: sent.bytes for name, sent in after.published.items()} == {"a.txt": 49, "b.txt": 49}


def test_a_journal_that_was_removed_is_left_as_it_is(tmp_path):
    """
    Its writer restores it from the open file, and must not find half of it there.
    """
    journal = Journal(str(tmp_path / "journal"), compact_at=1_000)
    reader = open(tmp_path / "journal", "rb")  # noqa: SIM115 - stays open, as the writer's
    (tmp_path / "journal").unlink()
    for number in range(50):
        journal.say("published", name="a.txt", bytes=number, outbox=str(number), sha256=SUM)
    journal.close()

    events = list(map(json.loads, reader.read().splitlines()))
    reader.close()

    assert [event["bytes"] for event in events] == list(range(50))
    assert os.listdir(tmp_path) == []


# As version 1.1.0 has written it, with what it wrote for artifacts, series and the end.
RELEASED = """\
{"event": "started", "pid": 17}
{"event": "claiming"}
{"event": "claimed", "requests": {"PUT": 1}, "bytesSent": 800}
{"event": "bucket", "overwrites": true, "requests": {"PUT": 2}, "bytesSent": 110}
{"event": "sending", "name": "options.json", "bytes": 20, "outbox": "1"}
{"event": "published", "name": "options.json", "bytes": 20, "sha256": "aa", "outbox": "1", "bytesSent": 20}
{"event": "sending", "name": "options.json", "bytes": 21, "outbox": "2"}
{"event": "publishing", "name": "loss.csv", "end": 100}
{"event": "published", "name": "loss.csv", "segment": "000000000000100-000000000000000"}
{"event": "sending", "name": "loss.csv", "bytes": 100}
{"event": "published", "name": "loss.csv", "bytes": 100, "sha256": "bb"}
{"event": "publishing", "name": "loss.csv", "end": 150}
{"event": "flushed", "id": 1}
{"event": "trouble", "message": "no route"}
"""


def test_what_a_released_version_wrote_is_read_and_compacted(tmp_path):
    (tmp_path / "journal").write_text(RELEASED)
    journal = Journal(str(tmp_path / "journal"), compact_at=100)

    journal.say("started", pid=18)
    journal.close()

    first = json.loads((tmp_path / "journal").read_text().splitlines()[0])
    assert (first["event"], first["number"], first["requests"]) == ("compacted", 1, {"PUT": 3})
    after = remembered(tmp_path / "journal")
    assert after == state(journal)
    assert after["published"]["options.json"].bytes == 20
    assert after["tried"]["options.json"] is None
    assert after["segments"]["loss.csv"]["pending"] == "000000000000150-000000000000100"
    assert (after["trouble"], after["flushed"], after["started"]) == ("no route", [1], 18)
