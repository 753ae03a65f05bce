"""
The spool of an experiment, or a part of it, is removed or replaced while its script runs.

Cleaners of /tmp do this, and people who need room. The rows are still in what the script has open, and what
has arrived in the bucket stays as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

import lab_workbook
import pytest

from tests.vanish.commanded import is_uploader, wait_until

NOTHING_LOST = {"rows": 0, "artifacts": 0, "texts": 0, "integers": 0, "secrets": 0}


def replace(path: Path) -> None:
    """Write a file anew, as editors and rsync do."""
    path.with_suffix(".new").write_text("step,text,Date\n")
    path.with_suffix(".new").rename(path)


def remove_with_uploader(spool: Path) -> None:
    """End the uploader too, so that nobody but the script knows anything."""
    events = map(json.loads, (spool / ".lab-workbook/journal").read_text().splitlines())
    os.kill(next(event["pid"] for event in events if event["event"] == "started"), signal.SIGKILL)
    shutil.rmtree(spool)


ATTACKS = {
    "spool": shutil.rmtree,
    "spool and uploader": remove_with_uploader,
    "moved": lambda spool: spool.rename(spool.with_name("moved")),
    "own files": lambda spool: shutil.rmtree(spool / ".lab-workbook"),
    "series": lambda spool: (spool / "loss.csv").unlink(),
    "replaced": lambda spool: replace(spool / "loss.csv"),
    "queue": lambda spool: (spool / ".lab-workbook/queue").unlink(),
    "replaced queue": lambda spool: replace(spool / ".lab-workbook/queue"),
    "journal": lambda spool: (spool / ".lab-workbook/journal").unlink(),
    "outbox": lambda spool: shutil.rmtree(spool / ".lab-workbook/outbox"),
    "lock": lambda spool: (spool / ".lab-workbook/lock").unlink(),
}


def assert_delivered(bucket_prefix: str, rows: int, **lost: int) -> None:
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert experiment["loss.csv"].index.tolist() == list(range(rows))
    assert experiment.end["lost"] == NOTHING_LOST | lost
    assert experiment.verify().is_sound, experiment.verify().problems


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_removed_is_restored_and_delivered(attack, start, bucket_prefix):
    """
    No row is lost or there twice, what was delivered before stays as it was, and one line says so at most.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    script.do("save early")
    assert script.do("flush 60") == "true"

    ATTACKS[attack](script.spool)
    script.do("log 500 1000")
    script.do("save late")
    flushed = script.do("flush 60")
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment["loss.csv"].index.tolist() == list(range(1000))
    assert experiment["late"] == "late" * 1000
    closed = script.do("close")
    said = script.end()

    assert_delivered(bucket_prefix, 1000)
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert (experiment["early"], experiment["late"]) == ("early" * 1000, "late" * 1000)
    assert (flushed, closed) in (("true", "none"), ("true", "true"))
    assert len(said) <= 1, said
    assert len(said) == 1 or attack in ("outbox", "lock")
    assert list(script.spools.glob("T.*")) == []


