"""The commits that no remote has, as a bundle: without them a patch on top of them restores nothing."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from lab_workbook_writer.capture.git import Git, GitFailed, TooSlow

# As much as the patch may have; a repository without a remote is sent whole, with every experiment.
BUNDLE_BYTES: Final = 32 * 2**20
_SECONDS: Final = 20.0


class Unpushed(NamedTuple):
    """How many commits no remote has (None: not known), and their bundle, or the problem with it."""

    commits: int | None
    bundle: bytes | None
    problem: str | None


def unpushed(users: Git, git: Git, folder: str) -> Unpushed:
    """Return what the remotes are not known to have; ``users`` is git in the user's repository."""
    try:
        # That the names of all remote branches fit into arguments is not said.
        known = users.ask("for-each-ref", "--format=^%(objectname)", "refs/remotes")
        listed = git.ask("rev-list", "--boundary", "--stdin", given=b"HEAD\n" + known, seconds=_SECONDS)
        lines = listed.decode().split()
        commits = sum(not line.startswith("-") for line in lines)
        if not commits:
            return Unpushed(0, None, None)
        beyond = ["HEAD", *(f"^{line[1:]}" for line in lines if line.startswith("-"))]
        return _bundled(git, folder, commits, beyond)
    except (GitFailed, TooSlow) as problem:
        return Unpushed(None, None, f"commits that no remote has are not kept: {problem}")


def _bundled(git: Git, folder: str, commits: int, beyond: list[str]) -> Unpushed:
    size = git.word("rev-list", "--objects", "--disk-usage", *beyond)
    path = os.path.join(folder, "bundle")
    if not size.isdigit() or int(size) <= BUNDLE_BYTES:
        git.ask("bundle", "create", "-q", path, *beyond, seconds=_SECONDS)
        # What git counts on its disk is packed, but not in this pack.
        if os.path.getsize(path) <= BUNDLE_BYTES:
            with open(path, "rb") as file:
                return Unpushed(commits, file.read(), None)
    return Unpushed(
        commits,
        None,
        f"{commits:,} commits that no remote has are not kept: they take more than {BUNDLE_BYTES:,} bytes",
    )
