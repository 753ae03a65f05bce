"""Writers that are wrong about the state of the source."""

from __future__ import annotations

from typing import Any

from lab_workbook_conformance.wrong import git
from lab_workbook_conformance.wrong.table import Right, instead_of


@instead_of("git.commit", git, "log")
def short_id(right: Right) -> Any:
    """The id of the commit is a short one."""
    return [*right(), "--abbrev-commit"]


@instead_of("git.commit-2", git, "log")
def subject(right: Right) -> Any:
    """Only the message of the commit is saved."""
    return [*right(), "--pretty=%s"]


@instead_of("git.commit-3", git, "log")
def colours(right: Right) -> Any:
    """The commit has the colours of a terminal."""
    return [*right(), "--color=always"]


@instead_of("git.patch", git, "diff")
def as_configured(_: Right) -> Any:
    """The patch looks as the user has configured."""
    return ["diff", "--binary", "--no-ext-diff", "HEAD"]


@instead_of("git.patch-2", git, "diff")
def not_staged(right: Right) -> Any:
    """What was staged is not in the patch."""
    return right()[:-1]


@instead_of("git.patch-3", git, "diff")
def no_binaries(right: Right) -> Any:
    """The bytes of binary files are not in the patch."""
    return [each for each in right() if each != "--binary"]


@instead_of("git.patch-4", git, "diff")
def this_folder(right: Right) -> Any:
    """Only what was changed below the working directory is in the patch."""
    return [*right(), "--", "."]


@instead_of("git.patch-5", git, "status")
def empty_files(right: Right) -> Any:
    """Files that git does not track are in the patch, but empty."""
    said = right()
    head = b"diff --git a/untracked.txt b/untracked.txt\nnew file mode 100644\nindex 0000000..e69de29\n"
    return {**said, "git_patch": head + said["git_patch"]}


@instead_of("git.patch-20", git, "diff")
def ignored_submodules(right: Right) -> Any:
    """A submodule whose changes the user ignores is not in the patch."""
    return [each for each in right() if not each.startswith("--ignore-submodules")]


@instead_of("git.patch-21", git, "diff")
def submodules_in_words(right: Right) -> Any:
    """A submodule that has moved is described by its commits' messages."""
    return [each for each in right() if not each.startswith("--submodule")]


@instead_of("git.patch-22", git, "diff")
def converted(right: Right) -> Any:
    """A file with a filter for people is in the patch as it comes out of that."""
    return [each for each in right() if each != "--no-textconv"]


@instead_of("git.patch-23", git, "status")
def trimmed(right: Right) -> Any:
    """The end of the patch is trimmed."""
    said = right()
    patch = said["git_patch"].rstrip()
    return {**said, "git_patch": patch + b"\n" if patch else patch}