def test_rows_alone_restore_a_spool(start, bucket_prefix):
    """
    A script that only logs looks once a second, and needs neither a save nor a flush.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    shutil.rmtree(script.spool)
    step = 500

    def has_arrived():
        nonlocal step
        script.do(f"log {step} {step + 1}")
        step += 1
        with contextlib.suppress(KeyError, lab_workbook.LabWorkbookError):
            found = lab_workbook.ExperimentRepository(bucket_prefix)["T"]["loss.csv"].index.tolist()
            assert found == list(range(len(found)))
            return len(found) > 500
        return False

    wait_until(has_arrived, "rows from after the removal are in the bucket")
    script.do("close")

    assert_delivered(bucket_prefix, step)


def test_an_artifact_that_was_removed_before_it_was_sent_can_be_saved_again(start, late_s3, bucket_prefix):
    """
    The network was down, and there was no other copy. No flush succeeds before it was saved again.
    """
    with late_s3.running():
        script = start(bucket_prefix, exit_timeout=20)
        script.do("log 0 500")
        script.do("save early")
        assert script.do("flush 60") == "true"
    script.do("save waiting")
    script.do("log 500 700")
    shutil.rmtree(script.spool)
    script.do("log 700 1000")
    script.do("save late")
    with late_s3.running():
        flushed = [script.do("flush 60"), script.do("flush 60")]
        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
        assert sorted(experiment.list_artifacts()) == ["early", "late", "loss.csv"]
        script.do("save waiting")
        flushed.append(script.do("flush 60"))
        closed = script.do("close")

        assert_delivered(bucket_prefix, 1000)
        assert lab_workbook.ExperimentRepository(bucket_prefix)["T"]["waiting"] == "waiting" * 1000
    assert flushed == ["false", "false", "true"]
    assert closed in ("none", "true")
    said = script.end()
    assert len([line for line in said if "'waiting'" in line]) == 1, said


def test_an_outbox_that_was_removed_is_counted(start, late_s3, bucket_prefix):
    """
    The rest of the spool is there, and so nothing but the artifacts is missing.
    """
    with late_s3.running():
        script = start(bucket_prefix, exit_timeout=20)
        assert script.do("flush 60") == "true"
    script.do("save waiting")
    script.do("save replaced")
    shutil.rmtree(script.spool / ".lab-workbook/outbox")
    script.do("save replaced")
    script.do("log 0 10")
    with late_s3.running():
        flushed = script.do("flush 60")
        closed = script.do("close")

        assert_delivered(bucket_prefix, 10, artifacts=1)
        assert lab_workbook.ExperimentRepository(bucket_prefix)["T"]["replaced"] == "replaced" * 1000
    assert flushed == "false"
    assert closed in ("none", "false")


def test_a_spool_that_vanishes_while_its_script_waits_is_restored(start, late_s3, bucket_prefix):
    """
    Nothing is in the bucket then, so the script must not take the missing spool for a delivered one.
    """
    with late_s3.running():
        script = start(bucket_prefix, exit_timeout=60)
        assert script.do("flush 60") == "true"
    script.do("log 0 1000")
    spool = script.spool
    script.order("close")
    wait_until(lambda: '"end"' in (spool / ".lab-workbook/queue").read_text(), "the script ends")
    shutil.rmtree(spool)
    wait_until((spool / ".lab-workbook/queue").exists, "the spool is there again")
    with late_s3.running():
        assert script.answer() in ("none", "true")

        assert_delivered(bucket_prefix, 1000)
    assert not spool.exists()


def test_a_claim_that_never_arrived_is_made_by_the_restored_spool(start, late_s3, bucket_prefix):
    """
    The network was down from the start, so nothing but the script knows of the experiment.
    """
    script = start(bucket_prefix, exit_timeout=30)
    script.do("log 0 500")
    shutil.rmtree(script.spool)
    script.do("log 500 1000")
    script.do("flush")
    with late_s3.running():
        assert script.do("flush 60") == "true"
        script.do("close")

        assert_delivered(bucket_prefix, 1000)


def test_a_spool_that_cannot_be_restored_stops_nothing(start, bucket_prefix):
    """
    A file lies where the spool was. What is lost is said, and nothing is reported as delivered.
    """
    script = start(bucket_prefix, exit_timeout=2)
    script.do("log 0 500")
    assert script.do("flush 60") == "true"
    spool = script.spool
    shutil.rmtree(spool)
    spool.write_text("in the way")

    script.do("log 500 1000")
    script.do("save late")
    flushed, closed = script.do("flush 2"), script.do("close")
    said = script.end()

    assert (flushed, closed) in (("false", "none"), ("false", "false"))
    assert any("1000 rows" in line for line in said), said
    assert not any("lab-workbook push" in line for line in said), said
    spool.unlink()


def test_a_series_that_is_gone_for_good_does_not_keep_an_experiment_open(start, bucket_prefix):
    """
    Series removed, script killed: what has arrived stays, and end.json counts the rest as lost.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    assert script.do("flush 60") == "true"
    (script.spool / "loss.csv").unlink()
    script.process.kill()
    script.process.wait()

    def status():
        return lab_workbook.ExperimentRepository(bucket_prefix)["T"].status

    wait_until(lambda: status() == "interrupted", "the experiment is sealed")

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.end["lost"]["artifacts"] == 1
    assert experiment["loss.csv"].index.tolist() == list(range(500))


@pytest.mark.parametrize("attack", ["spool", "queue", "journal"])
def test_an_uploader_whose_spool_was_replaced_leaves(attack, start, bucket_prefix):
    """
    There is one at a time: the old one has left before the new one begins, and the journal is at its path.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    (old,) = script.uploaders()
    ATTACKS[attack](script.spool)
    script.do("log 500 1000")
    assert script.do("flush 60") == "true"

    assert not is_uploader(old)
    assert len(script.uploaders()) == 2
    script.do("close")
    assert_delivered(bucket_prefix, 1000)


@pytest.mark.parametrize("removed", ["the spool", "the list"])
def test_the_worker_of_the_aws_command_does_the_same(removed, start, late_s3, bucket_prefix, language):
    """
    It reads another list and keeps a memory of its own in the spool.
    """
    if language != "luajit":
        pytest.skip("one language is enough: requests by the aws command take seconds")
    with late_s3.running():
        script = start(bucket_prefix, uploader="aws", exit_timeout=60)
        script.do("log 0 500")
        script.do("save early")
        assert script.do("flush 90") == "true"
    script.do("save waiting")
    script.do("save late")
    # Stopped, so that it never sees the file missing.
    (worker,) = script.uploaders()
    os.kill(worker, signal.SIGSTOP)
    if removed == "the spool":
        shutil.rmtree(script.spool)
    else:
        (script.spool / ".lab-workbook/worklist").unlink()
    script.do("log 500 1000")
    script.do("flush")
    os.kill(worker, signal.SIGCONT)
    with late_s3.running():
        flushed = script.do("flush 90")
        script.do("save late")
        closed = script.do("close")

        is_lost = removed == "the spool"
        assert_delivered(bucket_prefix, 1000, artifacts=int(is_lost))
        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
        assert (experiment["early"], experiment["late"]) == ("early" * 1000, "late" * 1000)
    assert (flushed, closed) == (("false", "false") if is_lost else ("true", "true"))
    assert list(script.spools.glob("T.*")) == []
