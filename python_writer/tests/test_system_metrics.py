"""
``system_metrics``: the load of the machine is measured beside the script, and ends with it.
"""

import json
import os
import signal
import subprocess
import sys
import time

import lab_workbook
import pytest
from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol import process
from lab_workbook_writer.capture import sampler, sampling

pytest.importorskip("psutil")

START = "import lab_workbook, os, time\nworkbook = lab_workbook.new_experiment(tag='T', system_metrics=0.1)\n"


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come in time"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path):
    """Start a script; what runs in the end is ended."""
    running = []

    def start(code):
        script = subprocess.Popen(
            [sys.executable, "-c", START + code],
            env={**os.environ, "LAB_WORKBOOK_BUCKET_PREFIX": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(script)
        return script

    yield start
    for script in running:
        script.kill()
        script.communicate()


def lines(home):
    path = home / "T/system.csv"
    return path.read_text().splitlines() if path.exists() else []


def samplers(home):
    """Return the ids of the processes that write into a folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if b"capture.sampler" in line and os.fsencode(home) in line:
            found.append(int(pid))
    return found


def test_the_load_is_a_series(tmp_path):
    """
    With the script's own share of it, and the numbers of a machine.
    """
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", system_metrics=0.1):
        wait_for(lambda: len(lines(tmp_path)) >= 4)

    experiment = lab_workbook.ExperimentRepository(f"file://{tmp_path}")["T"]
    table = experiment["system.csv"]
    assert table.index.name == "seconds"
    assert table.index.is_monotonic_increasing
    assert table["cpu"].between(0, 100).all()
    assert (table["memory"] > 1 << 20).all()
    assert (table["scriptMemory"] > 1 << 20).all()
    assert (table["scriptCpu"] >= 0).all()
    assert (table["netSent"] >= 0).all()


def test_it_is_over_before_the_series_is_sealed(tmp_path):
    """
    So end.json lists the bytes that stay, and no process is left.
    """
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", system_metrics=0.1):
        wait_for(lambda: len(lines(tmp_path)) >= 3)
        assert len(samplers(tmp_path)) == 1

    assert samplers(tmp_path) == []
    size = (tmp_path / "T/system.csv").stat().st_size
    end = json.loads((tmp_path / "T/.lab-workbook/end.json").read_text())
    assert end["files"]["system.csv"]["bytes"] == size
    lab_workbook.ExperimentRepository(f"file://{tmp_path}")["T"].verify()


@pytest.mark.parametrize("forked", [False, True])
def test_a_killed_script_leaves_whole_rows_and_no_process(start, tmp_path, forked):
    """
    Also where a forked child, as a DataLoader's worker is one, lives on.
    """
    child = "if os.fork() == 0: time.sleep(5); os._exit(0)\n" if forked else ""
    script = start(f"{child}time.sleep(60)")
    wait_for(lambda: len(lines(tmp_path)) >= 3)

    script.kill()

    wait_for(lambda: not samplers(tmp_path))
    text = (tmp_path / "T/system.csv").read_text()
    assert text.endswith("Z\n")
    assert {line.count(",") for line in text.splitlines()} == {text.splitlines()[0].count(",")}


def test_a_killed_sampler_leaves_whole_rows_and_a_script(start, tmp_path):
    """
    The script ends as it would have, and its experiment is sealed.
    """
    script = start("time.sleep(2); workbook.close(); print('done')")
    wait_for(lambda: len(lines(tmp_path)) >= 3)

    for pid in samplers(tmp_path):
        os.kill(pid, signal.SIGKILL)
    out, err = script.communicate(timeout=30)

    assert out.endswith("done\n")
    assert err == ""
    assert (tmp_path / "T/system.csv").read_text().endswith("Z\n")
    lab_workbook.ExperimentRepository(f"file://{tmp_path}")["T"].verify()


def test_a_sampler_that_is_stopped_is_ended_all_the_same(start, tmp_path):
    """
    SIGTERM means nothing to a stopped process, so after two seconds it is killed.
    """
    script = start("time.sleep(1); workbook.close(); print('done')")
    wait_for(lambda: len(lines(tmp_path)) >= 2)

    for pid in samplers(tmp_path):
        os.kill(pid, signal.SIGSTOP)
    out, _ = script.communicate(timeout=30)

    assert out.endswith("done\n")
    assert samplers(tmp_path) == []


def test_a_script_that_waits_for_its_children_does_not_wait_for_it(start, tmp_path):
    """
    It is a grandchild, which nobody has to wait for.
    """
    script = start("try: os.wait()\nexcept ChildProcessError: print('none')")

    out, _ = script.communicate(timeout=30)

    assert out.endswith("none\n")
    assert lines(tmp_path)


def test_a_forked_child_leaves_it_alone(start, tmp_path):
    """
    Its end is not the script's.
    """
    script = start("if os.fork() == 0: workbook.close(); os._exit(0)\nos.wait(); time.sleep(60)")

    wait_for(lambda: len(lines(tmp_path)) >= 3)
    count = len(lines(tmp_path))
    wait_for(lambda: len(lines(tmp_path)) > count + 2)

    assert script.poll() is None


@pytest.mark.parametrize("every", [0, 0.01, -1, "10", True, float("nan"), float("inf")])
def test_what_is_no_number_of_seconds_is_refused(tmp_path, every):
    """
    At once, as any setting is.
    """
    with (
        lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}") as workbook,
        pytest.raises(ConfigurationError, match="number of seconds"),
    ):
        workbook.sample_system(every)


def test_without_psutil_there_is_a_sentence(tmp_path, monkeypatch, capsys):
    """
    And an experiment without the series.
    """
    monkeypatch.setattr(sampling.importlib.util, "find_spec", lambda _: None)

    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", system_metrics=1):
        pass

    assert "pip install 'lab-workbook[system]'" in capsys.readouterr().err
    assert lines(tmp_path) == []


def test_a_python_that_cannot_be_started_is_a_loss(tmp_path, monkeypatch, capsys):
    """
    Training goes on, and end.json counts the series as an artifact that was lost.
    """
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", system_metrics=1):
        pass

    assert "sample_system: [Errno 2] No such file or directory" in capsys.readouterr().err
    assert json.loads((tmp_path / "T/.lab-workbook/end.json").read_text())["lost"]["artifacts"] == 1


def test_it_starts_once(tmp_path):
    """
    However often it is asked for.
    """
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T") as workbook:
        assert workbook.sample_system(0.1) is workbook
        workbook.sample_system(0.1)
        assert len(samplers(tmp_path)) == 1


def test_nobody_is_ended_who_has_its_number_by_now():
    """
    Ids of processes are used again.
    """
    other = subprocess.Popen(["sleep", "60"])
    try:
        sampling.Sampler({**process.identity(), "pid": other.pid}).stop()

        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_each_gpu_has_its_fields():
    """
    In the order of the driver.
    """
    assert sampling.fields(2)[9:] == (
        *("gpu0", "gpu0Memory", "gpu0Power", "gpu0Temperature"),
        *("gpu1", "gpu1Memory", "gpu1Power", "gpu1Temperature"),
    )
    assert set(sampler.Measure(os.getpid(), 0)()) <= set(sampling.fields(0))


@pytest.mark.s3
def test_it_is_delivered_and_sealed_in_a_bucket(bucket_prefix):
    """
    As any series of the spool is.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag="T", system_metrics=0.1) as workbook:
        root = workbook._place.root
        wait_for(lambda: os.path.getsize(f"{root}system.csv") > 300)
        assert workbook.flush(20)

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert len(experiment["system.csv"]) >= 3
    experiment.verify()
