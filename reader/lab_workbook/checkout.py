"""
The source as it ran: the commit that an experiment names, and what had been changed since.

>>> repository["201602122149-PMJ8a76csB"].checkout("as-it-ran")
Checkout(directory='/home/me/as-it-ran', commit='5f2c…', changed=('train.py',))

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
import subprocess
from collections.abc import Iterator
from typing import Final, NamedTuple

from lab_workbook.errors import NotRestorable

# A 1.0 log may be coloured, may be on one line, and may begin with what gpg said of the signature.
_COMMIT: Final = re.compile(rb"^(?:commit )?([0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])", re.MULTILINE)
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*m")

# Each of these would start a program, or reach for more than was asked; some only in a git newer than 2.39.
_QUIET: Final = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"),
    *("-c", "fetch.recurseSubmodules=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
# A name that is `.git` on some file system is refused on all of them.
_STRICT: Final = (
    *("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"),
    *("-c", f"core.attributesFile={os.devnull}"),
)
# How to reach a server is the user's to say; which repository is meant is ours.
_KEPT: Final = ("GIT_EXEC_PATH", "GIT_CONFIG_", "GIT_SSH", "GIT_SSL_", "GIT_ASKPASS", "GIT_PROXY_")

_NAME_ANOTHER: Final = (
    "Name one that has it, by its path or URL: checkout(…, repository=…), or --repository in a terminal"
)


class Checkout(NamedTuple):
    """
    What was put back, and where.

    ``changed`` are the files that differ from ``commit``, as they did when the experiment ran.
    """

    directory: str
    commit: str
    changed: tuple[str, ...]


def restore(
    log: bytes,
    patch: bytes,
    directory: str | os.PathLike[str],
    *,
    repository: str | os.PathLike[str] | None = None,
) -> Checkout:
    """
    Put a commit and a patch into a new folder, as a git repository of its own; all of it or nothing.

    ``log`` names the commit, ``repository`` is where to get it: a path or a URL, and without one the
    repository of the working directory.

    Raises:
        NotRestorable: the folder is in use, the commit is not to be had, or the patch does not fit.
    """
    commit = _commit(log)
    source = _here(commit) if repository is None else _source(os.fspath(repository))
    place = os.path.abspath(directory)
    with _claimed(place):
        tree = _Tree(place)
        tree.start(commit, source)
        tree.apply(patch)
        return Checkout(place, commit, tree.write())


class _Tree:
    """The repository that is being made."""

    def __init__(self, place: str) -> None:
        self._place = place
        # Named outright, so that git looks for no other repository.
        self._where = {"GIT_DIR": os.path.join(place, ".git"), "GIT_WORK_TREE": place}

    def start(self, commit: str, source: str) -> None:
        """Get the commit, without its history."""
        form = "sha256" if len(commit) == 64 else "sha1"
        self._git("init", "-q", "--template=", f"--object-format={form}")
        # Left there for whoever wants the history: `git fetch --unshallow`.
        self._git("config", "remote.origin.url", source)
        self._git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        # The only command that sees the user's settings, because it may have to log in somewhere.
        fetched = _run(
            *("fetch", "-q", "--depth=1", "--no-tags", "--no-write-fetch-head", "origin", commit),
            environment=_users() | self._where,
            cwd=self._place,
        )
        if fetched.returncode != 0:
            raise NotRestorable(f"{source} does not give commit {commit}: {_said(fetched)}. {_NAME_ANOTHER}")
        self._git("update-ref", "--no-deref", "HEAD", commit)
        self._git("read-tree", commit)

    def apply(self, patch: bytes) -> None:
        """Change the index as the patch says."""
        if not patch.strip():
            return
        done = self._run("apply", "--cached", "--whitespace=nowarn", "-", given=patch)
        if done.returncode != 0:
            raise NotRestorable(
                f"the patch does not fit its commit, so nothing was written: {_said(done)}. The commit alone"
                " you get by checkout(…, patch=False), or --no-patch in a terminal"
            )

    def write(self) -> tuple[str, ...]:
        """Write the files, and return which of them the patch has changed."""
        self._git("checkout-index", "--all", "--index")
        names = self._git("diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD")
        return tuple(os.fsdecode(name) for name in names.split(b"\0")[:-1])

    def _git(self, *arguments: str) -> bytes:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise NotRestorable(f"git {arguments[0]} failed in {self._place}: {_said(done)}")
        return done.stdout

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return _run(*_STRICT, *arguments, environment=_nobodys() | self._where, cwd=self._place, given=given)


def _commit(log: bytes) -> str:
    """Return the id in the text of ``git log -n 1``, or in any other that begins with one."""
    found = _COMMIT.search(_COLOUR.sub(b"", log))
    if found is None:
        raise NotRestorable(
            "no commit was recorded: the script ran outside of a git repository, or before its first commit"
        )
    return found[1].decode()


def _here(commit: str) -> str:
    """Return the repository of the working directory, which has to have the commit."""
    found = _run("rev-parse", "--git-common-dir", environment=_users())
    if found.returncode != 0:
        raise NotRestorable(f"there is no git repository here to take commit {commit} from. {_NAME_ANOTHER}")
    source = os.path.abspath(os.fsdecode(found.stdout.rstrip(b"\n")))
    has = _run("cat-file", "-e", f"{commit}^{{commit}}", environment=_users())
    if has.returncode != 0:
        raise NotRestorable(
            f"{source} has no commit {commit}; `git fetch --all` may bring it. {_NAME_ANOTHER}"
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
        for name in os.listdir(place):
            path = os.path.join(place, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        if is_new:
            os.rmdir(place)
        raise


def _run(
    *arguments: str, environment: dict[str, str], cwd: str | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - a list of our own making, no shell
            ["git", "--no-pager", *_QUIET, *arguments],  # noqa: S607 - the user's git
            input=given,
            capture_output=True,
            cwd=cwd,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise NotRestorable("git is not installed, and only git can put source back: install it") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first thing that git complained of."""
    lines = done.stderr.decode(errors="replace").strip().split("\n")
    worst = next((line for line in lines if line.startswith(("error: ", "fatal: "))), lines[0])
    return worst.partition(": ")[2] or worst or f"git ended with {done.returncode}"


def _users() -> dict[str, str]:
    """Return the user's environment, without what would mean another repository."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    # Nobody sees a question of git's in a notebook.
    return kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _nobodys() -> dict[str, str]:
    """Return an environment in which git finds no settings of anyone."""
    kept = {name: value for name, value in _users().items() if not name.startswith("GIT_")}
    if "GIT_EXEC_PATH" in os.environ:
        kept["GIT_EXEC_PATH"] = os.environ["GIT_EXEC_PATH"]
    homes = {"HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull}
    return kept | homes | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
