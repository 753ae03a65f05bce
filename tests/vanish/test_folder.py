"""
The folder of an experiment, or a part of it, is removed or replaced while its script runs.

Somebody cleans up, or writes a file anew under its old name. The rows are still in what the script has open.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import lab_workbook
import pytest

from tests.vanish.commanded import wait_until


def replace(path: Path) -> None:
    """Write a file anew, as editors and rsync do."""
    path.with_suffix(".new").write_text("step,text,Date\n")
    path.with_suffix(".new").rename(path)


ATTACKS = {
    "folder": shutil.rmtree,
    "moved": lambda home: home.rename(home.with_name("moved")),
    "own files": lambda home: shutil.rmtree(home / ".lab-workbook"),
    "series": lambda home: (home / "loss.csv").unlink(),
    "replaced": lambda home: replace(home / "loss.csv"),
    "begin.json": lambda home: (home / ".lab-workbook/begin.json").unlink(),
    "artifact": lambda home: (home / "early").unlink(),
}

# These take the artifact that was saved before, of which there is no other copy.
TAKES_ARTIFACT = {"folder", "moved", "artifact"}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_removed_is_restored_or_counted(attack, start, runs):
    """
    All rows are there in the end, what cannot be restored is counted, and one line says so.
    """
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    script.do("save early")
    assert script.do("flush") == "true"
    begin = (home / ".lab-workbook/begin.json").read_bytes()

    ATTACKS[attack](home)
    script.do("log 500 1000")
    flushed = script.do("flush")
    script.do("save late")
    closed = script.do("close")
    said = script.end()

    lost = attack in TAKES_ARTIFACT
    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    assert (home / ".lab-workbook/begin.json").read_bytes() == begin
    assert experiment["loss.csv"].index.tolist() == list(range(1000))
    assert experiment["late"] == "late" * 1000
    assert experiment.end["lost"] == {"rows": 0, "artifacts": lost, "texts": 0, "integers": 0, "secrets": 0}
    assert experiment.status == "finished"
    assert experiment.verify().is_sound, experiment.verify().problems
    assert flushed == ("false" if lost else "true")
    # Python's close returns nothing.
    assert closed in ("none", "false" if lost else "true")
    assert len(said) == 1, said
    assert ("'early'" in said[0]) == lost


def test_rows_alone_restore_what_was_removed(start, runs):
    """
    A script that only logs looks once a second, and needs neither a save nor a flush.
    """
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    shutil.rmtree(home)
    steps = iter(range(500, 10**9))

    def goes_on():
        step = next(steps)
        script.do(f"log {step} {step + 1}")
        return (home / "loss.csv").exists()

    wait_until(goes_on, "the series is there again")
    # Two things may still be on their way in the same look.
    count = (home / "loss.csv").read_text().count("Z\n")
    script.process.kill()
    script.process.wait()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    assert experiment["loss.csv"].index.tolist() == list(range(count))
    assert count == next(steps)
    assert experiment.tag == "T"


def test_another_experiment_in_the_same_place_is_left_alone(start, runs):
    """
    Whoever removed the folder may have used the tag anew: those files are theirs, and our rows are lost.
    """
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    shutil.rmtree(home)
    with lab_workbook.new_experiment(tag="T", bucket_prefix=f"{runs}/") as workbook:
        workbook.new_time_series_log("loss", ["epoch"])(epoch=1)
    theirs = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    script.do("log 500 1000")
    flushed, closed = script.do("flush"), script.do("close")
    said = script.end()

    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == theirs
    assert (flushed, closed) in (("false", "none"), ("false", "false"))
    assert any("another experiment" in line for line in said), said
    assert any("1000 rows" in line for line in said), said


def test_a_folder_that_cannot_be_restored_stops_nothing(start, runs):
    """
    A file lies where the folder was. Every row is counted, and nothing is reported as stored.
    """
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    shutil.rmtree(home)
    home.write_text("in the way")

    script.do("log 500 1000")
    script.do("save late")
    flushed, closed = script.do("flush"), script.do("close")
    said = script.end()

    assert (flushed, closed) in (("false", "none"), ("false", "false"))
    assert home.read_text() == "in the way"
    assert any("1000 rows" in line for line in said), said


def test_rows_whose_file_is_neither_there_nor_open_are_counted(start, runs, language):
    """
    A script may close every descriptor. What was removed as well cannot be read again.
    """
    if language != "python":
        pytest.skip("Lua cannot close what it does not know")
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    script.do("forget")
    shutil.rmtree(home)

    script.do("log 500 1000")
    flushed = script.do("flush")
    script.do("close")
    script.end()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    rows = experiment["loss.csv"].index.tolist()
    assert rows == list(range(1000 - len(rows), 1000))
    assert experiment.end["lost"]["rows"] == 1000 - len(rows) >= 500
    assert flushed == "false"


def test_a_look_costs_no_copy_where_nothing_was_removed(start, runs):
    """
    The files stay the same ones: identity of the file, and no line on stderr.
    """
    script = start(f"{runs}/")
    script.do("log 0 500")
    before = os.stat(runs / "T/loss.csv").st_ino
    for number in range(3):
        script.do("flush")
        script.do(f"save {number}")
        script.do("log 500 1000")

    assert os.stat(runs / "T/loss.csv").st_ino == before
    script.do("close")
    assert script.end() == []
    assert json.loads((runs / "T/.lab-workbook/end.json").read_text())["lost"]["rows"] == 0
