"""
The source as it runs: the commit, a patch, the commits that no remote has, and what is not in any of these.

>>> captured = capture("Source")
>>> [suffix for suffix, data in captured.parts]
['.git-current-commit', '.git-patch', '.git-state.json']

A submodule is a source of its own, with the same files under a name of its own; the state lists them. Before
anything is given out it was tried: the patch is put on the commit once more, and the state names the tree
that comes of it, so that whoever restores it can see that it is the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec, jsontext, redaction

from lab_workbook_writer import WRITER
from lab_workbook_writer.capture.changes import Changes, LeftOut, changes
from lab_workbook_writer.capture.git import Git, GitFailed, NotRecorded, TooSlow
from lab_workbook_writer.capture.index import Index, Patch, shown
from lab_workbook_writer.capture.repository import Repository, Scratch, find, scratch
from lab_workbook_writer.capture.unpushed import unpushed

# A repository on a network file system that hangs must not hang the training.
SECONDS: Final = 60.0
# A list of a million files left out is a data set itself; the count stays true.
_LISTED: Final = 200

_LOG: Final = ("log", "-n", "1", "--no-abbrev-commit", "--format=medium", "--date=default", "--no-color")
Document = dict[str, Any]


class Captured(NamedTuple):
    """The files of a source, each as a suffix of its name and its bytes, and what people should hear."""

    parts: list[tuple[str, bytes]]
    notes: list[str]


def capture(name: str, folder: str | None = None, *, seconds: float = SECONDS) -> Captured:
    """
    Capture the source of the repository around a folder, or else around the working directory.

    ``name`` is what the files will be called by, which the state says.

    Raises:
        NotRecorded: there is no repository, no commit, or no git, or it does not answer.
    """
    return _Source(name).capture(Git(time.monotonic() + seconds, folder))


class _Source:
    """One capture, of a repository and of the submodules in it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[tuple[str, bytes]] = []
        self._left_out: list[tuple[bytes, LeftOut]] = []
        self._problems: list[str] = []
        self._modules: list[Document] = []
        self._numbered = 0

    def capture(self, users: Git) -> Captured:
        # Asked first, because afterwards there may be no time left.
        version = users.word("version").removeprefix("git version ")
        facts, parts = self._one(users, b"")
        state: Document = {"format": 1, "program": WRITER, "git": version, **facts}
        state["submodules"] = self._modules
        state["leftOut"] = [_said(prefix, each) for prefix, each in self._left_out[:_LISTED]]
        state["leftOutCount"] = len(self._left_out)
        state["problems"] = self._problems
        document = jsontext.encode(_readable(state), lambda _kind: None)
        everything = [*parts, *self._parts, (_spec.GIT_STATE_SUFFIX, document)]
        return Captured(everything, list(self._notes(state)))

    def _one(self, users: Git, prefix: bytes) -> tuple[Document, list[tuple[str, bytes]]]:
        """Capture one repository; ``prefix`` is its path in the outermost one, with a slash, or empty."""
        found = find(users)
        with scratch(found, users.deadline) as place:
            facts = _where_it_stands(users, found)
            log, cut = _redacted_log(place.reads.ask(*_LOG, "HEAD"))
            parts = [(_spec.KIND_GIT_COMMIT_SUFFIX, log)]
            # Before the patch, because it has a limit of its own for the time it takes.
            beyond = unpushed(users, place.reads, place.folder)
            try:
                made = self._patch(users, place, found, prefix)
                parts.append((_spec.KIND_GIT_PATCH_SUFFIX, made.text))
                facts |= {"patch": True, "tree": made.tree, "untracked": made.untracked}
                cut += made.redactions
            except (TooSlow, GitFailed) as problem:
                facts |= {"patch": False, "tree": None, "untracked": 0}
                self._problems.append(f"{shown(prefix)}there is no patch: {problem}")
        if beyond.problem:
            self._problems.append(shown(prefix) + beyond.problem)
        if beyond.bundle is not None:
            parts.append((_spec.GIT_BUNDLE_SUFFIX, beyond.bundle))
        facts |= {"unpushed": beyond.commits, "bundle": beyond.bundle is not None, "redactions": cut}
        return facts, parts

    def _patch(self, users: Git, place: Scratch, found: Repository, prefix: bytes) -> Patch:
        index = Index(place, len(found.commit))
        users_index = os.path.join(place.folder, "user-index")
        todo = changes(place.reads, found.root, users_index, index.content_of)
        modules = self._submodules(users, found, todo, prefix)
        refused = index.fill(todo, modules)
        self._problems += [shown(prefix) + problem for problem in todo.problems]
        self._left_out += [(prefix, each) for each in [*todo.left_out, *refused]]
        return index.patch(todo.untracked)

    def _submodules(self, users: Git, found: Repository, todo: Changes, prefix: bytes) -> dict[bytes, str]:
        """Capture the submodules; returns the commit that each is at."""
        at = {}
        for path, listed in todo.modules.items():
            place = os.path.join(found.root, os.fsdecode(path))
            at[path] = listed
            if not os.path.lexists(os.path.join(place, ".git")) or os.path.islink(place):
                continue
            try:
                facts, parts = self._one(Git(users.deadline, place), prefix + path + b"/")
            except NotRecorded as problem:
                self._problems.append(f"{shown(prefix + path)}: {problem}")
                continue
            at[path] = facts["commit"]
            own = ""
            # One that is as it was committed, and can be had elsewhere, needs no files here.
            if any(data for suffix, data in parts if suffix != _spec.KIND_GIT_COMMIT_SUFFIX):
                self._numbered += 1
                own = f"{_spec.GIT_SUBMODULE_INFIX}{self._numbered}"
                self._parts += [(own + suffix, data) for suffix, data in parts]
            name = self._name + own if own else None
            self._modules.append({"path": shown(prefix + path), "name": name, **facts})
        return at

    def _notes(self, state: Document) -> Iterator[str]:
        where = f"{self._name}{_spec.GIT_STATE_SUFFIX}"
        if self._left_out:
            prefix, first = self._left_out[0]
            more = f" and {len(self._left_out) - 1:,} more" if len(self._left_out) > 1 else ""
            what = f"{shown(prefix + first.path)}{more}"
            yield f"{what} left out of the patch ({first.why}); {where} lists what is"
        cut = state["redactions"] + sum(module["redactions"] for module in self._modules)
        if cut:
            yield f"{cut:,} secret(s) cut out of the patch, which puts {_spec.SECRET_MARK} in their places"
        yield from self._problems


