"""
TAB in a real shell completes tags and artifact names.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TAG = "201602122149-PMJ8a76csB"

# What readline does when somebody presses TAB: it sets these variables and calls the function.
PRESS_TAB = """
eval "$({program})"
COMP_WORDS=({words}) COMP_CWORD=$(({count} - 1))
_lab_workbook_completion lab-workbook
if [ ${{#COMPREPLY[@]}} != 0 ]; then printf '%s\\n' "${{COMPREPLY[@]}}"; fi
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command `lab-workbook`, as a shell finds it."""
    program = tmp_path / "bin" / "lab-workbook"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m lab_workbook.cli \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def complete(*words: str) -> list[str]:
    """Return what bash offers for the last of the words, which are spelled as a shell reads them."""
    line = " ".join(("lab-workbook", *words))
    script = PRESS_TAB.format(
        program="_LAB_WORKBOOK_COMPLETE=bash_source lab-workbook", words=line, count=len(words) + 1
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.fixture
def prepared(make: Any, folder: Path, command: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two experiments, one of which has names that a shell could stumble over."""
    del command
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))
    make(
        TAG,
        {"Training loss.csv": b"", "Training $HOME; 'x'.txt": b"", "options.json": b"{}", "\x1bevil": b""},
    )
    make("201701010000-0000000000")
    return folder


@pytest.mark.usefixtures("prepared")
def test_tags_complete() -> None:
    assert complete("show", "2016") == [TAG]
    assert complete("verify", TAG, "20") == [TAG, "201701010000-0000000000"]


@pytest.mark.usefixtures("prepared")
def test_artifacts_complete_as_a_shell_has_to_spell_them() -> None:
    """
    Spaces and all else that a shell would take for its own are escaped; control characters are not offered.
    """
    assert complete("cat", TAG, "o") == ["options.json"]
    assert complete("tail", TAG, "Tr") == [
        r"Training\ \$HOME\;\ \'x\'.txt",
        r"Training\ loss.csv",
    ]
    assert complete("cat", TAG, "''") == [
        r"Training\ \$HOME\;\ \'x\'.txt",
        r"Training\ loss.csv",
        "options.json",
    ]


def test_the_prefix_that_stands_before_is_looked_at(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", "s3://elsewhere/")

    assert complete("show", "--prefix", f"'{prepared}'", "2016") == [TAG]


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("prefix", ["ftp://nowhere", "s3://bucket/", "/no/such/folder", ""])
def test_nothing_that_goes_wrong_is_said_at_a_prompt(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No traceback, no warning, and no wait for a server that takes connections and never answers.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", prefix)
    (Path.home() / ".lab-workbook-config").write_text("noSuchKey = 1\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ada")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

        assert complete("show", "2016") == []
        assert complete("cat", "2016", "o") == []
