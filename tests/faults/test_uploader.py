"""
The uploader as a process among processes: killed, stopped, held by others, cut off by its own script.

Whatever happens to it, the script goes on as if nothing were, and in the end everything has arrived.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import lab_workbook
import pytest

from tests.faults import drill


def soak(language):
    """The language that only `make test-faults` tries."""
    return pytest.param(language, marks=pytest.mark.soak)


@pytest.fixture
def run(bucket_prefix, tmp_path):
    """Start a Python script that has made the experiment T, with its output to read."""

    def run(code, **settings):
        opening = "import os, sys, time, lab_workbook\nworkbook = lab_workbook.new_experiment(tag='T')\n"
        (tmp_path / "script.py").write_text(opening + textwrap.dedent(code))
        environment = {f"LAB_WORKBOOK_{name.upper()}": str(value) for name, value in settings.items()}
        return subprocess.Popen(
            [sys.executable, str(tmp_path / "script.py")],
            cwd=tmp_path,
            env=os.environ | {"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def status_of(bucket_prefix):
    return lab_workbook.ExperimentRepository(bucket_prefix)["T"].status


def wait_for_status(bucket_prefix, status):
    deadline = time.monotonic() + 60
    while status_of(bucket_prefix) != status:
        assert time.monotonic() < deadline, f"still {status_of(bucket_prefix)}"
        time.sleep(0.1)


@pytest.mark.parametrize(
    "language", ["python", pytest.param("luajit", marks=pytest.mark.soak)], indirect=True
)
def test_a_killed_uploader_is_replaced_at_the_end(train, language):
    """
    At the latest: the next one sends what is missing, and no row noticed.
    """
    training = train(language)
    time.sleep(1)

    began = time.monotonic()
    os.kill(training.uploaders()[-1], signal.SIGKILL)
    time.sleep(2)
    ended = time.monotonic()
    training.stop()

    times = training.times()
    drill.assert_rows_cost_the_same(times, began, ended)
    drill.assert_nothing_lost(training, len(times))
    assert training.said() == []


@pytest.mark.soak
def test_rows_alone_revive_a_killed_uploader(train, language, proxy):
    """
    Within a minute or so, though the script saves nothing and asks for nothing.
    """
    training = train(language)

    for count in (2, 3):
        os.kill(training.uploaders()[-1], signal.SIGKILL)
        training.wait_until(lambda count=count: len(training.uploaders()) == count, f"{count} uploaders")
    sent = len(proxy.puts())
    training.wait_until(lambda: len(proxy.puts()) > sent, "rows from the newest")
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))


@pytest.mark.parametrize(
    "language", [pytest.param("python", marks=pytest.mark.soak), "luajit"], indirect=True
)
def test_a_stopped_uploader_goes_on_where_it_was(train, language):
    """
    SIGSTOP is what a scheduler or a debugger does; the script must not fill a pipe meanwhile.
    """
    training = train(language)
    time.sleep(1)
    (uploader,) = training.uploaders()

    began = time.monotonic()
    os.kill(uploader, signal.SIGSTOP)
    time.sleep(3)
    ended = time.monotonic()
    os.kill(uploader, signal.SIGCONT)
    training.stop()

    times = training.times()
    drill.assert_rows_cost_the_same(times, began, ended)
    drill.assert_nothing_lost(training, len(times))


def test_a_script_does_not_wait_for_a_stopped_uploader_for_ever(train, bucket_prefix):
    """
    It says how the rest is delivered and leaves; the uploader delivers it once it goes on.
    """
    training = train(exit_timeout=1)
    (uploader,) = training.uploaders()
    spool = training.spool

    os.kill(uploader, signal.SIGSTOP)
    training.stop()

    assert training.said()[-1] == f"lab-workbook:   lab-workbook push {spool}"
    os.kill(uploader, signal.SIGCONT)
    wait_for_status(bucket_prefix, "finished")
    drill.assert_nothing_lost(training, len(training.times()))


def test_a_child_that_holds_the_pipe_does_not_keep_a_dead_script_alive(run, bucket_prefix):
    """
    A C library that forks tells nobody, and its child inherits everything.
    """
    script = run(
        """
        import ctypes
        log = workbook.new_time_series_log("loss", ["step"])
        for step in range(100):
            log(step=step)
        if ctypes.CDLL(None).fork() == 0:
            time.sleep(60)
            os._exit(0)
        print("forked", flush=True)
        os.kill(os.getpid(), 9)
        """
    )
    assert script.stdout.readline().startswith("lab-workbook: experiment T")
    assert script.stdout.readline() == "forked\n"
    script.wait()

    wait_for_status(bucket_prefix, "interrupted")

    series = lab_workbook.ExperimentRepository(bucket_prefix)["T"]["loss.csv"]
    assert list(series.index) == list(range(100))
    for pipe in (script.stdin, script.stdout, script.stderr):
        pipe.close()


@pytest.mark.parametrize("first", [0, 3])
def test_a_script_may_close_every_descriptor(run, bucket_prefix, tmp_path, first):
    """
    As daemons do: no row is lost, and what it opens afterwards holds nothing of ours.
    """
    script = run(
        f"""
        log = workbook.new_time_series_log("loss", ["step"])
        log(step=0)
        workbook.save_text("early", "1")
        os.closerange({first}, os.sysconf("SC_OPEN_MAX"))
        files = [open(f"own-{{number}}", "w") for number in range(40)]
        for step in range(1, 100):
            log(step=step)
        workbook.save_text("late", "2")
        workbook.flush()
        for file in files:
            file.close()
        os.closerange({first}, os.sysconf("SC_OPEN_MAX"))
        workbook.close()
        open("closed", "w").close()
        os._exit(0)
        """
    )
    assert script.wait(60) == 0
    said = script.communicate()[1]

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert (experiment.status, said) == ("finished", "")
    assert list(experiment["loss.csv"].index) == list(range(100))
    assert (experiment["early"], experiment["late"]) == ("1", "2")
    assert set(experiment.end["lost"].values()) == {0}
    assert {(tmp_path / f"own-{number}").read_bytes() for number in range(40)} == {b""}
    assert (tmp_path / "closed").exists()


def test_a_file_that_was_closed_is_opened_again_on_a_folder(tmp_path):
    """
    There is no uploader, and the same rows are at stake.
    """
    workbook = lab_workbook.new_experiment(tag="T", bucket_prefix=f"{tmp_path}/runs")
    log = workbook.new_time_series_log("loss", ["step"])
    path = str(tmp_path / "runs/T/loss.csv")

    for step in range(3):
        log(step=step)
        for number in os.listdir("/proc/self/fd"):
            if os.path.exists(f"/proc/self/fd/{number}") and os.readlink(f"/proc/self/fd/{number}") == path:
                os.close(int(number))
    workbook.flush()
    workbook.close()

    lines = (tmp_path / "runs/T/loss.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "0", "1", "2"]
    assert set(json.loads((tmp_path / "runs/T/.lab-workbook/end.json").read_text())["lost"].values()) == {0}
