"""
The Luas of this machine: lupa's runtimes inside this process, and the real interpreters.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROCK = Path(__file__).resolve().parent.parent
LUA_PATH = f"{ROCK}/?.lua;{ROCK}/?/init.lua;;"
RUNTIMES = ("lua51", "lua52", "lua53", "lua54", "lua55", "luajit20", "luajit21")
INTERPRETERS = ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Runtime:
    """One of lupa's Luas, with the rock on its path; texts go in and come out as bytes."""

    def __init__(self, name: str) -> None:
        module = pytest.importorskip(f"lupa.{name}")
        self.error: type[Exception] = module.LuaError
        self._lua = module.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._lua.execute(f"package.path = {json.dumps(LUA_PATH)} .. package.path".encode())
        self.has_integers = name in ("lua53", "lua54", "lua55")

    def eval(self, expression: str) -> Any:
        return self._lua.eval(expression.encode())

    def execute(self, chunk: str) -> Any:
        return self._lua.execute(chunk.encode())


@pytest.fixture(scope="session", params=RUNTIMES)
def lua(request: pytest.FixtureRequest) -> Runtime:
    """A Lua inside this process."""
    return Runtime(request.param)


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest) -> str:
    """The name of a real interpreter."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """The folder where experiments of this test go."""
    return tmp_path / "experiments"


@pytest.fixture
def run(interpreter: str, prefix: Path, tmp_path: Path) -> Run:
    """Run a script in a process of its own; `w` is a workbook in it, unless ``bare``."""

    def run(
        script: str, *, bare: bool = False, check: bool = True, folder: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.lua"
        start = "" if bare else "local lab = require 'lab-workbook'; local w = lab:newExperiment{tag = 'T'}\n"
        path.write_text(start + script)
        environment = {**os.environ, "LUA_PATH": LUA_PATH, "LAB_WORKBOOK_BUCKET_PREFIX": str(prefix), **more}
        done = subprocess.run(
            [shutil.which(interpreter), str(path)],
            cwd=tmp_path / folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def forker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a C module for every Lua: `fork()`, `wait()`, `become_cat()` and more."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("forker")
    source = Path(__file__).with_name("forker.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "forker.so", source], check=True)
    return folder
