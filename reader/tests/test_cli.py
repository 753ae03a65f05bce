"""
The command shows experiments to people and to programs, and says in one line what goes wrong.
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


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(autouse=True)
def configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says where the experiments are."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))


def test_ls_gives_a_line_for_each_experiment(make: Any) -> None:
    """
    Tag, status, start, note and what it resumes, each in its column.
    """
    make("A", end={"outcome": "failed"})
    make("LONG", begin={"note": "half the rate"})
    make("NEXT", begin={"resumes": "LONG"})
    make("OLD", {"a.json": b"1"}, begin=None)

    result = run("ls")

    assert result.exit_code == 0
    assert result.stdout == (
        "A     failed   2016-02-12T21:49:00Z\n"
        "LONG  open     2016-02-12T21:49:00Z  half the rate\n"
        "NEXT  open     2016-02-12T21:49:00Z                 resumes LONG\n"
        "OLD   unknown\n"
    )


def test_ls_of_another_place(make: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("A")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", "s3://elsewhere/")

    assert run("ls", str(folder)).stdout.startswith("A ")


def test_ls_for_programs_is_json(make: Any) -> None:
    make("A", begin={"note": "é"})

    result = run("ls", "--json")

    assert json.loads(result.stdout) == [
        {"tag": "A", "status": "open", "started": "2016-02-12T21:49:00Z", "note": "é", "resumes": None}
    ]


def test_ls_of_nothing_says_so_on_stderr(folder: Path) -> None:
    """
    So that a program that counts lines counts none.
    """
    result = run("ls")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"no experiments in file://{folder}/\n"


def test_one_broken_experiment_does_not_hide_the_others(make: Any) -> None:
    make("A", begin={"protocol": "lab-workbook 9.0"})
    make("B")

    lines = run("ls").stdout.splitlines()

    assert lines[0].startswith("A  unreadable  ")
    assert "pip install -U lab-workbook" in lines[0]
    assert lines[1].startswith("B  open ")


def test_show_tells_all_but_the_tables(make: Any, folder: Path) -> None:
    """
    Status, times, host, parameters and the artifacts with their sizes.
    """
    make(
        "A",
        {"options.json": b'{"rate": 0.1, "layers": [3, 4]}', "log.csv": b"a,Date\n"},
        begin={"host": "gpu7"},
        end={"outcome": "failed", "error": {"type": "ValueError", "message": "no"}},
    )

    result = run("show", "A")

    assert result.stdout == (
        "tag      A\n"
        f"where    file://{folder}/A/\n"
        "status   failed\n"
        "error    ValueError: no\n"
        "started  2016-02-12T21:49:00Z\n"
        "ended    2016-02-12T22:17:34Z\n"
        "host     gpu7\n"
        "writer   a test\n"
        "runtime  Lua 5.4\n"
        "\n"
        "options.json\n"
        "  rate    0.1\n"
        "  layers  [3, 4]\n"
        "\n"
        "artifacts\n"
        "  log.csv       7 bytes\n"
        "  options.json  31 bytes\n"
    )


def test_show_says_what_was_lost(make: Any) -> None:
    make("A", end={"lost": {"rows": 2, "artifacts": 0}})

    assert "lost     2 rows\n" in run("show", "A").stdout


def test_show_for_programs_is_json(make: Any) -> None:
    make("A", {"options.json": b'{"rate": 0.1}'})

    facts = json.loads(run("show", "A", "--json").stdout)

    assert (facts["tag"], facts["status"], facts["artifacts"]) == ("A", "open", {"options.json": 13})
    assert facts["parameters"] == {"options.json": {"rate": 0.1}}


def test_show_of_an_experiment_with_a_broken_artifact_shows_the_rest(make: Any) -> None:
    make("A", {"bad.json": b"{", "empty.json": b"{}", "list.json": b"[]"})

    result = run("show", "A")

    assert result.exit_code == 0
    assert "bad.json is not JSON" in result.stderr
    assert "  bad.json    1 bytes\n" in result.stdout
    assert "\nempty.json\n  (empty)\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "B"], "there is no experiment 'B' at "),
        (["show", "A", "--prefix", "ftp://x"], "ftp:// is not supported"),
        (["ls", "s3://no_such_bucket!/"], "is no bucket name"),
    ],
)
def test_an_error_is_one_line_on_stderr_and_exit_code_1(make: Any, arguments: list[str], says: str) -> None:
    make("A")

    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")


def test_control_characters_do_not_reach_the_terminal(make: Any) -> None:
    """
    A name from a stranger could clear the screen, or rename the window.
    """
    make("A", {"options.json": b'{"\\u001b[2J": "\\u0007"}'}, begin={"note": "red\x1b[31m\nline\u202e"})

    shown = run("ls").stdout + run("show", "A").stdout

    assert not [each for each in shown if not each.isprintable() and each != "\n"]
    assert "red\\x1b[31m\\nline\\u202e" in shown
    assert "\\x1b[2J  \\x07" in shown


def test_an_unknown_verb_is_a_usage_error() -> None:
    assert run("sl").exit_code == 2


def test_help_lists_the_verbs_for_people() -> None:
    """
    `upload` is started by the writers alone.
    """
    lines = run("--help").stdout.splitlines()

    verbs = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :]]
    assert verbs == sorted(verbs)
    assert {"ls", "show", "push"} < set(verbs)
    assert "upload" not in verbs


@pytest.mark.parametrize("verb", ["ls", "push", "show", "upload"])
def test_each_verb_explains_itself(verb: str) -> None:
    assert run(verb, "--help").exit_code == 0


def test_a_reader_that_closes_the_pipe_is_no_error(make: Any, folder: Path) -> None:
    """
    `lab-workbook ls | head -1` ends quietly.
    """
    for number in range(300):
        make(f"{number:0200}")

    shell = f"'{sys.executable}' -m lab_workbook.cli ls '{folder}' | head -1"
    result = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True)

    assert result.stdout.startswith("000")
    assert result.stderr == ""
