"""
Files are removed while the end of an experiment in a folder reads all files for their checksums.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import lab_workbook
import pytest

from tests.vanish.commanded import wait_until

ATTACKS = {"series": lambda home: (home / "loss.csv").unlink(), "folder": shutil.rmtree}


def is_reading(path: Path) -> bool:
    """Say whether a process has a file open."""
    links = Path("/proc").glob("[0-9]*/fd/*")
    return any(_target(link) == str(path) for link in links)


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(link)
    return ""


@pytest.mark.parametrize("attack", ATTACKS)
def test_end_json_lists_nothing_that_was_removed_meanwhile(attack, start, tmp_path):
    """
    The series is restored from the open file, and an artifact that is gone is counted.
    """
    runs = tmp_path / "runs"
    home = runs / "T"
    script = start(f"{runs}/")
    script.do("log 0 500")
    script.do("save early")
    # Sparse, and it takes a second or two to read.
    with (home / "early").open("r+b") as file:
        file.truncate(1500 << 20)

    script.order("close")
    wait_until(lambda: is_reading(home / "early"), "the artifact is read")
    ATTACKS[attack](home)
    closed = script.answer()
    said = script.end()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    is_lost = attack == "folder"
    listed = experiment.end["files"]
    assert {name for name in listed if not (home / name).exists()} == set()
    assert ("early" in listed) != is_lost
    assert listed["loss.csv"]["bytes"] == (home / "loss.csv").stat().st_size
    assert experiment["loss.csv"].index.tolist() == list(range(500))
    assert experiment.end["lost"]["rows"] == 0
    assert experiment.end["lost"]["artifacts"] == is_lost
    assert closed in ("none", "false" if is_lost else "true")
    assert any("restored" in line for line in said), said
