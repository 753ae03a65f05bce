"""
Random repositories, and the states that people leave them in while they train.

`repositories` draws a `Repository`: what was committed, what of it has reached a remote, what was staged, and
what lies in the working tree; `build` makes it for real.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

# Settings of users, each of which would change a patch, or start something.
NOISE = (
    "",
    "[color]\n\tui = always\n[diff]\n\tnoprefix = true\n\texternal = false\n\tcontext = 0\n",
    "[diff]\n\tmnemonicPrefix = true\n\trenames = copies\n\talgorithm = patience\n\tsubmodule = log\n",
    "[core]\n\tautocrlf = true\n\tsafecrlf = true\n\teol = crlf\n\tquotePath = false\n\tpager = false\n",
    "[core]\n\tautocrlf = input\n\tfsmonitor = false\n\thooksPath = /nowhere\n\tsplitIndex = true\n",
    '[filter "lfs"]\n\tclean = false\n\tsmudge = false\n\tprocess = false\n\trequired = true\n',
    "[apply]\n\twhitespace = error\n\tignoreWhitespace = change\n[core]\n\twhitespace = cr-at-eol\n",
    "[status]\n\tshowUntrackedFiles = no\n[diff]\n\tignoreSubmodules = all\n\trelative = true\n",
    "[core]\n\tuntrackedCache = true\n\tabbrev = 4\n[index]\n\tversion = 4\n[feature]\n\tmanyFiles = true\n",
)


class File(NamedTuple):
    """A file, or with ``link`` a symbolic link to where its bytes say."""

    data: bytes
    is_program: bool = False
    is_link: bool = False


Files = dict[bytes, File]


class Module(NamedTuple):
    """A submodule: what was committed in it, what lies there now, and whether it has a commit of its own."""

    committed: Files
    now: Files
    is_ahead: bool


class Repository(NamedTuple):
    """A repository in some state; ``remote`` is ``all``, ``but one`` (commit), or ``none``."""

    committed: Files
    then: Files
    staged: Files
    now: Files
    remote: str
    is_detached: bool
    module: Module | None
    noise: str


_ODD = (
    *(b"train.py", b"a b.txt", b'quo"te', b"new\nline", b"caf\xe9", "größe.txt".encode(), b"tab\there"),
    *(b"-dash", b".hidden", b"back\\slash", b" lead", b"trail ", b"100%", b"#", b"a//b"[:1], b"diff --git a"),
)
_NAMES = st.sampled_from(_ODD) | st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..") and b"git" not in name.lower()
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(b"/".join)
_LINES = st.lists(
    st.sampled_from(
        [b"", b"x = 1", b"y\r", b"@@ -1 +1 @@", b"--- a/x", b"+++ b/x", b"caf\xe9", b"\\ No newline"]
    ),
    max_size=12,
)
_DATA = st.one_of(
    st.builds(lambda lines, end: b"\n".join(lines) + end, _LINES, st.sampled_from([b"", b"\n", b"\r\n"])),
    st.binary(max_size=60),
    st.binary(min_size=1, max_size=8).map(lambda data: b"\0" + data * 300),
)
_LINKS = st.sampled_from([b"train.py", b"..", b"/nowhere", b"a b.txt"]).map(lambda to: File(to, is_link=True))
_FILES = st.tuples(_DATA, st.booleans()).map(lambda drawn: File(drawn[0], is_program=drawn[1])) | _LINKS


def _fits(files: Files) -> Files:
    """Leave out what would have to lie below a file."""
    kept: Files = {}
    for path in sorted(files):
        parts = path.split(b"/")
        above = {b"/".join(parts[:length]) for length in range(1, len(parts))}
        if not above & kept.keys():
            kept[path] = files[path]
    return kept


def trees(min_size: int = 0) -> st.SearchStrategy[Files]:
    """Draw the files of a working tree."""
    return st.dictionaries(_PATHS, _FILES, min_size=min_size, max_size=6).map(_fits)


@st.composite
def _later(draw: st.DrawFn, files: Files) -> Files:
    """Draw what becomes of files: some change, some go, some come."""
    kept = {path: file for path, file in files.items() if draw(st.booleans())}
    changed = {path: draw(_FILES) for path in kept if draw(st.booleans())}
    return _fits({**kept, **changed, **draw(trees())})


@st.composite
def _modules(draw: st.DrawFn) -> Module:
    committed = draw(trees(1))
    return Module(committed, draw(_later(committed)), draw(st.booleans()))


@st.composite
def repositories(draw: st.DrawFn) -> Repository:
    """Draw a repository in some state."""
    committed = draw(trees(1))
    then = draw(_later(committed))
    staged = draw(_later(then))
    module = draw(st.none() | _modules())
    return Repository(
        committed,
        then,
        staged,
        draw(_later(staged)),
        draw(st.sampled_from(["all", "but one", "none"])),
        draw(st.booleans()),
        module,
        draw(st.sampled_from(NOISE)),
    )


def git(folder: Path, *arguments: str) -> bytes:
    """Run git as Ada, who has configured nothing."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, check=False, env={**clean, **alone}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(drawn: Repository, root: Path) -> Path:
    """Make a repository below a folder, its remote beside it; returns the working tree."""
    folder = root / "source"
    _start(folder, drawn.committed)
    if drawn.module is not None:
        _start(root / "library", drawn.module.committed)
        git(folder, "submodule", "--quiet", "add", "../library", "library")
        git(folder, "commit", "-q", "-m", "Library")
    if drawn.remote != "none":
        git(root, "clone", "-q", "--bare", str(folder), str(root / "remote.git"))
        git(folder, "remote", "add", "origin", "../remote.git")
    write(folder, drawn.then)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Then")
    if drawn.remote == "all":
        git(folder, "push", "-q", "origin", "HEAD:refs/heads/then")
    elif drawn.remote == "but one":
        git(folder, "fetch", "-q", "origin")
    if drawn.is_detached:
        git(folder, "checkout", "-q", "--detach")
    write(folder, drawn.staged)
    git(folder, "add", "-A")
    write(folder, drawn.now)
    if drawn.module is not None:
        write(folder / "library", drawn.module.now)
        if drawn.module.is_ahead:
            git(folder / "library", "add", "-A")
            git(folder / "library", "commit", "-q", "--allow-empty", "-m", "Ahead")
    with open(folder / ".git" / "config", "a", encoding="utf-8") as file:
        file.write(drawn.noise)
    return folder


