"""
Level git: which commit ran, and what had been changed since.

The kit makes a repository in every state that a patch has to bring back, for a user whose configuration
of git changes all that it can.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, Recording, Unsupported, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW
from lab_workbook_conformance.world import environment

Findings = Iterable[Finding]

_COMMIT, _PATCH = (SPEC["kind"][kind]["suffix"] for kind in ("git_commit", "git_patch"))
_NAME = SPEC["git"]["default_name"]
HOSTILE = b"""
[color]
    ui = always
[diff]
    noprefix = true
    mnemonicPrefix = true
    renames = copies
    external = false
    context = 1
    wordRegex = .
    submodule = log
    ignoreSubmodules = all
[diff "upper"]
    textconv = tr a-z A-Z <
[core]
    abbrev = 5
    pager = false
    quotePath = false
[log]
    abbrevCommit = true
    decorate = full
    showSignature = true
[format]
    pretty = %s
[apply]
    whitespace = error
"""
# Names that are refused, and the rules.
_WRONG_NAMES = {"a//b": "name.parts", "../x": "name.parts", "x\n": "name.characters"}
_COMMITTED = {
    "train.lua": b"rate = 0.1\nepochs = 3\n",
    "lib/net.lua": b"layers = 3\n" * 30,
    "data.bin": bytes(range(256)) * 4,
    "gone.txt": b"not for long\n",
    "old name.txt": b"the same words under another name\n" * 5,
    "Größe.txt": b"caf\xe9\n",
    "run.sh": b"#!/bin/sh\n",
    ".gitattributes": b"*.md diff=upper\n",
    # The patch ends with this one, and with the empty lines behind its change.
    "z.md": b"title\n\n\n\n",
}


def cases() -> Iterator[Case]:
    """Yield what the state of the source is about; SPEC.md has no room for a repository."""
    for name, rules, play in (
        ("git.patch-changed", ("git.commit", "git.patch", "kind.suffix"), _changed),
        ("git.patch-clean", ("git.commit", "git.patch"), _clean),
        ("git.patch-deep", ("git.commit", "git.patch"), _deep),
        ("git.commit-continued", ("git.commit", "misuse.trace"), _refused),
        ("git.commit-none", ("git.commit", "end.lost"), _none),
    ):
        yield Case(name, rules, "git", "writer", play)


def _changed(bench: Bench) -> Findings:
    """Change tracked files in every way."""
    with _repository(bench) as folder:
        _change(folder)
        yield from _saved(bench, folder, folder)


def _clean(bench: Bench) -> Findings:
    """Leave all as it was committed."""
    with _repository(bench) as folder:
        found = yield from _saved(bench, folder, folder)
        if found.files.get(_NAME + _PATCH):
            yield Finding("git.patch", "nothing was changed", "", shown(found.files[_NAME + _PATCH]))


def _refused(bench: Bench) -> Findings:
    """Save the state under names that are refused, and then under a right one, which begins alike."""
    with _repository(bench) as folder:
        _change(folder)
        with bench.another(folder=folder) as fresh:
            # Each in an experiment of its own, so that none can be refused for another one's sake.
            missed = [
                finding
                for name, rule in _WRONG_NAMES.items()
                for finding in verdicts.refused(fresh.record([NEW, ["saveGitStatus", name]]), rule)
            ]
        yield from missed
        if missed:
            return
        wrong = [["saveGitStatus", name] for name in _WRONG_NAMES]
        findings = list(_saved(bench, folder, folder, "library", before=wrong))
        yield from verdicts.traces(findings, _saved(bench, folder, folder, "library") if findings else ())


def _deep(bench: Bench) -> Findings:
    """Run in a folder of the repository, and save under a name of one's own."""
    with _repository(bench) as folder:
        _change(folder)
        yield from _saved(bench, folder, os.path.join(folder, "lib"), "library")


def _none(bench: Bench) -> Findings:
    """Run outside of any repository: neither file is made, and nothing is lost."""
    with bench.another() as fresh:
        found = fresh.record([NEW, ["saveGitStatus"], ["saveText", "notes", "x"], CLOSE])
        yield from verdicts.recording(found, "git.commit", integers=fresh.integers)
        yield from verdicts.lost(found, dict.fromkeys(SPEC["loss"].values(), 0))
        made = [name for name in found.files if name.endswith((_COMMIT, _PATCH))]
        if made:
            yield Finding("git.commit", "there is no repository", "", ", ".join(made))


