"""An experiment with an s3:// prefix, from the script's side, with the real uploader and a real server."""

import json
import os
import shutil
import signal
import threading
import time

import lab_workbook
import pytest
from lab_workbook_writer.delivery import Delivery


@pytest.fixture
def spools(isolation):
    """The folder of all spools of this test's user; whoever still delivers one afterwards is ended."""
    folder = isolation / ".local" / "state" / "lab-workbook"
    yield folder
    for spool in folder.glob("*"):
        os.kill(uploader_of(spool), signal.SIGKILL)


def uploader_of(spool):
    """The process that delivers a spool, once it has said so."""
    journal = spool / ".lab-workbook" / "journal"
    while True:
        lines = journal.read_text().splitlines() if journal.exists() else []
        started = [json.loads(line)["pid"] for line in lines if '"started"' in line]
        if started:
            return started[-1]
        time.sleep(0.05)


@pytest.fixture
def objects(s3_client, bucket_prefix):
    """What is in the bucket under a tag."""
    bucket = bucket_prefix.split("/")[2]

    def of(tag):
        listed = s3_client.list_objects_v2(Bucket=bucket, Prefix=f"exp/{tag}/").get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        return {
            key.removeprefix(f"exp/{tag}/"): s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
        }

    return of


def test_the_script_ends_after_its_spool(tmp_path):
    """
    In a container the end of the script is that of its uploader, which would leave the spool behind.
    """
    spool = tmp_path / "T.spool"
    (spool / ".lab-workbook").mkdir(parents=True)
    (spool / ".lab-workbook" / "journal").write_text('{"event": "ended"}\n')
    removal = threading.Timer(0.3, shutil.rmtree, [spool])
    removal.start()

    assert Delivery(f"{spool}/", exit_timeout=5, exit_max=5).wait_for_end()

    assert not spool.exists()
    removal.join()


def test_everything_is_in_the_bucket_after_close(bucket_prefix, objects, spools):
    """
    And nothing is left in the spool.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        workbook.save_json("options", {"a": 1})
        log = workbook.new_time_series_log("loss", ["epoch"], save_every=2)
        log(epoch=1)
        workbook.save_json("options", {"a": 2})

    found = objects(workbook.tag)
    end = json.loads(found[".lab-workbook/end.json"])
    assert workbook.where == f"{bucket_prefix}{workbook.tag}/"
    assert json.loads(found["options.json"]) == {"a": 2}
    assert found["loss.csv"].startswith(b"epoch,Date\n1,")
    assert (end["outcome"], set(end["files"])) == (
        "finished",
        {".lab-workbook/begin.json", "options.json", "loss.csv"},
    )
    assert list(spools.iterdir()) == []


def test_a_spool_is_its_owners_alone(bucket_prefix, spools):
    """
    It holds what nobody has published yet.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        (spool,) = spools.iterdir()
        modes = [path.stat().st_mode & 0o777 for path in (spools, spool)]
        name = spool.name

    assert modes == [0o700, 0o700]
    assert name.startswith(f"{workbook.tag}.")


