"""A repository that is being made of what an experiment has saved."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Final

from lab_workbook._git import STRICT, nobodys, run, said, users
from lab_workbook.captured import Captured
from lab_workbook.errors import NotRestorable

NAME_ANOTHER: Final = (
    "Name one that has it, by its path or URL: checkout(…, repository=…), or --repository in a terminal"
)
_COMMIT_ALONE: Final = "The commit alone you get by checkout(…, patch=False), or --no-patch in a terminal"
_LINK: Final = re.compile(rb"^160000 ([0-9a-f]+) 0\t(.*)$", re.DOTALL)
# What a bundle begins with: its version, what it needs, the commits it builds upon, those that it brings.
_BUNDLE: Final = re.compile(
    rb"# v[23] git bundle\n(?:@[^\n]*\n)*((?:-[0-9a-f]{40,64}[^\n]*\n)*)"
    rb"(?:[0-9a-f]{40,64} [^\n]*\n)+\n(?=PACK)"
)


class Tree:
    """The repository that is being made, in a folder that is there and has nothing of its own in it."""

    def __init__(self, place: str) -> None:
        self.place = place
        # Named outright, so that git looks for no other repository.
        self._where = {"GIT_DIR": os.path.join(place, ".git"), "GIT_WORK_TREE": place}

    def put(self, captured: Captured, commit: str, source: str | None) -> tuple[str, ...]:
        """
        Put a commit and a patch here; returns the files that the patch has changed.

        Raises:
            NotRestorable: the commit is not to be had, or the patch does not fit.
        """
        form = "sha256" if len(commit) == 64 else "sha1"
        self._git("init", "-q", "--template=", f"--object-format={form}")
        if source is not None:
            # Left there for whoever wants the history: `git fetch --unshallow`.
            self._git("config", "remote.origin.url", source)
            self._git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        problem = "it is in no repository that is known here" if source is None else self._fetch(commit)
        if problem and captured.bundle:
            self._unbundle(captured.bundle, source)
            problem = "nor does the bundle bring it" if self._run("cat-file", "-e", commit).returncode else ""
        if problem:
            asked = source or "the bundle"
            raise NotRestorable(f"{asked} does not give commit {commit}: {problem}. {NAME_ANOTHER}")
        self._git("update-ref", "--no-deref", "HEAD", commit)
        self._git("read-tree", commit)
        self._apply(captured)
        return self._write()

    def submodule(self, path: str, commit: str) -> Tree | None:
        """Return the folder of a submodule; None if the index has no such one, or another commit of it."""
        links = (_LINK.match(entry) for entry in self._git("ls-files", "-s", "-z").split(b"\0"))
        known = {(link[2], link[1].decode()) for link in links if link}
        place = os.path.join(self.place, path)
        # Its folder was made with the files; what is a link there, or has something in it, is not.
        is_there = (os.fsencode(path), commit) in known and os.path.isdir(place) and not os.listdir(place)
        return Tree(place) if is_there else None

    def _fetch(self, commit: str) -> str:
        """Get a commit without its history; returns what went wrong."""
        # The only command that sees the user's settings, because it may have to log in somewhere.
        fetched = run(
            *("fetch", "-q", "--depth=1", "--no-tags", "--no-write-fetch-head", "origin", commit),
            environment=users() | self._where,
            cwd=self.place,
        )
        return said(fetched) if fetched.returncode else ""

    def _unbundle(self, bundle: bytes, source: str | None) -> None:
        """Take in the commits that no remote had, and get what they build upon."""
        head = _BUNDLE.match(bundle)
        if head is None:
            raise NotRestorable(
                f"what was saved as the commits that no remote had is no bundle. {NAME_ANOTHER}"
            )
        for line in head[1].splitlines():
            need = line[1:].split()[0].decode()
            problem = "it is in no repository that is known here" if source is None else self._fetch(need)
            if problem:
                raise NotRestorable(f"the bundle builds on commit {need}: {problem}. {NAME_ANOTHER}")
        # Only the objects are taken; whatever it calls them is not asked.
        self._git("index-pack", "--stdin", "--fix-thin", given=bundle[head.end() :])

    def _apply(self, captured: Captured) -> None:
        """Change the index as the patch says, and see that it is what it was."""
        if captured.patch.strip():
            done = self._run("apply", "--cached", "--whitespace=nowarn", "-", given=captured.patch)
            if done.returncode != 0:
                raise NotRestorable(
                    f"the patch does not fit its commit, so nothing was written: {said(done)}."
                    f" {_COMMIT_ALONE}"
                )
        if captured.tree and self._git("write-tree").decode().strip() != captured.tree:
            raise NotRestorable(
                "the patch leads to other files than those that were saved, so nothing was written."
                f" {_COMMIT_ALONE}"
            )

    def _write(self) -> tuple[str, ...]:
        """Write the files, and return which of them the patch has changed."""
        self._git("checkout-index", "--all", "--index")
        names = self._git("diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD")
        return tuple(os.fsdecode(name) for name in names.split(b"\0")[:-1])

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._run(*arguments, given=given)
        if done.returncode != 0:
            raise NotRestorable(f"git {arguments[0]} failed in {self.place}: {said(done)}")
        return done.stdout

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return run(*STRICT, *arguments, environment=nobodys() | self._where, cwd=self.place, given=given)


def places_of(source: str, path: str) -> Iterator[str]:
    """Yield where a submodule may lie in a repository on this machine: in its folder, and in git's own."""
    root, name = os.path.split(source)
    folder = root if name == ".git" else source
    for place in (os.path.join(folder, path), os.path.join(folder, ".git", "modules", path)):
        if os.path.exists(os.path.join(place, ".git")) or os.path.exists(os.path.join(place, "HEAD")):
            yield place
