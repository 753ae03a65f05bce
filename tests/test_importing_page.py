"""docs/importing.md: its commands run, on runs that the other programs have written."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests import pages

PAGE = "docs/importing.md"
FIXTURES = pages.ROOT / "python_writer/tests/importers/fixtures"


@pytest.fixture
def work(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a folder to work in, which has runs of each kind."""
    folder = isolation / "work"
    folder.mkdir()
    for name, kept in (("tensorboard", "logs"), ("mlruns", "mlruns"), ("wandb", "wandb")):
        shutil.copytree(FIXTURES / name, folder / kept)
    shutil.copy(FIXTURES / "optim/test.log", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return folder


@pytest.mark.usefixtures("work")
def test_the_commands_print_what_is_shown() -> None:
    pages.run_commands(pages.commands(pages.read(PAGE)))


def test_every_block_is_run() -> None:
    assert {block.language for block in pages.read(PAGE)} == {"console"}


@pytest.mark.parametrize("page", [PAGE, "docs/torch.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (pages.ROOT / page).read_text(encoding="utf-8")

    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (pages.ROOT / page).parent.joinpath(link).exists(), link
