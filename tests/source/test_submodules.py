"""
Submodules: saved as sources of their own, and put back into their folders, or said to be missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.source.repositories import File, git, tree, write
from tests.source.test_edges import STATE, folder, save, start

__all__ = ["folder", "save"]


@pytest.fixture
def nested(folder: Path) -> Path:
    """A repository with a submodule that has one itself; both have reached their remotes."""
    start(folder.parent / "inner", {b"inner.py": File(b"1\n")})
    start(folder.parent / "library", {b"library.py": File(b"1\n")})
    git(folder.parent / "library", "submodule", "-q", "add", str(folder.parent / "inner"), "deep/inner")
    git(folder.parent / "library", "commit", "-q", "-m", "Inner")
    git(folder, "submodule", "-q", "add", str(folder.parent / "library"), "lib dir")
    git(folder, "submodule", "-q", "update", "--init", "--recursive")
    git(folder, "commit", "-q", "-m", "Library")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def test_one_in_another_comes_back_changed(nested: Path, save: Any) -> None:
    """
    Each has its patch; one that is as it was committed has no files of its own.
    """
    (nested / "lib dir" / "deep" / "inner" / "inner.py").write_text("2\n")
    (nested / "lib dir" / "deep" / "inner" / "new.py").write_text("new\n")

    experiment = save()

    saved = {module["path"]: module["name"] for module in experiment[STATE]["submodules"]}
    assert saved == {"lib dir": None, "lib dir/deep/inner": "Source.submodule-1"}
    found = experiment.checkout(nested.parent / "back", repository=nested)
    assert found.missing == ()
    assert set(found.changed) == {"lib dir/deep/inner/inner.py", "lib dir/deep/inner/new.py"}
    assert tree(nested.parent / "back") == tree(nested)


def test_commits_of_a_submodule_that_no_remote_has(nested: Path, save: Any) -> None:
    """
    A bundle brings them, on another machine too; what else it had is missing there, and said to be.
    """
    write(nested / "lib dir" / "deep" / "inner", {b"inner.py": File(b"2\n")})
    git(nested / "lib dir" / "deep" / "inner", "commit", "-q", "-a", "-m", "Two")
    experiment = save()
    assert "Source.submodule-1.git-bundle" in experiment.list_artifacts()
    experiment.checkout(nested.parent / "back", repository=nested)
    assert tree(nested.parent / "back") == tree(nested)

    remote = nested.parent / "remote.git"
    git(nested.parent, "clone", "-q", "--bare", str(nested), str(remote))
    found = experiment.checkout(nested.parent / "far", repository=remote)

    assert found.missing == ("lib dir", "lib dir/deep/inner")
    assert list((nested.parent / "far" / "lib dir").iterdir()) == []


def test_a_place_that_does_not_have_the_commit_is_left_as_it_was(nested: Path, save: Any) -> None:
    """
    A submodule's folder in another clone may be older; then the folder of ours stays empty.
    """
    write(nested / "lib dir" / "deep" / "inner", {b"inner.py": File(b"2\n")})
    git(nested / "lib dir" / "deep" / "inner", "commit", "-q", "-a", "-m", "Two")
    git(nested / "lib dir" / "deep" / "inner", "update-ref", "refs/remotes/origin/main", "HEAD")
    experiment = save()
    git(nested.parent, "clone", "-q", "--recurse-submodules", str(nested), "older")

    found = experiment.checkout(nested.parent / "back", repository=nested.parent / "older")

    assert found.missing == ("lib dir/deep/inner",)
    assert list((nested.parent / "back" / "lib dir" / "deep" / "inner").iterdir()) == []
    assert (nested.parent / "back" / "lib dir" / "library.py").exists()


def test_a_submodule_alone(nested: Path, save: Any) -> None:
    """
    Its files are those of any source, so its name restores it from wherever it is had.
    """
    (nested / "lib dir" / "library.py").write_text("2\n")

    save().checkout(nested.parent / "alone", name="Source.submodule-1", repository=nested.parent / "library")

    assert (nested.parent / "alone" / "library.py").read_text() == "2\n"


def test_one_that_was_never_fetched_or_is_gone(nested: Path, save: Any) -> None:
    git(nested, "submodule", "-q", "deinit", "-f", "lib dir")
    experiment = save()
    assert experiment.read_bytes("Source.git-patch") == b""
    assert experiment[STATE]["submodules"] == []

    git(nested, "rm", "-q", "lib dir")
    (nested / "lib dir").write_text("a file now\n")
    save().checkout(nested.parent / "back", repository=nested)

    assert tree(nested.parent / "back") == tree(nested)
