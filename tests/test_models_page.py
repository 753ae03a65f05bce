"""
docs/models.md runs, and its tables say what the code does.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lab_workbook import models

from tests import pages

PAGE = "docs/models.md"


def test_the_examples_run(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One after the other, and print what they say they print.
    """
    monkeypatch.chdir(isolation)

    pages.run_python(PAGE, pages.read(PAGE, "python", "pycon"), {})


def test_every_block_is_run() -> None:
    text = (pages.ROOT / PAGE).read_text(encoding="utf-8")

    assert {block.language for block in pages.read(PAGE)} == {"python", "pycon"}
    assert text.count("```") == 2 * len(pages.read(PAGE))


def test_every_suffix_is_in_the_table() -> None:
    text = (pages.ROOT / PAGE).read_text(encoding="utf-8")

    rows = re.findall(r"^\| `(\.\w+)` \|", text, re.MULTILINE)

    assert sorted(rows) == sorted(models._SUFFIXES)
