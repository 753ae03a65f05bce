"""
The source as it ran: the commit that an experiment names, and what had been changed since.

>>> repository["201602122149-PMJ8a76csB"].checkout("as-it-ran")
Checkout(directory='/home/me/as-it-ran', commit='5f2c…', changed=('train.py',), missing=())

An experiment names a commit and never where to get it, so no address that a stranger wrote is ever asked.
What was saved is hostile until git has judged it: the commit is an id and nothing else; the patch goes into
the index of a new repository, where git refuses a path that leaves it, ``.git`` itself, and whatever lies
behind a symbolic link; files are written only when it has fitted. Nothing runs: the new repository has no
hooks, and git does not see the user's settings while it writes, so there is no filter to call.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lab_workbook._git import run, users
from lab_workbook._tree import NAME_ANOTHER, Tree, places_of
from lab_workbook.captured import Captured, Module
from lab_workbook.errors import NotRestorable

# A 1.0 log may be coloured, may be on one line, and may begin with what gpg said of the signature.
_COMMIT: Final = re.compile(rb"^(?:commit )?([0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])", re.MULTILINE)
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*m")


class Checkout(NamedTuple):
    """
    What was put back, and where.

    ``changed`` are the files that differ from ``commit``, as they did when the experiment ran; ``missing``
    are the submodules whose commits are not to be had here, which stay empty.
    """

    directory: str
    commit: str
    changed: tuple[str, ...]
    missing: tuple[str, ...] = ()


def restore(
    captured: Captured,
    directory: str | os.PathLike[str],
    *,
    repository: str | os.PathLike[str] | None = None,
) -> Checkout:
    """
    Put a commit and a patch into a new folder, as a git repository of its own; all of it or nothing.

    ``repository`` is where to get the commit: a path or a URL, and without one the repository of the working
    directory. What no remote had comes from the bundle. Of submodules those are put back whose commits
    are in the bundle of their own, or in the folder of that repository where they lie; no address that
    the source itself names is asked for them.

    Raises:
        NotRestorable: the folder is in use, the commit is not to be had, or the patch does not fit.
    """
    commit = _commit(captured.log)
    if repository is not None:
        source: str | None = _source(os.fspath(repository))
    else:
        source = _here(commit, is_needed=not captured.bundle)
    place = os.path.abspath(directory)
    with _claimed(place):
        tree = Tree(place)
        changed = tree.put(captured, commit, source)
        more, missing = _put_modules(tree, captured.modules, source)
        return Checkout(place, commit, (*changed, *more), missing)


def _put_modules(
    top: Tree, modules: Iterable[Module], source: str | None
) -> tuple[list[str], tuple[str, ...]]:
    """Put submodules into their folders; returns the files changed in them, and those that are missing."""
    trees = {"": top}
    changed: list[str] = []
    missing = []
    for module in sorted(modules, key=lambda module: module.path.count("/")):
        # A submodule may lie in a submodule, and only the index of that one says that it does.
        above = max((path for path in trees if module.path.startswith(path)), key=len)
        tree = trees[above].submodule(module.path[len(above) :], module.commit)
        found = None if tree is None else _put_module(tree, module, source)
        if tree is None or found is None:
            missing.append(module.path)
            continue
        trees[f"{module.path}/"] = tree
        changed += [f"{module.path}/{name}" for name in found]
    return changed, tuple(missing)


def _put_module(tree: Tree, module: Module, source: str | None) -> tuple[str, ...] | None:
    """Put one submodule into its folder, which stays empty where that cannot be done: then None."""
    places: list[str | None] = [*places_of(source, module.path)] if source else []
    if module.captured.bundle:
        places.append(None)
    tries = (_tried(tree, module, place) for place in places)
    return next((found for found in tries if found is not None), None)


def _tried(tree: Tree, module: Module, place: str | None) -> tuple[str, ...] | None:
    try:
        return tree.put(module.captured, module.commit, place)
    except NotRestorable:
        _empty(tree.place)
        return None


def _commit(log: bytes) -> str:
    """Return the id in the text of ``git log -n 1``, or in any other that begins with one."""
    found = _COMMIT.search(_COLOUR.sub(b"", log))
    if found is None:
        raise NotRestorable(
            "no commit was recorded: the script ran outside of a git repository, or before its first commit"
        )
    return found[1].decode()


def _here(commit: str, *, is_needed: bool) -> str | None:
    """Return the repository of the working directory; one that is needed has to have the commit."""
    found = run("rev-parse", "--git-common-dir", environment=users())
    if found.returncode != 0 and not is_needed:
        return None
    if found.returncode != 0:
        raise NotRestorable(f"there is no git repository here to take commit {commit} from. {NAME_ANOTHER}")
    source = os.path.abspath(os.fsdecode(found.stdout.rstrip(b"\n")))
    if not is_needed:
        return source
    has = run("cat-file", "-e", f"{commit}^{{commit}}", environment=users())
    if has.returncode != 0:
        raise NotRestorable(
            f"{source} has no commit {commit}; `git fetch --all` may bring it. {NAME_ANOTHER}"
        )
    return source


def _source(repository: str) -> str:
    """Return an address that means the same from another folder."""
    return os.path.abspath(os.path.expanduser(repository)) if _is_path(repository) else repository


def _is_path(repository: str) -> bool:
    # As git has it: a colon before the first slash makes it a host or a URL.
    return ":" not in repository.partition("/")[0]


@contextlib.contextmanager
def _claimed(place: str) -> Iterator[None]:
    """Take a folder that is new or empty into use, and leave it as it was if that fails."""
    try:
        is_new = not os.path.isdir(place)
        if is_new:
            os.mkdir(place)
        in_use = bool(os.listdir(place))
        if not in_use:
            # Whoever comes at the same time is refused here, so that all in the folder is ours.
            os.mkdir(os.path.join(place, ".git"))
    except FileExistsError:
        in_use = True
    except OSError as error:
        raise NotRestorable(f"{place} cannot be made: {error.strerror}") from None
    if in_use:
        raise NotRestorable(f"{place} is in use: name a new or an empty folder")
    try:
        yield
    except BaseException:
        _empty(place)
        if is_new:
            os.rmdir(place)
        raise


def _empty(place: str) -> None:
    for name in os.listdir(place):
        path = os.path.join(place, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