def _saved(
    bench: Bench, folder: str, working: str, name: str = _NAME, *, before: Sequence[Any] = ()
) -> Generator[Finding, None, Recording]:
    """
    Save the state of the source in a working directory, and bring it back; return the recording.

    ``before`` are steps that have to be refused.
    """
    with bench.another(home={".gitconfig": HOSTILE}, folder=working) as fresh:
        steps = [NEW, *before, ["saveGitStatus", *([] if name == _NAME else [name])], CLOSE]
        found = fresh.record(steps, continues=bool(before))
        refused = range(1, 1 + len(before))
        yield from verdicts.unexpected(found, refused, "misuse.trace")
        found = found.without(refused)
        yield from verdicts.recording(found, "git.commit", integers=fresh.integers)
    commit, patch = (found.files.get(name + suffix) for suffix in (_COMMIT, _PATCH))
    if found.is_done and (commit is None or patch is None):
        yield Finding(
            "git.commit", "both files should be there", shown(found.steps[1]), ", ".join(found.files)
        )
    elif commit is not None and patch is not None:
        yield from _names_commit(folder, commit)
        yield from _brings_back(bench, folder, patch)
    return found


def _names_commit(folder: str, data: bytes) -> Findings:
    whole = git(folder, "rev-parse", "HEAD").decode().strip()
    if not re.search(rf"\b{whole}\b", data.decode("utf-8", "replace")):
        yield Finding("git.commit", f"the whole id of the commit is {whole}", "", shown(data))
    if b"\x1b" in data:
        yield Finding("git.commit", "it has colours in it", "", shown(data))


def _brings_back(bench: Bench, folder: str, patch: bytes) -> Findings:
    clone = bench.scratch()
    git(folder, "clone", "--quiet", folder, clone)
    path = f"{clone}.patch"
    with open(path, "wb") as file:
        file.write(patch)
    try:
        if patch:
            git(clone, "apply", path)
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode("utf-8", "replace")
        yield Finding("git.patch", f"it does not apply to the commit: {words}", "", shown(patch))
        return
    right, made = _files(folder, "--cached"), _files(clone, "--cached", "--others")
    # What git does not track may come along, but only as it is.
    right |= {name: state for name, state in _files(folder, "--others").items() if name in made}
    for name in sorted(right.keys() | made.keys()):
        if right.get(name) != made.get(name):
            states = [
                "gone" if state is None else shown(state[1]) for state in (right.get(name), made.get(name))
            ]
            yield Finding("git.patch", f"it does not bring back {name}", states[0], states[1])


def _files(folder: str, *which: str) -> dict[str, tuple[bool, bytes]]:
    """Return what files hold that git tracks, or does not, and whether they can be run."""
    listed = git(folder, "ls-files", "-z", *which).decode().split("\0")
    paths = {name: os.path.join(folder, name) for name in listed if name}
    return {
        name: (os.access(path, os.X_OK), _read(path)) for name, path in paths.items() if os.path.exists(path)
    }


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def _repository(bench: Bench) -> Iterator[str]:
    """Make a repository with one commit."""
    if shutil.which("git") is None:
        raise Unsupported("this machine has no git")
    folder = bench.scratch()
    write(folder, _COMMITTED)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "begin")
    yield folder


def _change(folder: str) -> None:
    """Change text, bytes, names and modes, some of it staged."""
    write(
        folder,
        {"train.lua": b"rate = 0.2 \r\nepochs = 3", "data.bin": b"\0\xff" * 300, "Größe.txt": b"caf\xe9!\n"},
    )
    write(folder, {"lib/new.lua": b"return {}\n", "untracked.txt": b"x\n", "z.md": b"another title\n\n\n\n"})
    os.remove(os.path.join(folder, "gone.txt"))
    os.chmod(os.path.join(folder, "run.sh"), 0o755)  # noqa: S103 - that it can be run is what is tracked
    git(folder, "add", "lib/new.lua")
    git(folder, "mv", "old name.txt", "new name.txt")


def git(folder: str, *arguments: str) -> bytes:
    """Run git as a user who has configured nothing; return what it prints."""
    variables = (f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL"))
    somebody = dict.fromkeys(variables, "kit@example.org")
    done = subprocess.run(  # noqa: S603 - no word of it comes from outside
        ["git", *arguments],  # noqa: S607 - the git that the writer finds as well
        cwd=folder,
        env={**environment(folder), **somebody, "HOME": os.path.dirname(folder), "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        check=True,
    )
    return done.stdout
