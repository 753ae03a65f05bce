"""
The last rows of a series in a terminal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lab_workbook.cli import main

DATE = "2016-02-12T22:17:34Z"
SERIES = f'epoch,loss,note,Date\n1,0.5,"a\x1b[2J",{DATE}\n2,nil,"",{DATE}\n10,0.25,nil,{DATE}\n'.encode()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tail", *arguments])


@pytest.fixture(autouse=True)
def place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says where the experiments are."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))


def test_the_last_rows_stand_in_columns(make: Any) -> None:
    """
    What is missing is empty, and no control character reaches the terminal.
    """
    make("A", {"log.csv": SERIES})

    assert run("A", "log.csv").stdout == (
        "epoch  loss  note      Date\n"
        "1      0.5   a\\x1b[2J  2016-02-12T22:17:34Z\n"
        "2                      2016-02-12T22:17:34Z\n"
        "10     0.25            2016-02-12T22:17:34Z\n"
    )


@pytest.mark.parametrize(("count", "epochs"), [(0, []), (1, [10]), (2, [2, 10]), (9, [1, 2, 10])])
def test_as_many_as_are_asked_for(make: Any, count: int, epochs: list[int]) -> None:
    """
    In JSON a row is an object on a line of its own, and what is missing is null.
    """
    make("A", {"log.csv": SERIES})

    rows = [json.loads(line) for line in run("A", "log.csv", "-n", str(count), "--json").stdout.splitlines()]

    assert [row["epoch"] for row in rows] == epochs
    if count > 1:
        assert rows[-2] == {"epoch": 2, "loss": None, "note": "", "Date": DATE}


def test_a_plain_table_has_a_tail_too(make: Any) -> None:
    make("A", {"scores.csv": b"name,score\nann,1\nbob,2\n"})

    assert run("A", "scores.csv", "-n", "1").stdout == "name  score\nbob   2\n"


def test_what_is_no_series_says_so(make: Any) -> None:
    make("A", {"a.json": b"1"})

    result = run("A", "a.json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "a.json of A is no series: `lab-workbook cat` prints it" in result.stderr


def test_following_shows_the_rows_that_come_until_the_end(make: Any, folder: Path) -> None:
    """
    Columns widen where they must, and rows that were printed are not printed again.
    """
    make("A", {"log.csv": SERIES})
    command = [
        sys.executable,
        "-m",
        "lab_workbook.cli",
        "tail",
        "A",
        "log.csv",
        "-n",
        "1",
        "-f",
        "--every",
        "0.1",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [process.stdout.readline(), process.stdout.readline()]
        with (folder / "A/log.csv").open("a") as file:
            file.write(f'1000000,0.125,"b",{DATE}\n2,1.0,"",{DATE}\n')
        then = [process.stdout.readline(), process.stdout.readline()]
        make(end={})
        rest = process.stdout.read()

    assert first == ["epoch  loss  note  Date\n", f"10     0.25        {DATE}\n"]
    assert then == [f"1000000  0.125  b     {DATE}\n", f"2        1.0          {DATE}\n"]
    assert (rest, process.returncode) == ("", 0)
