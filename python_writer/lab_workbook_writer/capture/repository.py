"""
A repository as it is found, and a scratch one beside it to work in.

The scratch repository sees the user's files and objects, and a copy of the index; whatever is written lands
in it, and so never in the user's. It has settings of its own: of the user's only those count that say what a
file is (ignored, executable, a link), so that no colour, prefix, filter or program reaches the patch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from lab_workbook_writer.capture.git import Git, NotRecorded

# What the file system is like, and what git has found out about it.
_OF_THE_DISK: Final = ("filemode", "symlinks", "ignorecase", "precomposeunicode", "trustctime", "checkstat")


class Repository(NamedTuple):
    """
    A repository with a working tree; all paths are absolute.

    ``settings`` are those that count here, with the last word on each.
    """

    root: str
    commit: str
    index_file: str
    objects: str
    shallow: str
    exclude: str
    settings: Mapping[str, str]


def find(git: Git) -> Repository:
    """
    Return the repository around the folder of ``git``.

    Raises:
        NotRecorded: there is none, it has no commit or no working tree, or git is missing.
    """
    asked = ("index", "objects", "shallow", "info/exclude")
    words = [word for each in asked for word in ("--git-path", each)]
    root, *paths = git.ask("rev-parse", "--show-toplevel", *words).rstrip(b"\n").split(b"\n")
    commit = git.word("rev-parse", "--verify", "-q", "HEAD^{commit}")
    if not commit or len(paths) != len(asked):
        raise NotRecorded("the repository does not have any commits yet")
    here = git.folder or os.getcwd()
    index, objects, shallow, exclude = (
        os.path.abspath(os.path.join(here, os.fsdecode(each))) for each in paths
    )
    return Repository(os.fsdecode(root), commit, index, objects, shallow, exclude, _settings(git))


def _settings(git: Git) -> dict[str, str]:
    entries = git.ask("config", "--null", "--list").split(b"\0")
    pairs = (os.fsdecode(entry).partition("\n") for entry in entries if entry)
    return {key: value for key, _, value in pairs}


class Scratch(NamedTuple):
    """
    A scratch repository: git that reads there, git that writes there, and its folder.

    What only reads sees the user's objects. What writes does not: of an object that is there already git
    would renew the time. ``user-index`` in the folder is a copy of the user's index.
    """

    reads: Git
    writes: Git
    folder: str


@contextlib.contextmanager
def scratch(found: Repository, deadline: float) -> Iterator[Scratch]:
    """Make a scratch repository for the length of a ``with``."""
    folder = tempfile.mkdtemp(prefix="lab-workbook-source-")
    try:
        _fill(folder, found)
        nobody = {"HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull}
        none = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
        where = {"GIT_DIR": folder, "GIT_WORK_TREE": found.root, "GIT_CONFIG_PARAMETERS": ""}
        alone = {**nobody, **none, **where}
        # Quoted as in C, for a path with a colon in it.
        beside = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(found.objects)}
        yield Scratch(Git(deadline, found.root, alone | beside), Git(deadline, found.root, alone), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: str, found: Repository) -> None:
    os.mkdir(os.path.join(folder, "objects"))
    os.makedirs(os.path.join(folder, "info"))
    os.mkdir(os.path.join(folder, "refs"))
    _write(folder, "HEAD", f"{found.commit}\n")
    _write(folder, "config", _config(found))
    # How people like to see a file's changes is not how a patch has to hold them.
    _write(folder, "info/attributes", "* !diff\n")
    with contextlib.suppress(OSError):
        shutil.copyfile(found.exclude, os.path.join(folder, "info", "exclude"))
    with contextlib.suppress(OSError):
        shutil.copyfile(found.shallow, os.path.join(folder, "shallow"))
    with contextlib.suppress(FileNotFoundError):
        # With its time, by which git knows which of its entries may be older than the files.
        shutil.copy2(found.index_file, os.path.join(folder, "user-index"))
        _copy_shared(os.path.dirname(found.index_file), folder)


def _copy_shared(source: str, folder: str) -> None:
    """Copy what a split index leans on."""
    for name in os.listdir(source):
        if name.startswith("sharedindex."):
            shutil.copy2(os.path.join(source, name), os.path.join(folder, name))


def keep(folder: str, blob: str, data: bytes) -> None:
    """Put a content among the objects of a scratch repository."""
    place = os.path.join(folder, "objects", blob[:2])
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, blob[2:]), "wb") as file:
        file.write(zlib.compress(b"blob %d\0" % len(data) + data, 1))


def _config(found: Repository) -> str:
    lines = ["[core]", "\tbare = false", "\tautocrlf = false", "\tsafecrlf = false"]
    for name in _OF_THE_DISK:
        value = found.settings.get(f"core.{name}")
        if value is not None:
            lines.append(f"\t{name} = {_quoted(value)}")
    lines.append(f"\texcludesFile = {_quoted(_ignored(found))}")
    # An id of 64 digits is a SHA-256.
    version = 1 if len(found.commit) == 64 else 0
    lines.append(f"\trepositoryformatversion = {version}")
    if version:
        lines += ["[extensions]", "\tobjectFormat = sha256"]
    return "\n".join(lines) + "\n"


def _ignored(found: Repository) -> str:
    """Return the file that says what the user wants ignored everywhere."""
    given = found.settings.get("core.excludesfile")
    if given is None:
        home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        given = os.path.join(home, "git", "ignore")
    return os.path.join(found.root, os.path.expanduser(given))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(os.fsencode(text))
