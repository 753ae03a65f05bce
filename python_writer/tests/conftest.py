"""What the writer's tests share: an open workbook in a fresh folder, and scripts that really run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lab_workbook
import pytest


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """A bucket prefix that is a folder which does not exist yet."""
    return f"file://{tmp_path}/runs/"


@pytest.fixture
def workbook(prefix: str) -> Iterator[Any]:
    """An experiment that is being written."""
    with lab_workbook.new_experiment(bucket_prefix=prefix) as workbook:
        yield workbook


@pytest.fixture
def home_of(tmp_path: Path) -> Callable[[Any], Path]:
    """The folder of a workbook."""
    return lambda workbook: tmp_path / "runs" / workbook.tag


class Ran(NamedTuple):
    """What a script has left behind."""

    status: int
    stdout: str
    stderr: str
    home: Path

    @property
    def end(self) -> dict[str, Any] | None:
        path = self.home / ".lab-workbook" / "end.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def text(self, name: str) -> str:
        return (self.home / name).read_text(encoding="utf-8")


# A runner in the background ignores Ctrl-C, and its children would too.
_OPENING = """\
import os, signal, sys, lab_workbook
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


class Script:
    """A training script that runs in a process of its own, on the experiment ``T``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "train.py"
        self.home = folder / "runs" / "T"
        self.environment = {**os.environ, "LAB_WORKBOOK_BUCKET_PREFIX": str(folder / "runs")}

    def start(self, code: str, *options: str, keeps_input: bool = False) -> subprocess.Popen[str]:
        self.path.write_text(_OPENING + textwrap.dedent(code))
        return subprocess.Popen(
            [sys.executable, *(options or [str(self.path)])],
            stdin=subprocess.PIPE if keeps_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.path.parent,
        )

    def finish(self, process: subprocess.Popen[str]) -> Ran:
        stdout, stderr = process.communicate(timeout=60)
        return Ran(process.returncode, stdout, stderr, self.home)

    def run(self, code: str, *options: str) -> Ran:
        return self.finish(self.start(code, *options))


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A training script, still unwritten."""
    return Script(tmp_path)
