"""
docs/secrets.md and docs/environment.md run, their Lua too.
"""

import json
import os
import shutil
import subprocess

import pytest
from lab_workbook.protocol import _spec

from tests import pages

PAGES = ("docs/secrets.md", "docs/environment.md")
SCHEMA = pages.ROOT / "spec/v1/schemas/environment.schema.json"


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, isolation, monkeypatch):
    """
    One after the other, and print what they say they print.
    """
    monkeypatch.chdir(isolation)

    pages.run_python(page, pages.read(page, "python", "pycon"), {})


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("interpreter", ["luajit", "lua5.1", "lua5.4"])
def test_the_lua_runs(page, interpreter, isolation):
    """
    And keeps out what the Python keeps out.
    """
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not installed")
    (block,) = pages.read(page, "lua")
    path = f"{pages.ROOT}/lua/?.lua;{pages.ROOT}/lua/?/init.lua;;"
    folder = isolation / "runs"

    done = subprocess.run(
        [interpreter, "-"],
        input=block.text,
        env={**os.environ, "LUA_PATH": path, "LAB_WORKBOOK_BUCKET_PREFIX": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    saved = {path.name: json.loads(path.read_text()) for path in folder.glob("*/*.json")}
    if page == PAGES[0]:
        assert saved["options.json"] == {"apiKey": _spec.SECRET_MARK, "tokenizer": "bpe"}
        assert saved["allowed.json"]["apiKey"].startswith("0123")
        assert done.stderr.count("'apiKey'") == 2
    else:
        assert saved["environment.json"]["command"] == [interpreter, "-"]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run(page):
    text = (pages.ROOT / page).read_text(encoding="utf-8")

    assert {block.language for block in pages.read(page)} == {"python", "pycon", "lua"}
    assert text.count("```") == 2 * len(pages.read(page))


def test_every_key_of_an_environment_is_in_the_table():
    text = (pages.ROOT / PAGES[1]).read_text(encoding="utf-8")

    for key in json.loads(SCHEMA.read_text())["properties"]:
        assert f"`{key}`" in text, key
