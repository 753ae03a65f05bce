"""A FIFO or a device is put in place of a file of a running experiment."""

from __future__ import annotations

import os
from pathlib import Path

import lab_workbook
import pytest


def put_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("name", [".lab-workbook/begin.json", "loss.csv"])
@pytest.mark.parametrize("put", [put_fifo, put_device])
def test_a_fifo_stops_no_script(put, name, start, tmp_path):
    """
    It is replaced by the file that was there.
    """
    runs = tmp_path / "runs"
    script = start(f"{runs}/")
    script.do("log 0 500")

    put(runs / "T" / name)
    flushed = script.do("flush")
    script.do("log 500 1000")
    closed = script.do("close")
    script.end()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    assert (flushed, closed) in (("true", "none"), ("true", "true"))
    assert experiment["loss.csv"].index.tolist() == list(range(1000))
    assert experiment.verify().is_sound, experiment.verify().problems


def test_an_artifact_that_became_a_fifo_is_counted(start, tmp_path):
    """
    The end of the experiment does not wait for somebody to write into it.
    """
    runs = tmp_path / "runs"
    script = start(f"{runs}/")
    script.do("log 0 500")
    script.do("save early")
    put_fifo(runs / "T/early")
    script.do("close")
    script.end()

    (runs / "T/early").unlink()
    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    assert experiment.end["lost"]["artifacts"] == 1
    assert "early" not in experiment.end["files"]
