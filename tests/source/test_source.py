"""
What `save_git_status` saves, `checkout` puts back: every byte, of any repository.

``make test`` tries a few random ones; the soak has as many as ``LAB_WORKBOOK_SOAK_REPOSITORIES`` says (200).
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import lab_workbook
import pytest
from hypothesis import given, settings

from tests.source import repositories
from tests.source.repositories import Repository, build, gits, tree

MANY = int(os.environ.get("LAB_WORKBOOK_SOAK_REPOSITORIES") or 200)
_NUMBERS = itertools.count(1)


def comes_back(drawn: Repository, root: Path) -> None:
    """Save a repository, see that it is untouched, and put it back from what others can have."""
    folder = build(drawn, root)
    before, files = gits(folder), tree(folder)
    home = os.getcwd()
    os.chdir(folder)
    try:
        with lab_workbook.new_experiment(tag="T", bucket_prefix=str(root / "runs")) as workbook:
            workbook.save_git_status()
    finally:
        os.chdir(home)

    assert gits(folder) == before, "the user's repository was touched"
    experiment = lab_workbook.ExperimentRepository(str(root / "runs"))["T"]
    assert experiment["Source.git-state.json"]["problems"] == []
    assert experiment["Source.git-state.json"]["leftOut"] == []
    assert ("Source.git-bundle" in experiment.list_artifacts()) == (drawn.remote != "all")
    # A submodule of a repository elsewhere is not looked for; where nothing has a remote, a bundle has all.
    if drawn.module is not None:
        known: Path | None = folder
    else:
        known = None if drawn.remote == "none" else root / "remote.git"
    (root / "elsewhere").mkdir()
    os.chdir(root / "elsewhere")
    try:
        found = experiment.checkout(root / "back", repository=known)
    finally:
        os.chdir(home)

    assert found.missing == ()
    assert tree(root / "back") == files


@settings(max_examples=15)
@given(drawn=repositories.repositories())
def test_any_repository_comes_back(tmp_path_factory: pytest.TempPathFactory, drawn: Repository) -> None:
    """
    Tracked, staged, untracked, binary, a link, deleted, of an odd name, in a submodule, not yet pushed.
    """
    comes_back(drawn, tmp_path_factory.mktemp(f"r{next(_NUMBERS)}"))


@pytest.mark.soak
@settings(max_examples=MANY, derandomize=False)
@given(drawn=repositories.repositories())
def test_many_repositories_come_back(tmp_path_factory: pytest.TempPathFactory, drawn: Repository) -> None:
    """
    The same, and other ones each time.
    """
    comes_back(drawn, tmp_path_factory.mktemp(f"m{next(_NUMBERS)}"))
