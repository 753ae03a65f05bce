"""Help for a spool whose script may live on another host: nothing is replaced, deleted or sealed."""

import os

import pytest
from lab_workbook.protocol import process

ROW = b"%d,2,2016-02-12T22:17:34Z\n"


@pytest.fixture
def make_far(make_spool, bucket_prefix):
    """Make the spool of a script on another host, with two rows that its uploader has sent, and one more."""

    def make(**more):
        elsewhere = {**process.identity(), "bootId": "another machine"}
        spool = make_spool(bucket_prefix, script=elsewhere, **more)
        spool.series("loss.csv")
        spool.append("loss.csv", ROW % 1 + ROW % 2)
        spool.put("old.txt", b"old")
        spool.start().tell("flush", id=1)
        spool.wait_for("flushed", id=1)
        spool.wait_for("bucket")
        spool.kill()
        spool.append("loss.csv", ROW % 3)
        return spool

    return make


@pytest.fixture
def state(s3_client):
    """Return of each object what another put would change."""

    def of(spool):
        place = f"{spool.prefix.path}{spool.tag}/"
        listed = s3_client.list_objects_v2(Bucket=spool.prefix.bucket, Prefix=place)["Contents"]
        return {item["Key"].removeprefix(place): (item["ETag"], item["LastModified"]) for item in listed}

    return of


def files(spool):
    """Return every file of a spool with its bytes and its time."""
    paths = [path for path in spool.path.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_what_is_missing_is_created_and_nothing_else_changes(make_far, lab_workbook, state):
    """
    Not a byte of the spool, and no object that was there.
    """
    spool = make_far()
    spool.put("new.txt", b"new")
    before, spool_before = state(spool), files(spool)

    done = lab_workbook("push")

    after = state(spool)
    assert done.returncode == 0, done.stdout
    assert {key: after[key] for key in before} == before
    header = len(b"epoch,loss,Date\n")
    three, two = header + 3 * len(ROW % 1), header + 2 * len(ROW % 1)
    segment = f".lab-workbook/segments/loss.csv/{three:015}-{two:015}"
    assert set(after) - set(before) == {segment, "new.txt"}
    assert files(spool) == spool_before
    assert spool.delivered()["loss.csv"].endswith(ROW % 3)


def test_help_twice_changes_nothing(make_far, lab_workbook, state):
    spool = make_far()
    lab_workbook("push")
    before = state(spool)

    again = lab_workbook("push")

    assert again.returncode == 0
    assert state(spool) == before


def test_the_script_and_its_uploader_go_on_as_if_nobody_had_helped(make_far, lab_workbook):
    """
    Their segments reach further than the helper's, and their artifact replaces what it has created.
    """
    spool = make_far()
    spool.put("new.txt", b"new")
    lab_workbook("push")
    spool.append("loss.csv", ROW % 4)
    spool.put("new.txt", b"newer")
    spool.start().tell("flush", id=2)
    spool.wait_for("flushed", id=2)
    spool.wait_for("published", name="new.txt")
    live = spool.delivered()["loss.csv"]
    spool.end()
    spool.wait_for_exit()

    assert live.count(b"\n") == 5
    assert spool.delivered()["new.txt"] == b"newer"
    assert spool.delivered()["loss.csv"] == live
    assert spool.end_json()["outcome"] == "finished"


def test_a_version_that_has_to_replace_another_waits_for_its_own_uploader(make_far, lab_workbook):
    """
    A late helper would put an older one in place of a newer one; so it says what is missing.
    """
    spool = make_far()
    spool.wait_for("published", name="old.txt")
    spool.put("old.txt", b"newer")

    done = lab_workbook("push")

    assert done.returncode == 1
    assert "all rows are in s3://" in done.stdout
    assert "but not 'old.txt'" in done.stdout
    assert spool.delivered()["old.txt"] == b"old"


@pytest.mark.parametrize("tail", [b"4,\0\0\0\0\n" + ROW % 5, b'4,"a\n'])
def test_rows_that_cannot_be_believed_are_left(make_far, lab_workbook, tail):
    """
    A page that has not arrived yet reads as NUL, and a row may be half there.
    """
    spool = make_far()
    spool.append("loss.csv", tail)

    lab_workbook("push")

    assert spool.delivered()["loss.csv"].endswith(ROW % 3)


def test_a_claim_that_was_never_tried_is_left_to_its_uploader(make_spool, bucket_prefix, lab_workbook):
    """
    It would take "exists already" for another experiment.
    """
    spool = make_spool(bucket_prefix, script={**process.identity(), "bootId": "another machine"})
    spool.series("loss.csv")

    done = lab_workbook("push")

    assert done.returncode == 1
    assert "its tag is not claimed" in done.stdout
    assert list(spool.store.keys("")) == []
    assert spool.start().wait_for("claimed")


def test_a_claim_of_a_chosen_tag_is_left_to_its_uploader(make_spool, bucket_prefix, lab_workbook):
    """
    Where it may not read what is there, it would take the helper's claim for that of another experiment.
    """
    elsewhere = {**process.identity(), "bootId": "another machine"}
    spool = make_spool(bucket_prefix, script=elsewhere, tag="mine", explicit=True)
    (spool.own / "journal").write_text('{"event": "claiming"}\n')

    done = lab_workbook("push")

    assert done.returncode == 1
    assert list(spool.store.keys("")) == []


def test_a_claim_whose_answer_was_lost_is_made(make_spool, bucket_prefix, lab_workbook):
    """
    Its uploader takes "exists already" for its own claim then.
    """
    spool = make_spool(bucket_prefix, script={**process.identity(), "bootId": "another machine"})
    spool.series("loss.csv")
    spool.append("loss.csv", ROW % 1)
    (spool.own / "journal").write_text('{"event": "claiming"}\n')

    done = lab_workbook("push")

    assert done.returncode == 0, done.stdout
    assert spool.delivered()["loss.csv"].endswith(ROW % 1)
    assert spool.start().wait_for("claimed")


def test_an_ended_script_of_another_host_is_delivered_and_sealed(make_far, lab_workbook):
    """
    Its own word is proof that it records nothing any more, once all of its rows can be read.
    """
    spool = make_far()
    size = os.path.getsize(spool.path / "loss.csv")
    spool.tell(
        "end", ended="2016-02-12T22:49:00Z", outcome="finished", error=None, lost={}, sizes={"loss.csv": size}
    )

    done = lab_workbook("push")

    assert done.returncode == 0, done.stdout
    assert spool.end_json()["outcome"] == "finished"
    assert not spool.path.exists()


@pytest.mark.parametrize("sizes", [{"loss.csv": 10_000}, {"../x": 1}, {"gone.csv": 1}, None])
def test_the_end_may_be_seen_before_the_rows_are(make_far, lab_workbook, sizes):
    """
    Then, and where an older writer gives no sizes, nothing is sealed.
    """
    spool = make_far()
    spool.tell("end", ended="2016-02-12T22:49:00Z", outcome="finished", error=None, lost={}, sizes=sizes)

    done = lab_workbook("push")

    assert "not sealed" in done.stdout
    assert ".lab-workbook/end.json" not in [entry.key for entry in spool.store.keys("")]
    assert spool.path.exists()


def test_hostile_lines_lead_nowhere(make_far, lab_workbook):
    spool = make_far()
    spool.tell("series", name="../../etc/passwd")
    spool.tell("put", name="x", outbox="../journal")
    spool.write_queue(b"nonsense\n")

    done = lab_workbook("push")

    assert sorted(spool.delivered()) == ["loss.csv", "old.txt"], done.stdout
