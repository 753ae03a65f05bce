"""
What a script has saved of its source, as it lies in an experiment.

>>> captured.read(experiment, "Source").modules
(Module(path='library', commit='91bd…', captured=Captured(…)),)

The commit and the patch are all that protocol 1.0 had. What else there is, a state tells; it is believed in
nothing that git does not confirm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lab_workbook.errors import ArtifactNotFound, NotRestorable
from lab_workbook.protocol import _spec, jsontext

if TYPE_CHECKING:
    from lab_workbook.experiment import Experiment


class Captured(NamedTuple):
    """
    A commit, as ``log`` names it, and what had been changed since.

    ``bundle`` holds commits that no remote had, ``tree`` is the id of the tree that the patch leads to, and
    each is empty where it was not saved.
    """

    log: bytes
    patch: bytes = b""
    bundle: bytes = b""
    tree: str = ""
    modules: tuple[Module, ...] = ()


class Module(NamedTuple):
    """A submodule: its path in the outermost repository, the commit it was at, and what was saved of it."""

    path: str
    commit: str
    captured: Captured


def read(experiment: Experiment, name: str, *, patch: bool = True) -> Captured:
    """
    Return what was saved under a name; without ``patch`` that is the commit alone.

    Raises:
        ArtifactNotFound: nothing was saved under this name.
        NotRestorable: the patch could not be saved when it ran.
    """
    log = experiment.read_checked(name + _spec.KIND_GIT_COMMIT_SUFFIX)
    state = _state(experiment, name, log)
    if patch and state.get("patch") is False:
        said = "; ".join(str(each) for each in _list(state, "problems")) or "there was no time"
        raise NotRestorable(
            f"the patch could not be saved when it ran ({said}). The commit alone you get by"
            " checkout(…, patch=False), or --no-patch in a terminal"
        )
    captured = _of(experiment, name, log, state, patch=patch)
    return captured._replace(modules=tuple(_modules(experiment, state))) if patch else captured


def _of(experiment: Experiment, name: str, log: bytes, state: Mapping[str, Any], *, patch: bool) -> Captured:
    changes = experiment.read_checked(name + _spec.KIND_GIT_PATCH_SUFFIX) if patch else b""
    # One of an earlier call may still lie there.
    has_bundle = state.get("bundle") is True
    bundle = experiment.read_checked(name + _spec.GIT_BUNDLE_SUFFIX) if has_bundle else b""
    return Captured(log, changes, bundle, _text(state, "tree") if patch else "")


def _modules(experiment: Experiment, state: Mapping[str, Any]) -> Iterator[Module]:
    for entry in _list(state, "submodules"):
        if not isinstance(entry, dict):
            continue
        path, commit, name = (_text(entry, key) for key in ("path", "commit", "name"))
        if name:
            log = experiment.read_checked(name + _spec.KIND_GIT_COMMIT_SUFFIX)
            yield Module(path, commit, _of(experiment, name, log, entry, patch=entry.get("patch") is True))
        else:
            yield Module(path, commit, Captured(commit.encode()))


def _state(experiment: Experiment, name: str, log: bytes) -> Mapping[str, Any]:
    """Return the state; empty where there is none, or one of another commit."""
    try:
        data = experiment.read_checked(name + _spec.GIT_STATE_SUFFIX)
    except ArtifactNotFound:
        return {}
    try:
        state = jsontext.decode(data)
    except ValueError:
        return {}
    commit = _text(state, "commit").encode() if isinstance(state, dict) else b""
    return state if isinstance(state, dict) and commit and commit in log else {}


def _text(state: Mapping[str, Any], key: str) -> str:
    value = state.get(key)
    return value if isinstance(value, str) else ""


def _list(state: Mapping[str, Any], key: str) -> list[Any]:
    value = state.get(key)
    return value if isinstance(value, list) else []
