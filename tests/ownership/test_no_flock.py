"""Mounts without flock(2): everything is delivered, once, and the messages are true."""

from __future__ import annotations

import errno
import subprocess
import sys

import lab_workbook
import pytest

from tests.ownership.hosts import LANGUAGES, wait_until

pytestmark = pytest.mark.s3

ERRORS = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO]


def record(script, tag):
    script.do("start", tag=tag)
    script.do("series")
    script.do("rows", first=0, last=10)
    script.do("text", name="note", text="x")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_a_script_is_delivered_without_flock(error, language, host, no_flock, rows):
    script = host(language, "A", apart=False, **no_flock(error))

    record(script, "A")
    flushed, closed = script.do("flush"), script.do("close")

    assert (flushed.lower(), closed.lower()) == ("true", "true")
    assert rows("A") == list(range(10))
    assert script.stderr == ""


@pytest.fixture
def orphan(host, spool_dir):
    """The spool of a script that was killed after its uploader."""
    script = host("python", "A", apart=False)
    script.do("start", tag="A")
    (spool,) = spool_dir.glob("A.*")
    script.do("kill the uploader", journal=str(spool / ".lab-workbook/journal"))
    script.do("series")
    script.do("rows", first=0, last=10)
    script.end()
    return spool


def test_a_push_delivers_without_flock(orphan, push, no_flock, rows):
    done = push(**no_flock())

    assert done.returncode == 0
    assert done.stdout.startswith("A: delivered to s3://")
    assert rows("A") == list(range(10))
    assert not orphan.exists()


def test_the_next_experiment_delivers_without_flock(orphan, host, no_flock, bucket_prefix):
    other = host("python", "B", apart=False, **no_flock())
    other.do("start", tag="B")

    wait_until(lambda: not orphan.exists())

    assert lab_workbook.ExperimentRepository(bucket_prefix)["A"].status == "interrupted"


def test_of_two_pushes_without_flock_one_delivers(orphan, no_flock, bucket_prefix, spool_dir, monkeypatch):
    for name, value in no_flock().items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push", str(orphan)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = [process.communicate(timeout=90)[0] for process in both]

    assert sum("delivered to" in each for each in said) == 1
    assert lab_workbook.ExperimentRepository(bucket_prefix)["A"].verify().is_sound
    assert not list(spool_dir.glob("A.*"))


def test_a_push_that_cannot_lock_fails_and_says_why(orphan, push):
    """
    A full or read-only disk is not another process.
    """
    (orphan / ".lab-workbook/lock").unlink()
    (orphan / ".lab-workbook/lock").mkdir()

    done = push()

    assert done.returncode == 1
    assert "cannot be locked: Is a directory" in done.stdout


def test_doctor_tries_the_lock(spool_dir, no_flock, monkeypatch):
    """
    Without flock(2) uploaders still exclude each other, but for those of released versions.
    """
    spool_dir.mkdir()
    command = [sys.executable, "-c", "from lab_workbook.cli import main; main()", "doctor"]
    usual = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for name, value in no_flock().items():
        monkeypatch.setenv(name, value)
    without = subprocess.run(command, capture_output=True, text=True, check=False).stdout

    assert "locks work" in usual
    assert "flock is not supported (No locks available)" in without
    assert list(spool_dir.iterdir()) == []
