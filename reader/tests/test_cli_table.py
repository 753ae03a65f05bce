"""
The command shows the table of experiments, and what is kept of what was read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lab_workbook import ExperimentRepository
from lab_workbook.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(autouse=True)
def configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says where the experiments are."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))


@pytest.fixture
def filled(make: Any) -> None:
    make("A", {"options.json": b'{"rate": 0.1, "layers": [64, 10]}'}, end={})
    make("B", {"options.json": b'{"rate": 1}', "loss.csv": b"epoch,loss,Date\n1,nan,2016-02-12T22:17:34Z\n"})


@pytest.mark.usefixtures("filled")
def test_table_gives_a_line_for_each_experiment_and_a_column_for_what_is_known() -> None:
    lines = run("table").stdout.splitlines()

    assert lines[0].split() == [
        *("tag", "status", "started", "ended", "duration", "language", "options.layers", "options.rate")
    ]
    assert lines[1].split() == [
        *(
            "A",
            "finished",
            "2016-02-12T21:49:00Z",
            "2016-02-12T22:17:34Z",
            "1714.0",
            "Lua",
            "[64,",
            "10]",
            "0.1",
        )
    ]
    assert len(lines) == 3


@pytest.mark.usefixtures("filled")
def test_table_chooses_by_a_query_and_by_columns() -> None:
    result = run("table", "`options.rate` < 0.5", "--column", "options.rate", "--column", "status")

    assert result.stdout.splitlines() == ["tag  options.rate  status", "A    0.1           finished"]


@pytest.mark.usefixtures("filled")
def test_table_for_programs_is_strict_json() -> None:
    told = json.loads(run("table", "--json", "--series", "loss.csv").stdout)

    assert told[0] == {
        "tag": "A",
        "status": "finished",
        "started": "2016-02-12T21:49:00Z",
        "ended": "2016-02-12T22:17:34Z",
        "duration": 1714.0,
        "language": "Lua",
        "options.layers": [64, 10],
        "options.rate": 0.1,
        "loss.epoch.last": None,
        "loss.epoch.max": None,
        "loss.epoch.min": None,
    }
    assert told[1]["loss.epoch.last"] == 1


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "arguments",
    [("option.rate < 1",), ("--column", "options.rat"), ("--column", "rate")],
)
def test_table_says_in_one_line_what_cannot_be_asked(arguments: tuple[str, ...]) -> None:
    result = run("table", *arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "options.rate" in result.stderr


def test_table_of_nothing_says_so_on_stderr() -> None:
    result = run("table")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no experiments" in result.stderr


def test_no_control_character_reaches_the_terminal(make: Any) -> None:
    make("A", {"o\x1b.json": b'{"\\u001b[31m": "\\u001b[32m\\n"}'}, {"note": "\x1b[33m"})

    assert "\x1b" not in run("table").stdout
    assert len(run("table").stdout.splitlines()) == 2


def test_ls_and_table_show_the_newest_note(make: Any) -> None:
    note = ".lab-workbook/notes/20160213T081500Z-abcdef.json"
    make("A", {note: b'{"time": "", "text": "it diverged", "author": "B"}'}, {"note": "first"})

    assert "it diverged" in run("ls").stdout
    assert "it diverged" in run("table").stdout


def test_cache_says_what_is_there_and_clears_it(bucket_prefix: str, s3_client: Any, isolation: Path) -> None:
    s3_client.put_object(Bucket=bucket_prefix.split("/")[2], Key="exp/A/a.txt", Body=b"text")
    where = f"{isolation}/.cache/lab-workbook/"
    empty = json.loads(run("cache", "--json").stdout)
    assert ExperimentRepository(bucket_prefix)["A"]["a.txt"] == "text"
    assert ExperimentRepository(bucket_prefix).table().index.tolist() == ["A"]

    full = json.loads(run("cache", "--json").stdout)

    assert empty == {"where": where, "files": 0, "bytes": 0, "limitBytes": 5_000_000_000, "isCleared": False}
    assert full["files"] == 2
    assert run("cache").stdout.startswith(f"2 files in {where}, ")
    assert run("cache", "--clear").stdout.startswith(f"2 files deleted from {where}")
    assert json.loads(run("cache", "--json").stdout)["files"] == 0
