"""
docs/source.md: what it shows happens, and its numbers are those of the code.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from lab_workbook_writer.capture import changes, source, unpushed

from tests import pages
from tests.source.repositories import git

PAGE = "docs/source.md"
TEXT = (pages.ROOT / PAGE).read_text(encoding="utf-8")


@pytest.fixture
def work(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository that the page is about."""
    folder = isolation / "digits"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    (isolation / ".gitconfig").write_text("[pull]\n\tff = only\n")
    (folder / "train.py").write_text("rate = 0.1\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First steps")
    git(isolation, "clone", "-q", "--bare", str(folder), str(isolation / "digits.git"))
    git(folder, "remote", "add", "origin", str(isolation / "digits.git"))
    git(folder, "fetch", "-q")
    git(folder, "branch", "-q", "--set-upstream-to=origin/main")
    (folder / "train.py").write_text("import model\nrate = 0.1\n")
    git(folder, "commit", "-q", "-a", "-m", "A model")
    (folder / "train.py").write_text("import model\nrate = 0.2\n")
    (folder / "model.py").write_text("layers = 3\n")
    (folder / ".env").write_text("PASSWORD=hunter2\n")
    return folder


@pytest.mark.usefixtures("work")
def test_the_examples_run() -> None:
    """
    One after the other, in whichever language.
    """
    names: dict[str, object] = {}
    for block in pages.read(PAGE):
        if block.language == "console":
            pages.run_commands(pages.commands([block]))
        else:
            pages.run_python(PAGE, [block], names)


def test_every_block_is_run() -> None:
    assert {block.language for block in pages.read(PAGE)} == {"console", "pycon"}
    assert TEXT.count("```") == 2 * len(pages.read(PAGE))


def test_the_limits_are_those_of_the_code() -> None:
    words = " ".join(TEXT.split())

    assert f"files over {changes.FILE_BYTES >> 20} MiB" in words
    assert f"beyond {changes.TOTAL_BYTES >> 20} MiB in all" in words
    assert f"the {changes.UNTRACKED_FILES:,} smallest untracked files" in words
    assert f"more than {unpushed.BUNDLE_BYTES >> 20} MiB" in words
    assert f"At most {source._LISTED} are listed" in words
    assert source.SECONDS == 60
    assert "It has a minute" in words


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (pages.ROOT / PAGE).parent.joinpath(link).exists(), link
