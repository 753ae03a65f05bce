"""Series that grow: segments, refreshes and the heartbeat, by the uploader as a process."""

import os

import pytest
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import process, segments
from lab_workbook.store.s3 import S3Store

ROW = b"1,2,2016-02-12T22:17:34Z\n"


@pytest.fixture
def published(wait_until):
    """Wait until a spool's rows are in segments up to a byte."""

    def run(spool, end):
        wait_until(lambda: reach(spool) >= end, lambda: f"{end} bytes; {spool.said()}")

    return run


def listed(spool):
    entries = spool.store.keys(".lab-workbook/segments/")
    return [segments.parse(entry.key) for entry in entries]


def reach(spool):
    return max((segment.end for segment in listed(spool)), default=0)


def sent(spool):
    return [event["segment"] for event in spool.events("published") if "segment" in event]


def append_one_by_one(spool, published, count):
    for _ in range(count):
        spool.append("loss.csv", ROW)
        published(spool, (spool.path / "loss.csv").stat().st_size)


def test_rows_are_read_while_the_script_lives(spool, published):
    """
    From segments and the artifact together, wherever each of them has got to.
    """
    spool.series("loss.csv")
    spool.start()
    append_one_by_one(spool, published, 3)

    assert spool.delivered() == {"loss.csv": b"epoch,loss,Date\n" + 3 * ROW}
    assert len(listed(spool)) >= 3


def test_after_the_end_the_artifact_is_whole(spool, published):
    spool.series("loss.csv")
    spool.start()
    append_one_by_one(spool, published, 3)
    spool.append("loss.csv", ROW)
    spool.end()

    spool.wait_for_exit()

    assert spool.objects() == {"loss.csv": b"epoch,loss,Date\n" + 4 * ROW}
    assert spool.end_json()["files"]["loss.csv"]["bytes"] == 16 + 4 * len(ROW)


def test_the_sixteenth_publication_holds_the_fifteen_before_it(spool, published):
    spool.series("loss.csv")
    spool.start()
    published(spool, 16)
    append_one_by_one(spool, published, 15)

    ends = sorted(segment.end for segment in listed(spool))
    assert len(ends) == 16
    assert max(listed(spool), key=lambda segment: segment.end).start == 0


def test_an_uploader_that_takes_over_sends_next_to_nothing_again(spool, published):
    """
    Publications end where they ended before, and their segments are where they were.
    """
    spool.series("loss.csv")
    spool.start()
    append_one_by_one(spool, published, 5)
    before = listed(spool)
    spool.kill()
    spool.start()
    append_one_by_one(spool, published, 2)

    after = listed(spool)
    assert set(before) <= set(after)
    assert len(sent(spool)) <= len(after) + 1
    starts = sorted({segment.start for segment in after})
    assert starts[0] == 0
    assert set(starts[1:]) <= {segment.end for segment in after}


def test_a_push_while_the_script_lives_brings_the_rows(spool, published, lab_workbook):
    """
    Nothing is sealed, and the next uploader goes on from there.
    """
    spool.series("loss.csv")
    spool.append("loss.csv", ROW)
    spool.put("a.txt", b"a")

    assert lab_workbook("push", spool.path).returncode == 0

    assert spool.delivered() == {"loss.csv": b"epoch,loss,Date\n" + ROW, "a.txt": b"a"}
    spool.start()
    append_one_by_one(spool, published, 2)
    assert spool.delivered()["loss.csv"] == b"epoch,loss,Date\n" + 3 * ROW


def test_an_experiment_of_another_machine_is_running_by_its_heartbeat(make_spool, bucket_prefix):
    elsewhere = {**process.identity(), "bootId": "another machine"}
    spool = make_spool(bucket_prefix, script=elsewhere).start()
    spool.wait_for("bucket", overwrites=True)
    experiment = Experiment(S3Store(spool.prefix), spool.tag, "there")

    assert experiment.status == "running"


def test_a_dead_script_has_no_heartbeat(make_spool, bucket_prefix, dead_script):
    spool = make_spool(bucket_prefix, script=dead_script)
    spool.series("loss.csv")
    spool.tell("flush", id=1)

    spool.start().wait_for_exit()

    assert [entry.key for entry in spool.store.keys("")] == [
        ".lab-workbook/begin.json",
        ".lab-workbook/end.json",
        "loss.csv",
    ]


def test_each_series_has_rows_of_its_own(spool):
    """
    Two series whose names begin alike never share a segment.
    """
    for name in ("a.csv", "a.csv.csv", "a/b.csv"):
        spool.series(name)
    spool.start()
    for number, name in enumerate(("a.csv", "a.csv.csv", "a/b.csv"), 1):
        spool.append(name, number * ROW)
    spool.tell("flush", id=1)
    spool.wait_for("flushed", id=1)

    assert {name: data.count(b"\n") - 1 for name, data in spool.delivered().items()} == {
        "a.csv": 1,
        "a.csv.csv": 2,
        "a/b.csv": 3,
    }


def test_a_file_that_lost_its_rows_is_never_sent_for_longer_ones(spool, published):
    """
    Somebody has emptied the spool: what was published stays as it was.
    """
    spool.series("loss.csv")
    spool.start()
    append_one_by_one(spool, published, 2)
    os.truncate(spool.path / "loss.csv", 16)
    spool.put("a.txt", b"a")
    spool.wait_for("published", name="a.txt")

    assert spool.delivered()["loss.csv"] == b"epoch,loss,Date\n" + 2 * ROW


def test_a_series_that_is_told_again_stays_as_it_is(make_spool, bucket_prefix, published):
    """
    Rank 0 tells of the series of other ranks once more, and does not know how often they are to be seen.
    """
    spool = make_spool(bucket_prefix, uploadEvery=3600)
    spool.series("loss.csv", save_every=1)
    spool.start()
    append_one_by_one(spool, published, 1)

    spool.tell("series", name="loss.csv", saveEvery=None)
    # Answered after what was told before.
    spool.tell("flush", id=1)
    spool.wait_for("flushed", id=1)
    append_one_by_one(spool, published, 2)
    rows = (spool.path / "loss.csv").read_bytes()
    spool.end()

    assert spool.wait_for_exit() == 0
    assert spool.delivered() == {"loss.csv": rows}
