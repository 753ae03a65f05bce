"""
A filter runs no code, whatever its text is, and what is not a filter is refused with a position and a reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook import ExperimentRepository, InvalidQuery, filters

from reader.tests.filters.attacks import ATTACKS, UNKNOWN


def spelled(text: str, canary: Path) -> str:
    # Sizes are too long to be formatted, and have nothing to fill in.
    return text.format(canary=canary) if len(text) < 500 else text


@pytest.fixture
def filled(make: Any, repository: ExperimentRepository) -> ExperimentRepository:
    make("A", {"options.json": b'{"rate": 0.1}'}, end={})
    make("B", {"options.json": b'{"rate": 1}'}, end={"outcome": "failed"})
    return repository


def test_the_corpus_has_attacks_of_each_kind() -> None:
    assert len(set(ATTACKS)) == len(ATTACKS) >= 100


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_an_attack_is_refused_before_anything_is_read(number: int, tmp_path: Path) -> None:
    text = spelled(ATTACKS[number], tmp_path / "canary")

    with pytest.raises(InvalidQuery, match=r"^cannot use the filter at (character \d+|its end)"):
        filters.parse(text)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("number", range(len(UNKNOWN)))
def test_a_name_is_only_ever_looked_up(number: int, filled: ExperimentRepository, tmp_path: Path) -> None:
    text = spelled(UNKNOWN[number], tmp_path / "canary")

    with pytest.raises(InvalidQuery, match="there is no column"):
        filled.find(text)
    assert not (tmp_path / "canary").exists()


def test_the_command_and_find_leave_no_trace(
    filled: ExperimentRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each text is tried by a Python process that reports everything it opens, starts and imports meanwhile.
    """
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", filled.where)
    texts = [spelled(text, tmp_path / "canary") for text in (*ATTACKS, *UNKNOWN)]
    program = tmp_path / "audited.py"
    program.write_text(_AUDITED.format(texts=texts))

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, f"{len(texts)} refused"), done.stderr[-2000:]
    assert os.listdir(tmp_path / "empty") == []
    assert not (tmp_path / "canary").exists()


# The second pass is the one that counts: the first has imported what a refusal needs.
_AUDITED = """
import sys
from click.testing import CliRunner
from lab_workbook import ExperimentRepository, InvalidQuery
from lab_workbook.cli import main
from lab_workbook.overview import select

texts = {texts!r}
table = ExperimentRepository().table()
events = None

def hook(name, arguments):
    watched = ("open", "os", "subprocess", "import", "exec", "socket", "ctypes")
    if events is not None and name.partition(".")[0] in watched:
        events.append((name, arguments))

def refused(text):
    try:
        select.tags(table, text, {{}})
    except InvalidQuery:
        return True

assert all(map(refused, texts))
sys.addaudithook(hook)
events = []
count = sum(map(refused, texts))
found, events = events, None
assert not found, found[:3]
for text in texts[:20]:
    done = CliRunner().invoke(main, ["table", "--", text])
    assert done.exit_code == 1 and done.stderr.startswith("Error: cannot use the filter at"), done.output
print(count, "refused")
"""


def assert_is_a_filter_or_refused(text: str) -> None:
    try:
        columns = filters.parse(text).columns
    except InvalidQuery:
        return
    assert columns


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
@example("status == '\\")
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    assert_is_a_filter_or_refused(text)


PIECES = st.sampled_from(
    [
        *("status", "duration", "`a b`", "'x'", '"x"', "1", "-1", "1.5e3", "true", "false"),
        *("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "(", ")", "[", "]", ",", " "),
        *("and", "or", "not", "in", "not in", "is missing", "is not missing", "contains", "startswith"),
        *(".", "@", "\\", "\0", "é", "=", ":", "lambda", "if", "else", "for"),
    ]
)


@given(st.lists(PIECES, max_size=30), st.sampled_from(["", " "]))
def test_any_words_of_the_grammar_are_a_filter_or_refused(pieces: list[str], between: str) -> None:
    text = between.join(pieces)

    assert_is_a_filter_or_refused(text)
