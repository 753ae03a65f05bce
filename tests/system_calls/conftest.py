"""The library that makes system calls fail, compiled once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("failing_calls.c")


@pytest.fixture(scope="session")
def failing_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library to preload, see `failing_calls.c`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a C compiler and Linux are needed to make system calls fail")
    library = tmp_path_factory.mktemp("library") / "failing_calls.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    # Another libc may name its functions otherwise.
    probe = [
        "import ctypes; f = ctypes.CDLL(None).getenv; f.restype = ctypes.c_char_p; print(f(b'fail nothing'))"
    ]
    done = subprocess.run(
        [sys.executable, "-c", *probe],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "failed=0" not in done.stdout:
        pytest.skip(f"the library cannot be preloaded here: {done.stdout}{done.stderr}")
    return library


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder to run in: a repository of git with a commit and an untracked file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "First"]):
        subprocess.run(["git", *who, *words], check=True, cwd=folder)
    (folder / "untracked").write_text("new\n")
    return folder
