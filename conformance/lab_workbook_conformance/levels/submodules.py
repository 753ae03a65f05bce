"""Level git: the state of a repository that has another one in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, Unsupported, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW
from lab_workbook_conformance.levels.git import HOSTILE, git

Findings = Iterable[Finding]

_PATCH = SPEC["git"]["default_name"] + SPEC["kind"]["git_patch"]["suffix"]


def cases() -> Iterable[Case]:
    """Yield the case."""
    yield Case("git.patch-submodule", ("git.patch",), "git", "writer", _move_submodule)


def _move_submodule(bench: Bench) -> Findings:
    """Check out another commit of a submodule, for a user who wants to hear nothing of them."""
    if shutil.which("git") is None:
        raise Unsupported("this machine has no git")
    folder = bench.scratch()
    inner = os.path.join(folder, "net")
    before = _commit(inner, {"net.lua": b"layers = 3\n"})
    write(folder, {"train.lua": b"rate = 0.1\n"})
    git(folder, "init", "--quiet")
    # Without a .gitmodules it is a submodule all the same, as far as git diff knows.
    git(folder, "add", "train.lua", "net")
    git(folder, "commit", "--quiet", "--message", "begin")
    after = _commit(inner, {"net.lua": b"layers = 4\n"})
    with bench.another(home={".gitconfig": HOSTILE}, folder=folder) as fresh:
        found = fresh.record([NEW, ["saveGitStatus"], CLOSE])
        yield from verdicts.recording(found, "git.patch", integers=fresh.integers)
    patch = found.files.get(_PATCH, b"")
    lines = [f"{sign}Subproject commit {commit}".encode() for sign, commit in (("-", before), ("+", after))]
    if found.is_done and not all(line in patch.splitlines() for line in lines):
        message = f"the submodule was at {before}, and is at {after}: git apply has to hear of it"
        yield Finding("git.patch", message, "", shown(patch))


def _commit(folder: str, files: dict[str, bytes]) -> str:
    """Commit these files, and return the id."""
    write(folder, files)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "work")
    return git(folder, "rev-parse", "HEAD").decode().strip()
