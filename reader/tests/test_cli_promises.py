"""
What every verb of the command promises, whoever wrote it.

A new verb fails here until `RUNS` says how to try it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from lab_workbook import cli
from lab_workbook.cli import main

TAG = "201602122149-PMJ8a76csB"
OTHER = "201602122150-0000000000"
SERIES = "Training loss.csv"
# What a stranger may have written: it would recolour the screen, rename the window, or turn the line around.
HOSTILE = "\x1b[31mred\x07\x9b2J\u202e"

# How each verb is tried on the experiments of `prepared`: its arguments, in which {out} is a new path. None
# is for those that other tests try, because they need more than a folder.
RUNS: dict[str, list[str] | None] = {
    "cache": [],
    "cat": [TAG, "options.json"],
    "certify": None,
    "checkout": None,
    "cost": [],
    "demo": [],
    "diff": [TAG, OTHER],
    "doctor": [],
    "import": None,
    "ls": [],
    "note": [TAG],
    "policy": None,
    "push": [],
    "report": [TAG, "-o", "{out}"],
    "show": [TAG],
    "table": [],
    "tail": [TAG, SERIES],
    "verify": [TAG],
}
VERBS = sorted(RUNS)
TRIED = [verb for verb in VERBS if RUNS[verb] is not None]


def command(verb: str) -> click.Command:
    found = main.get_command(click.Context(main), verb)
    assert found is not None
    return found


def positional(verb: str) -> list[click.Argument]:
    return [each for each in command(verb).params if isinstance(each, click.Argument)]


def option(verb: str, name: str) -> click.Parameter | None:
    return next((each for each in command(verb).params if name in each.opts), None)


JSON = [verb for verb in TRIED if option(verb, "--json")]
# What the verbs call experiments.
TAGS = {"tag", "tags", "a", "b"}
READING = [verb for verb in VERBS if {each.name for each in positional(verb)} & TAGS]


@pytest.fixture
def prepared(make: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an experiment of each kind, written by a stranger who means harm."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    monkeypatch.chdir(folder.parent)
    series = f'epoch,"remark {HOSTILE}",Date\n1,"{HOSTILE}",2016-02-12T22:17:34Z\n'.encode()
    begin = {"note": HOSTILE, "host": HOSTILE, "command": [HOSTILE], "runtime": HOSTILE}
    files = {SERIES: series, "options.json": json.dumps({HOSTILE: HOSTILE, "rate": 0.1}).encode()}
    make(TAG, files, begin=begin, end={"error": {"type": HOSTILE, "message": HOSTILE}})
    make(OTHER, begin={"note": HOSTILE})
    make("201602122151-0000000000", {f"{HOSTILE}.txt": b"x"}, begin=None)
    make("201602122152-0000000000", begin={"protocol": "lab-workbook 9.0"})
    return folder


def arguments(verb: str, folder: Path, *more: str) -> list[str]:
    given = RUNS[verb]
    assert given is not None
    return [verb, *(each.format(out=folder.parent / "out.html") for each in given), *more]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def process(words: list[str], **more: Any) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-m", "lab_workbook.cli", *words]
    return subprocess.run(program, capture_output=True, check=False, timeout=60, **more)


def test_every_verb_is_tried() -> None:
    """
    A new one has to say here how.
    """
    assert set(cli._VERBS) == set(RUNS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_explains_the_verb_and_each_option(verb: str) -> None:
    result = run(verb, "--help")

    assert result.exit_code == 0
    if verb != "certify":
        assert command(verb).help
        assert cli._VERBS[verb].endswith(".")


@pytest.mark.parametrize("verb", VERBS)
def test_misuse_is_exit_code_2(verb: str) -> None:
    """
    A usage error is told apart from a problem that was found.
    """
    words = [verb, "--no-such-option"]

    assert run(*words).exit_code == 2


@pytest.mark.parametrize("verb", READING)
def test_an_experiment_that_is_not_there_is_one_line_and_exit_code_1(verb: str, prepared: Path) -> None:
    """
    On stderr, with the next step, and nothing on stdout.
    """
    needed = {"name": "x", "text": "x", "directory": str(prepared.parent / "new")}
    words = ["B" if each.name in TAGS else needed[str(each.name)] for each in positional(verb)]

    result = run(verb, *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: there is no experiment 'B'")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", READING)
def test_where_the_experiments_lie_is_said_by_one_option(verb: str) -> None:
    assert option(verb, "--prefix"), "use @_options.prefix"


@pytest.mark.parametrize("verb", [*READING, "cost"])
def test_tags_and_names_complete(verb: str) -> None:
    """
    By `_options.tag`, `_options.tags` and `_options.name`.
    """
    for each in positional(verb):
        if each.name in TAGS | {"tag_or_prefix", "name"}:
            assert each._custom_shell_complete is not None, f"use @_options.{each.name}"


@pytest.mark.parametrize("verb", [verb for verb in READING if RUNS[verb]])
def test_the_beginning_of_a_tag_is_enough(verb: str, prepared: Path) -> None:
    words = [word.replace(TAG, "201602122149") for word in arguments(verb, prepared)]

    assert run(*words).exit_code == run(*arguments(verb, prepared)).exit_code


@pytest.mark.parametrize("verb", JSON)
def test_json_is_json_with_camel_case_keys(verb: str, prepared: Path) -> None:
    """
    The keys that are ours, that is: names of artifacts, tags and parameters are as they are.
    """
    result = run(*arguments(verb, prepared, "--json"))

    told = [json.loads(text) for text in ([result.stdout] if verb != "tail" else result.stdout.splitlines())]
    assert told
    # A dot stands between an artifact and what is in it, as in `options.rate`.
    ours = [key for each in told for key in keys(each) if verb != "tail" and "." not in key]
    assert [key for key in ours if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", key)] == []


def keys(told: Any) -> Iterator[str]:
    """Yield the keys of all tables that are not mappings from names."""
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, dict):
            yield from each


@pytest.mark.parametrize("verb", TRIED)
@pytest.mark.parametrize("stdout", ["a file", "a terminal"])
def test_no_control_character_reaches_the_output(verb: str, prepared: Path, stdout: str) -> None:
    """
    Whatever a stranger has named things; and a terminal that asks for no colours gets none, and no pager.
    """
    words = arguments(verb, prepared)
    shown = on_a_terminal(words) if stdout == "a terminal" else process(words).stdout
    if (verb, stdout) == ("cat", "a file"):
        assert shown == (prepared / TAG / "options.json").read_bytes()
        return

    text = shown.decode().replace("\r\n", "\n")

    assert not (prepared.parent / "paged").exists()
    assert not [each for each in text if not each.isprintable() and each != "\n"]


def on_a_terminal(words: list[str]) -> bytes:
    """Run the command where its stdout is a terminal, and return what that shows."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "PAGER": "touch paged;"}
    program = [sys.executable, "-m", "lab_workbook.cli", *words]
    with subprocess.Popen(
        program, stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment
    ) as started:
        os.close(theirs)
        shown = b""
        # Linux gives an error when the last program has closed a terminal.
        with contextlib.suppress(OSError):
            while select.select([ours], [], [], 60)[0]:
                shown += os.read(ours, 65536)
        started.wait()
    os.close(ours)
    return shown


