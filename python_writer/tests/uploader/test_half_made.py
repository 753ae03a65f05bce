"""Spools that a kill, a full disk or a stranger has left half made: a push does what it can, and no harm."""

import os
import subprocess
import sys
import time

import pytest


@pytest.fixture
def orphan(make_spool, bucket_prefix, dead_script):
    """A spool whose script is gone, and whose uploader is."""
    spool = make_spool(bucket_prefix, script=dead_script)
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.put("a.txt", b"a")
    return spool


def left_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_line_of_the_queue_without_its_end_was_never_promised(orphan, lab_workbook):
    """
    The call that wrote it had not returned.
    """
    orphan.write_queue(b'{"verb": "put", "name": "b.txt", "outb')

    done = lab_workbook("push")

    assert done.returncode == 0
    assert set(orphan.delivered()) == {"loss.csv", "a.txt"}
    assert not any(orphan.end_json()["lost"].values())


def test_a_row_without_its_end_is_not_sent(orphan, lab_workbook):
    orphan.append("loss.csv", b"2,4,2016-02-12T22:1")

    lab_workbook("push")

    assert orphan.delivered()["loss.csv"] == b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n"


def test_what_was_saved_and_never_told_is_not_sent(orphan, lab_workbook):
    """
    Files that a kill has left among the working files go with the spool.
    """
    (orphan.own / "outbox" / "99").write_bytes(b"half")
    (orphan.own / "tmp").mkdir()
    (orphan.own / "tmp" / "3").write_bytes(b"half")

    lab_workbook("push")

    assert set(orphan.delivered()) == {"loss.csv", "a.txt"}
    assert not orphan.path.exists()


def test_a_file_that_is_gone_is_counted_and_the_rest_delivered(orphan, lab_workbook):
    (orphan.own / "outbox" / "1").unlink()

    done = lab_workbook("push")

    assert done.returncode == 0
    assert set(orphan.delivered()) == {"loss.csv"}
    assert orphan.end_json()["lost"]["artifacts"] == 1


def test_a_series_that_is_gone_stops_nothing_else(orphan, lab_workbook):
    """
    What can be delivered is.
    """
    (orphan.path / "loss.csv").unlink()

    lab_workbook("push", LAB_WORKBOOK_EXIT_TIMEOUT="5")

    assert orphan.delivered()["a.txt"] == b"a"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".lab-workbook/begin.json": b"{}"},
        {".lab-workbook/queue": b""},
        {".lab-workbook/queue": b'{"verb": "destination", "prefix": "s3://x/", "tag": "t"}\n'},
        {".lab-workbook/queue": b'{"verb": "desti', ".lab-workbook/begin.json": b'{"tag": "t"'},
        {".lab-workbook/queue": b"\x00\xff\n", ".lab-workbook/begin.json": b"null"},
    ],
    ids=["empty", "no-queue", "empty-queue", "no-begin", "torn", "garbage"],
)
def test_half_a_spool_is_kept_and_does_not_stop_the_others(files, orphan, spool_dir, lab_workbook):
    half = spool_dir / "000-half"
    half.mkdir()
    for name, data in files.items():
        (half / name).parent.mkdir(exist_ok=True)
        (half / name).write_bytes(data)
    (spool_dir / "a stray file").write_bytes(b"not ours")

    done = lab_workbook("push")

    assert f"{orphan.tag}: delivered" in done.stdout
    assert "Traceback" not in done.stderr
    assert left_in(half).items() >= files.items()
    assert (spool_dir / "a stray file").read_bytes() == b"not ours"


def test_many_pushes_beside_an_uploader_change_nothing_in_the_end(spool):
    """
    Its script lives: each push leaves it alone, and what is in the bucket is there once.
    """
    spool.start()
    spool.put("a.txt", b"a")
    spool.wait_for("published", name="a.txt")
    command = [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push"]
    pushes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [push.communicate(timeout=90)[0] for push in pushes]
    spool.end()

    spool.wait_for_exit()

    assert [push.returncode for push in pushes] == [0, 0, 0]
    assert all("another process" in each for each in said)
    assert spool.delivered() == {"a.txt": b"a"}


def test_pushing_and_pushing_again_leaves_every_object_as_it_is(orphan, lab_workbook, s3_client, tmp_path):
    """
    Also from a copy of the spool that a backup has brought back.
    """
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", orphan.path, copy], check=True)
    lab_workbook("push")
    before = objects(s3_client, orphan)
    # S3 tells times to the second.
    time.sleep(1.1)
    os.replace(copy, orphan.path)

    done = lab_workbook("push")

    assert objects(s3_client, orphan) == before
    assert done.returncode == 1
    assert "another experiment has the tag" in done.stdout


def objects(s3_client, spool):
    place = f"{spool.prefix.path}{spool.tag}/"
    listed = s3_client.list_objects_v2(Bucket=spool.prefix.bucket, Prefix=place)["Contents"]
    return {item["Key"]: (item["ETag"], item["LastModified"]) for item in listed}
