"""
Places in which an experiment stores a text that is not the user's own artifact: no planted secret is in them.

The places are those of the table in docs/secrets.md, row by row.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lab_workbook.protocol import _spec

from tests.secrets import planted

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON_PLACES = (
    "errors",
    "note",
    "later notes",
    "JSON values",
    "JSON keys",
    "series",
    "metrics",
    "environment",
    "command",
    "source",
    "output",
)
LUA_PLACES = ("note", "JSON values", "JSON keys", "series", "environment", "command", "source")
CASES = [("python", place) for place in PYTHON_PLACES] + [
    (lua, place) for lua in ("lua5.1", "luajit") for place in LUA_PLACES
]
# Rows of `command` and `environment`: begin.json has at most 200 arguments.
_CHUNK = 150


def _run(language, place, texts, folder, *, environment=(), arguments=()):
    """Start a script that records texts, and return what is in the folder of its experiments."""
    path = folder / f"texts-{place}"
    given = dict(os.environ) | {"LAB_WORKBOOK_BUCKET_PREFIX": f"{folder}/experiments/"} | dict(environment)
    if language == "python":
        path.write_text(json.dumps(texts))
        command = [sys.executable, str(HERE / "record.py")]
    else:
        path.write_text("".join(text.replace("\n", "\1") + "\n" for text in texts))
        command = [language, str(HERE / "record.lua")]
        # Without our program, so that the Lua writer captures the source by itself.
        given |= {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;", "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [*command, place, str(path), *arguments],
        cwd=folder / "code" if (folder / "code").exists() else folder,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run


def _recorded(folder):
    """Return all that the experiments hold, as text."""
    files = [path for path in (folder / "experiments").rglob("*") if path.is_file()]
    assert files
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def git(folder, *arguments, **more):
    """Run git in a folder."""
    command = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, **more)


def _repository(folder, texts):
    """Make a repository with texts in its message, its remote, a changed file and an untracked notebook."""
    code = folder / "code"
    code.mkdir()
    (code / "train.py").write_text("import torch\n")
    git(code, "init", "-q")
    git(code, "add", ".")
    git(code, "commit", "-q", "-F", "-", input=("first\n\n" + "\n".join(texts)).encode())
    git(
        code,
        "remote",
        "add",
        "origin",
        f"https://me:{planted.tokens()['github classic'][0]}@example.org/it.git",
    )
    (code / "train.py").write_text("import torch\n" + "".join(f"{text}\n" for text in texts))
    cells = [{"cell_type": "code", "source": [f"{text}\n"]} for text in texts]
    (code / "explore.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    (code / "prod.env").write_text("DB_PASSWORD=correcthorse\n")


def _record(language, place, texts, folder):
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    if place == "source":
        _repository(folder, texts)
        _run(language, place, [], folder)
    elif place == "environment":
        for chunk in chunks:
            _run(
                language,
                place,
                [],
                folder,
                environment={f"TORCH_{number}": text for number, text in enumerate(chunk)},
            )
    elif place == "command":
        for chunk in chunks:
            _run(language, place, [], folder, arguments=chunk)
    else:
        _run(language, place, texts, folder)


@pytest.mark.parametrize(("language", "place"), CASES)
def test_no_planted_secret_is_in_any_place(tmp_path, language, place):
    """
    Of more than 200 kinds, and what was redacted is counted.
    """
    if not shutil.which(language) and language != "python":
        pytest.skip(f"{language} is not installed")
    everything = list(planted.planted())
    texts = [each.text for each in everything]

    _record(language, place, texts, tmp_path)

    recorded = _recorded(tmp_path)
    left = sorted({each.kind for each in everything if each.secret in recorded})
    assert left == []
    assert _spec.SECRET_MARK in recorded
    assert "correcthorse" not in recorded


@pytest.mark.parametrize("language", ["python", "lua5.1"])
def test_what_the_user_saves_is_never_changed(tmp_path, language):
    """
    Files, texts, and cells of a field that is not named like a secret: they are the user's own data.
    """
    token = planted.tokens()["github classic"][0]
    (tmp_path / "file.txt").write_text(token)
    prefix = json.dumps(f"{tmp_path}/experiments/")
    if language == "python":
        script = f"""
import lab_workbook
token = open("file.txt").read()
with lab_workbook.new_experiment(bucket_prefix={prefix}) as workbook:
    workbook.save_text("text.txt", token)
    workbook.save_file("copy.txt", "file.txt")
    workbook.new_time_series_log("cells", ["step", "text"])(step=1, text=token)
"""
        command = [sys.executable, "-c", script]
    else:
        script = f"""
local token = io.open('file.txt'):read('*a')
local workbook = require('lab-workbook'):newExperiment{{bucketPrefix = {prefix}}}
workbook:saveText('text.txt', token)
workbook:saveFile('copy.txt', 'file.txt')
workbook:newTimeSeriesLog('cells', {{'step', 'text'}}){{step = 1, text = token}}
workbook:close()
"""
        command = [language, "-e", script]
    environment = dict(os.environ) | {"LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)

    (root,) = (tmp_path / "experiments").iterdir()
    for name in ("text.txt", "copy.txt", "cells.csv"):
        assert token in (root / name).read_text()