def _where_it_stands(users: Git, found: Repository) -> Document:
    branch = users.word("symbolic-ref", "-q", "--short", "HEAD")
    of_branch = (found.settings.get(f"branch.{branch}.{what}", "") for what in ("remote", "merge"))
    upstream = "/".join(part.removeprefix("refs/heads/") for part in of_branch if part)
    remotes = {
        key.removeprefix("remote.").removesuffix(".url"): redaction.redacted_url(value)[0]
        for key, value in found.settings.items()
        if key.startswith("remote.") and key.endswith(".url")
    }
    return {
        "commit": found.commit,
        "branch": redaction.redacted_text(branch)[0] or None,
        "upstream": redaction.redacted_text(upstream)[0] or None,
        "remotes": remotes,
    }


def _redacted_log(log: bytes) -> tuple[bytes, int]:
    """Return what git says of the commit, with its message free of secrets, and how many were cut."""
    head, blank, message = log.partition(b"\n\n")
    text, cut = redaction.redacted_bytes(message)
    return head + blank + text, cut


def _said(prefix: bytes, each: LeftOut) -> Document:
    return {"path": shown(prefix + each.path), "bytes": each.size, "why": each.why}


def _readable(value: Any) -> Any:
    """Return a document in which every text, such as a branch's name, is one."""
    if isinstance(value, str):
        return os.fsencode(value).decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {_readable(key): _readable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    return value
