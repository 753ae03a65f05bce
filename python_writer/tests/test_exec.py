"""A script whose process replaces its program by exec is over, although its process runs on."""

import os
import time

import lab_workbook
import pytest

BECOME_CAT = """
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step"])
for step in range(3):
    log(step=step)
print("ready", flush=True)
sys.stdin.readline()
os.execvp("cat", ["cat"])
"""

AGAIN = """
if len(sys.argv) == 1:
    workbook = lab_workbook.new_experiment(tag="T")
    os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
lab_workbook.new_experiment(tag="again").close()
print(lab_workbook.ExperimentRepository()["T"].status)
"""


@pytest.fixture
def become_cat(script):
    """Start a script; the function that is returned lets it become `cat`."""
    child = script.start(BECOME_CAT, keeps_input=True)
    while child.stdout.readline() != "ready\n":
        assert child.poll() is None

    def become_cat():
        child.stdin.write("go on\n" + "x" * 10_000 + "\n")
        child.stdin.flush()
        child.stdout.read(1)
        return child

    yield become_cat
    child.communicate()


def test_the_experiment_is_lost_in_a_folder(script, become_cat):
    """
    Its process is alive, with the same id and the same start.
    """
    experiment = lab_workbook.ExperimentRepository(script.home.parent)["T"]
    before = experiment.status

    child = become_cat()

    assert (before, experiment.status) == ("running", "lost")
    assert lab_workbook.ExperimentRepository(script.home.parent).table().loc["T", "status"] == "lost"
    assert child.poll() is None


@pytest.fixture
def in_s3(script, bucket_prefix):
    """The bucket as the destination of a script."""
    script.environment = {**os.environ, "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix}
    return lab_workbook.ExperimentRepository(bucket_prefix)


def test_the_experiment_is_interrupted_in_s3(in_s3, become_cat):
    """
    Its uploader delivers the rest and leaves.
    """
    child = become_cat()

    deadline = time.monotonic() + 60
    while in_s3["T"].status != "interrupted":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert list(in_s3["T"]["loss.csv"].index) == [0, 1, 2]
    assert child.poll() is None


def test_a_script_that_starts_itself_again_has_a_second_experiment(script):
    """
    The first one is over, and says so to the second.
    """
    ran = script.run(AGAIN)

    assert ran.stdout.splitlines()[-1] == "lost"
    assert ran._replace(home=ran.home.with_name("again")).end["outcome"] == "finished"
