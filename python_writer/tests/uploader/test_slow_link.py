"""Rows on a slow link, 200 kB a second for each connection, beside artifacts that it cannot keep up with."""

import itertools
import json
import time
from collections import Counter

import pytest
from lab_workbook.store.s3 import S3Store
from lab_workbook_conformance.s3.proxy import Proxy
from lab_workbook_writer.uploader.growth import Growth
from lab_workbook_writer.uploader.jobs import PutJob, Sender
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.upload_queue import WORKERS, UploadQueue
from lab_workbook_writer.uploader.uploads import Uploads

ROW = b"1,2,2016-02-12T22:17:34Z\n"
SEGMENTS = "*/segments/loss.csv/*"


@pytest.fixture
def link(s3):
    with Proxy(s3, bytes_per_second=200_000) as link:
        yield link


@pytest.fixture
def slow_spool(make_spool, bucket_prefix, link):
    return make_spool(bucket_prefix, endpointUrl=link.url)


class Sending:
    """The uploads of a spool, whose turns a test takes, so that it knows when rows are due."""

    def __init__(self, hand, link):
        self._hand = hand
        self.link = link
        self._journal = Journal(str(hand.own / "journal"))
        self._journal.say("bucket", overwrites=True)
        place = hand.prefix._replace(path=f"{hand.prefix.path}{hand.tag}/")
        self._sender = Sender(self._journal, lambda: S3Store(place, endpoint_url=link.url), lambda _: None)
        self._numbers = itertools.count(1)
        self.uploads = Uploads(UploadQueue(), report=lambda _: None, wake=lambda: None)
        self._growth = Growth(self._sender, self.uploads, lambda _name: False)

    def open_series(self):
        self._hand.append("loss.csv", b"epoch,loss,Date\n")
        self._growth.add(str(self._hand.path / "loss.csv"), "loss.csv", 1, upload_every=1)

    def save(self, name, size):
        number = str(next(self._numbers))
        (self._hand.own / "outbox" / number).write_bytes(b"x" * size)
        spool = Spool(str(self._hand.path))
        self.uploads.submit(name, PutJob(self._sender, spool, name, number, lambda: None))

    def publish_row(self):
        """Append a row that is due at once; returns when that was."""
        self._hand.append("loss.csv", ROW)
        due = time.monotonic()
        self._growth.turn(due, all_rows=True, is_over=False)
        return due

    def close(self):
        self.uploads.stop(30)
        self._journal.close()


@pytest.fixture
def sending(slow_spool, link):
    sending = Sending(slow_spool, link)
    sending.open_series()
    yield sending
    sending.close()


def started(link, pattern, *, after=0.0, before=float("inf")):
    """Return the requests for some keys that came between two moments."""
    return [seen for seen in link.requests(pattern) if after < seen.at < before]


@pytest.mark.parametrize(
    ("names", "size", "rounds"),
    [(6, 900_000, 100), (40, 25_000, 100), (1000, 25_000, 1)],
    ids=["figures", "texts", "many texts"],
)
def test_no_artifact_goes_before_rows_that_are_due(sending, wait_until, names, size, rounds):
    """
    Only those requests go before that were under way when the rows became due.
    """
    link = sending.link
    sending.uploads.start()
    overtaken = []
    for number in itertools.count(1):
        if number <= rounds:
            for name in range(names):
                sending.save(f"{name}.txt", size)
        due = sending.publish_row()
        wait_until(lambda number=number: len(link.puts(SEGMENTS)) >= number)
        sent = started(link, SEGMENTS)[-1].at
        overtaken.append(len(started(link, "*.txt", after=due, before=sent)))
        if number >= 8 and len(link.requests("*.txt")) > WORKERS:
            break

    assert max(overtaken) <= WORKERS


def test_artifacts_that_are_saved_again_take_turns(sending, link, wait_until):
    """
    None is sent a third time before each was sent once, though each is saved again all the time.
    """
    sending.uploads.start()
    names = [f"{number}.txt" for number in range(12)]

    def save_all():
        for name in names:
            sending.save(name, 20_000)
        return len(link.puts("*.txt")) >= 4 * len(names)

    wait_until(save_all)

    counts = Counter(seen.key.rpartition("/")[2] for seen in link.puts("*.txt"))
    assert set(counts) == set(names)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_artifacts_saved_at_once_leave_room_for_rows(slow_spool, link, wait_until):
    """
    By the uploader as a process: it sends rows long before it has sent all artifacts.
    """
    slow_spool.start()
    slow_spool.wait_for("bucket")
    for number in range(100):
        slow_spool.put(f"{number}.txt", b"x" * 50_000)
    slow_spool.series("loss.csv", save_every=1)
    slow_spool.append("loss.csv", ROW)

    wait_until(lambda: link.puts(SEGMENTS), slow_spool.said)

    assert len(link.puts("*.txt")) <= 50


def test_artifacts_saved_again_and_again_leave_room_for_rows(slow_spool, link, wait_until):
    """
    By the uploader as a process, with more to send all the time than the link carries.
    """
    slow_spool.start()
    slow_spool.wait_for("bucket")

    def save_all():
        for number in range(20):
            slow_spool.put(f"{number}.txt", json.dumps(number).encode() * 20_000)
        return len(link.puts("*.txt")) >= 8

    wait_until(save_all)
    slow_spool.series("loss.csv", save_every=1)
    slow_spool.append("loss.csv", ROW)
    before = len(link.puts("*.txt"))

    def has_rows():
        save_all()
        return link.puts(SEGMENTS) or len(link.puts("*.txt")) > before + 100

    wait_until(has_rows, slow_spool.said)

    assert link.puts(SEGMENTS)
