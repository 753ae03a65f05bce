"""The rock as others get it: installed, checked, and tested by the tools of the Lua world."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROCK = Path(__file__).resolve().parent.parent


def tool(name):
    """Return a command, or skip where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def test_the_rockspec_lists_every_module():
    """
    A module that it forgets would be missing on every machine but ours.
    """
    spec = (ROCK / "lab-workbook-1.1.0-1.rockspec").read_text()

    modules = sorted(path.name for path in (ROCK / "lab-workbook").glob("*.lua"))
    assert [name for name in modules if f"'lab-workbook/{name}'" not in spec] == []
    assert spec.count("'lab-workbook/") == len(modules) + 1


def test_luarocks_make_installs_what_runs(tmp_path):
    """
    Without the checkout on the path.
    """
    tree = tmp_path / "tree"
    subprocess.run(
        [tool("luarocks"), "--tree", tree, "make", ROCK / "lab-workbook-1.1.0-1.rockspec"],
        cwd=ROCK,
        check=True,
        capture_output=True,
    )
    (share,) = (tree / "share/lua").iterdir()

    done = subprocess.run(
        [tool(f"lua{share.name}"), "-e", "require('lab-workbook'):newExperiment{tag = 'T'}:close()"],
        cwd=tmp_path,
        env={
            **os.environ,
            "LUA_PATH": f"{share}/?.lua;{share}/?/init.lua",
            "LAB_WORKBOOK_BUCKET_PREFIX": str(tmp_path),
        },
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout == f"lab-workbook: experiment T in file://{tmp_path}/T/\n"


def test_luacheck_finds_nothing():
    """
    With the .luacheckrc of the repository.
    """
    done = subprocess.run(
        [tool("luacheck"), "--no-color", "lua"], cwd=ROCK.parent, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_the_busted_suite_passes(tmp_path):
    """
    As a contributor runs it.
    """
    done = subprocess.run(
        [tool("busted"), "-m", "./?.lua;./?/init.lua", "tests"],
        cwd=ROCK,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_many_experiments_of_one_script_come_to_their_end(run, prefix):
    """
    LuaJIT's compiled code went round for ever when half a dozen ended with the state.
    """
    run("for i = 1, 12 do lab:newExperiment{}:saveText('t', '\\255') end")

    assert len(list(prefix.glob("*/.lab-workbook/end.json"))) == 13
