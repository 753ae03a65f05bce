"""
docs/bare-loop.md and docs/ranks.md run: their scripts, what is typed in a terminal, what is read then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import pages

PAGES = ("docs/bare-loop.md", "docs/ranks.md")
SCRIPT = "# train.py\n"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page: str, isolation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    From top to bottom; a block that begins with the name of a script is that script.
    """
    monkeypatch.chdir(isolation)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "200")
    namespace: dict[str, Any] = {}

    for block in pages.read(page):
        if block.text.startswith(SCRIPT):
            Path("train.py").write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            pages.run_commands(pages.commands([block]))
        else:
            pages.run_python(page, [block], namespace)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run(page: str) -> None:
    text = (pages.ROOT / page).read_text(encoding="utf-8")

    assert {block.language for block in pages.read(page)} == {"python", "pycon", "console"}
    assert text.count("```") == 2 * len(pages.read(page))


def test_the_figures_of_the_pages_are_those_of_the_code() -> None:
    """
    How many sets have a series of their own, how long a guest waits, and how many elements an option has.
    """
    from lab_workbook.protocol import _spec
    from lab_workbook_writer.capture import plain

    loop, ranks = (" ".join((pages.ROOT / page).read_text(encoding="utf-8").split()) for page in PAGES)

    assert "from the seventeenth set on" in loop
    assert _spec.METRICS_MAX_SERIES == 16
    assert f"at most {plain._MOST_ELEMENTS:,} elements" in loop
    assert f"waits {_spec.RANKS_MEET_SECONDS} seconds at most, once" in ranks
