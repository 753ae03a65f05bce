"""
The verbs that give things back: cat, verify, checkout, and demo, which has something to give back at once.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
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


def test_cat_gives_every_byte(make: Any) -> None:
    """
    Whatever they are: it is for pipes.
    """
    data = bytes(range(256)) + b"\r\n\r"
    make("A", {"model.bin": data})

    assert run("cat", "A", "model.bin").stdout_bytes == data


def test_cat_of_a_model_is_a_stream(make: Any) -> None:
    """
    All of it, and exit code 1 where it is not what was written.
    """
    data = bytes(range(256)) * 4096
    make("A", {"model.t7": data}, end={"files": {"model.t7": {"bytes": len(data)}}})
    make("B", {"model.t7": data}, end={"files": {"model.t7": {"bytes": 9, "sha256": "0" * 64}}})

    whole, other = run("cat", "A", "model.t7"), run("cat", "B", "model.t7")

    assert (whole.exit_code, whole.stdout_bytes) == (0, data)
    assert other.exit_code == 1
    assert "when the experiment ended" in other.stderr


def test_cat_on_a_terminal_gives_no_binary_file(make: Any) -> None:
    make("A", {"model.bin": b"\xff\x00", "text.txt": b"a\tb\x1b[2J\n"})

    shown, said = zip(*(on_a_terminal("cat", "A", name) for name in ("model.bin", "text.txt")), strict=True)

    assert shown == (b"", b"a       b\\x1b[2J\r\n")
    assert said == (b"Error: model.bin is no text: send it to a file, with >\n", b"")


def on_a_terminal(*words: str) -> tuple[bytes, bytes]:
    """Return what is shown, and what is said on stderr."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "lab_workbook.cli", *words]
    done = subprocess.run(program, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60)
    os.set_blocking(ours, False)
    try:
        shown = os.read(ours, 65536)
    except BlockingIOError:
        shown = b""
    os.close(theirs)
    os.close(ours)
    return shown, done.stderr


def test_cat_does_not_give_what_was_not_written(make: Any) -> None:
    """
    Half a download must not look like a short file to whoever reads the pipe.
    """
    make("A", {"a.txt": b"half"}, end={"files": {"a.txt": {"bytes": 8}}})

    result = run("cat", "A", "a.txt")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "has 4 bytes, and had 8" in result.stderr


def test_cat_of_what_is_not_there_lists_what_is(make: Any) -> None:
    make("A", {"a.txt": b"x"})

    assert "It has: 'a.txt'." in run("cat", "A", "b.txt").stderr


def test_verify_tells_people_and_programs(make: Any) -> None:
    """
    Each experiment has its line, and each file that is not as it was.
    """
    make("A", {"a.txt": b"x"}, begin=None, end={"files": {"a.txt": {"bytes": 2}}})
    make("B", {"b.txt": b"x"}, begin=None, end={"files": {"b.txt": {"bytes": 1}}})

    result, told = run("verify", "A", "B"), json.loads(run("verify", "A", "B", "--json").stdout)

    assert result.exit_code == 1
    assert result.stdout == (
        "A  1 wrong; 0 files, 0 bytes as they were\n"
        "  a.txt  has 1 bytes, and had 2\n"
        "B  sound, 1 file, 1 bytes (1 by their size alone)\n"
    )
    assert [each["isSound"] for each in told] == [False, True]
    assert told[0]["problems"] == {"a.txt": "has 1 bytes, and had 2"}
    assert told[1]["withoutSum"] == ["b.txt"]


def test_verify_all_passes_over_what_has_not_ended(make: Any) -> None:
    """
    Named, it is a problem, because `verify TAG && delete the original` must not go on.
    """
    make("A", begin=None, end={})
    make("B")

    assert run("verify", "--all").exit_code == 0
    assert run("verify", "A").exit_code == 0
    assert run("verify", "B").exit_code == 1
    assert "B  cannot be verified: it has no .lab-workbook/end.json" in run("verify", "--all").stdout


@pytest.mark.parametrize("arguments", [[], ["A", "--all"]])
def test_verify_wants_tags_or_all(make: Any, arguments: list[str]) -> None:
    make("A")

    assert run("verify", *arguments).exit_code == 2


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one commit and a change, and the working directory in it."""
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.chdir(source)
    (source / "train.py").write_text("rate = 0.1\n")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run(["git", *who, *words], check=True)
    (source / "train.py").write_text("rate = 0.2\n")
    return source


def test_the_demo_is_an_experiment_that_can_be_looked_at(source: Path) -> None:
    """
    What it says to try works, word for word, and its source comes back.
    """
    result = run("demo")

    (experiment,) = ExperimentRepository()
    assert experiment.status == "finished"
    assert experiment.verify()
    assert len(experiment["Training loss.csv"]) == experiment["options.json"]["epochs"]
    losses = experiment["Training loss.csv"].loss
    assert losses.iloc[-1] < 0.8 * losses.iloc[0]
    *_, show, tail = result.stdout.splitlines()
    assert run(*show.split()[1:]).exit_code == 0
    assert run(*tail.split("'")[0].split()[1:], "Training loss.csv").exit_code == 0
    assert run("checkout", experiment.tag, "back").exit_code == 0
    assert (source / "back" / "train.py").read_text() == "rate = 0.2\n"


def test_checkout_says_what_had_been_changed(source: Path) -> None:
    run("demo")
    (experiment,) = ExperimentRepository()

    result = run("checkout", experiment.tag[:-2], "back")
    told = json.loads(run("checkout", experiment.tag, "again", "--json").stdout)

    assert result.stdout == f"{source}/back is at {told['commit']}\n  changed  train.py\n"
    assert told == {
        "tag": experiment.tag,
        "directory": f"{source}/again",
        "commit": told["commit"],
        "changed": ["train.py"],
        "missing": [],
    }


def test_checkout_without_the_patch(source: Path) -> None:
    run("demo")
    (experiment,) = ExperimentRepository()

    run("checkout", experiment.tag, "back", "--no-patch", "--repository", ".")

    assert (source / "back" / "train.py").read_text() == "rate = 0.1\n"


def test_checkout_into_a_folder_in_use_is_an_error(source: Path) -> None:
    run("demo")
    (experiment,) = ExperimentRepository()

    result = run("checkout", experiment.tag, ".")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "is in use: name a new or an empty folder" in result.stderr
    assert (source / "train.py").read_text() == "rate = 0.2\n"