@pytest.mark.parametrize("verb", TRIED)
def test_a_reader_that_has_seen_enough_is_no_error(verb: str, prepared: Path) -> None:
    """
    `lab-workbook … | true`: no traceback, no complaint.
    """
    program = [sys.executable, "-m", "lab_workbook.cli", *arguments(verb, prepared)]
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(program, stdout=closed, stderr=subprocess.PIPE, check=False, timeout=60)

    assert b"Traceback" not in done.stderr
    assert b"Broken pipe" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.usefixtures("prepared")
def test_a_colour_is_shown_where_there_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    So that the tests above mean something: `doctor` has colours.
    """
    with_colour = CliRunner().invoke(main, ["doctor"], color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")

    without = CliRunner().invoke(main, ["doctor"], color=True).stdout

    assert "\x1b[" in with_colour
    assert "\x1b[" not in without


@pytest.mark.parametrize("verb", ["ls", "doctor", "policy"])
def test_a_place_is_an_argument_or_an_option(verb: str, prepared: Path) -> None:
    """
    `lab-workbook ls PLACE` and `lab-workbook ls --prefix PLACE` are the same; two places are misuse.
    """
    place = "s3://a-bucket/exp/" if verb == "policy" else str(prepared)

    by_argument, by_option = run(verb, place), run(verb, "--prefix", place)

    assert (by_argument.exit_code, by_argument.stdout) == (0, by_option.stdout)
    assert run(verb, place, "--prefix", place).exit_code == 2


@pytest.mark.parametrize("tag", ["201602122151", "Z"])
def test_no_control_character_is_in_an_error(tag: str, prepared: Path, make: Any) -> None:
    """
    It lists names that a stranger has chosen, and repeats the one that completion has offered.
    """
    name = f"{HOSTILE}.json"
    make("Z", {name: b"{}"}, end={"files": {name: {"bytes": 3}}})

    result = run("cat", tag, name, "--prefix", str(prepared))

    assert result.exit_code == 1
    assert result.stderr.rstrip("\n").isprintable()