def _start(folder: Path, files: Files) -> None:
    folder.mkdir()
    git(folder, "init", "-q")
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "First")


def write(folder: Path, files: Files) -> None:
    """Make a working tree have just these files, besides what is git's."""
    for entry in os.scandir(os.fsencode(folder)):
        if entry.name in (b".git", b".gitmodules", b"library"):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    for path, file in files.items():
        place = os.path.join(os.fsencode(folder), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if file.is_link:
            os.symlink(file.data, place)
            continue
        with open(place, "wb") as out:
            out.write(file.data)
        os.chmod(place, 0o755 if file.is_program else 0o644)


def tree(folder: Path) -> dict[bytes, tuple[bytes, str]]:
    """Return all files of a working tree, with what they are."""
    found = {}
    for place, folders, names in os.walk(os.fsencode(folder)):
        folders[:] = [name for name in folders if name != b".git"]
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*names, *links]:
            path = os.path.join(place, name)
            if name == b".git":
                continue
            if os.path.islink(path):
                found[os.path.relpath(path, os.fsencode(folder))] = (os.readlink(path), "link")
                continue
            with open(path, "rb") as file:
                is_program = os.stat(path).st_mode & stat.S_IXUSR
                found[os.path.relpath(path, os.fsencode(folder))] = (
                    file.read(),
                    "program" if is_program else "",
                )
    return found


def gits(folder: Path) -> dict[bytes, tuple[int, int, bytes]]:
    """Return all that is git's own in a repository: the mode, the time and the bytes of each file."""
    found = {}
    for place, folders, names in os.walk(os.path.join(os.fsencode(folder), b".git")):
        for name in [b".", *folders, *names]:
            path = os.path.join(place, name)
            facts = os.lstat(path)
            data = b""
            if stat.S_ISREG(facts.st_mode):
                with open(path, "rb") as file:
                    data = file.read()
            found[path] = (facts.st_mode, facts.st_mtime_ns, data)
    return found