def test_flush_with_a_time_waits_for_the_bucket(bucket_prefix, objects):
    """
    Then everything before it is there, while the script goes on.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        log = workbook.new_time_series_log("loss", ["epoch"])
        log(epoch=1)
        workbook.save_text("remarks", "early")

        assert workbook.flush(30) is True

        found = objects(workbook.tag)
        assert found["remarks"] == b"early"
        assert ".lab-workbook/end.json" not in found
        # Its rows may still lie in a segment alone.
        read = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]["loss.csv"]
        assert read.index.tolist() == [1]


def test_a_tag_that_is_taken_is_refused(bucket_prefix, spools):
    """
    At once, and no spool stays behind.
    """
    lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag="baseline").close()

    with pytest.raises(lab_workbook.TagTaken, match=r"rule tag.claim"):
        lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag="baseline")

    assert list(spools.iterdir()) == []


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_refused(spools):
    """
    A typing error must not cost a night's training.
    """
    with pytest.raises(lab_workbook.BucketNotFound):
        lab_workbook.new_experiment(bucket_prefix="s3://no-such-bucket-at-all/exp/")

    assert list(spools.iterdir()) == []


@pytest.mark.usefixtures("late_s3")
def test_a_server_that_does_not_answer_stops_nothing(spools, capsys, monkeypatch):
    """
    It is said once, training goes on, and at the end the command that delivers the rest is printed.
    """
    monkeypatch.setattr("lab_workbook.protocol._spec.TIMING_CLAIM_SECONDS", 1)
    with lab_workbook.new_experiment(bucket_prefix="s3://bucket/exp/", exit_timeout=1) as workbook:
        workbook.save_text("remarks", "kept")
        assert workbook.flush(0.1) is False

    (spool,) = spools.iterdir()
    said = capsys.readouterr().err
    assert "not in the bucket yet" in said
    assert said.endswith(f"  lab-workbook push {spool}\n")
    assert (spool / ".lab-workbook" / "outbox" / "1").read_text() == "kept"


def test_the_scripts_own_modules_do_not_become_the_uploaders(script, bucket_prefix, objects):
    """
    A ``json.py`` or ``boto3.py`` beside the script is the script's alone.
    """
    for module in ("boto3", "queue", "select", "lab_workbook_writer"):
        (script.path.parent / f"{module}.py").write_text("raise SystemExit('the wrong one')")
    script.environment |= dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix}

    ran = script.run(
        """
        sys.path.append(sys.path.pop(0))
        lab_workbook.new_experiment(tag='T').save_text("remarks", "")
        """
    )

    assert (ran.status, ran.stderr) == (0, "")
    assert "remarks" in objects("T")


def test_a_killed_script_is_interrupted_and_its_rows_arrive(script, bucket_prefix, objects, s3_client):
    """
    The uploader outlives it, sees that it is gone, and says so in its place.
    """
    script.environment |= dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix}
    process = script.start(
        """
        workbook = lab_workbook.new_experiment(tag='T')
        log = workbook.new_time_series_log("loss", ["step"])
        for step in range(50):
            log(step=step)
        print("ready", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ran = script.finish(process)
    bucket = bucket_prefix.split("/")[2]
    s3_client.get_waiter("object_exists").wait(
        Bucket=bucket, Key="exp/T/.lab-workbook/end.json", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    found = objects("T")
    assert ran.status == -signal.SIGKILL
    assert json.loads(found[".lab-workbook/end.json"])["outcome"] == "interrupted"
    assert found["loss.csv"].count(b"\n") == 51


def test_another_uploader_takes_over_from_one_that_died(bucket_prefix, objects, spools):
    """
    At the latest when the script ends, nothing is missing.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        (spool,) = spools.iterdir()
        os.kill(uploader_of(spool), signal.SIGKILL)
        workbook.save_text("remarks", "late")

    assert objects(workbook.tag)["remarks"] == b"late"


def test_a_forked_child_does_not_hold_the_uploader(script, bucket_prefix, objects):
    """
    It writes no line of the queue and closes its copy of the pipe.
    """
    script.environment |= dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix}

    ran = script.run(
        """
        workbook = lab_workbook.new_experiment(tag='T')
        if not os.fork():
            workbook.save_text("child", "")
            os._exit(0)
        os.wait()
        workbook.save_text("parent", "")
        try:
            os.wait()
        except ChildProcessError:
            print("no child of ours is left to wait for")
        """
    )

    assert "no child of ours" in ran.stdout
    left = set(objects("T")) - {".lab-workbook/heartbeat.json"}
    assert left == {"parent", ".lab-workbook/begin.json", ".lab-workbook/end.json"}


@pytest.mark.usefixtures("late_s3")
def test_ctrl_c_ends_the_wait_at_the_end(script, spools):
    """
    A user who wants to leave may, and is told how to deliver the rest.
    """
    script.environment |= dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": "s3://bucket/exp/"}
    process = script.start(
        """
        from lab_workbook.protocol import _spec
        _spec.TIMING_CLAIM_SECONDS = 0
        workbook = lab_workbook.new_experiment(tag='T')
        print("ready", flush=True)
        """
    )
    assert "ready\n" in iter(process.stdout.readline, "")
    (queue,) = spools.glob("T.*/.lab-workbook/queue")
    while '"end"' not in queue.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    ran = script.finish(process)

    assert "lab-workbook push" in ran.stderr
    assert "Traceback" not in ran.stderr
