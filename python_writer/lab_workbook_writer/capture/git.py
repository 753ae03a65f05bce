r"""
git, asked by a script that must neither wait for it for long nor be harmed by it.

>>> git = Git(deadline=time.monotonic() + 60)
>>> git.ask("rev-parse", "HEAD")
b'5f2c…\n'

Nothing that git is told here can write into the user's repository, and no lock is taken there: another
git may be at work in it. What a hook or a settings file has to say about form does not reach the answers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Final

from lab_workbook.protocol.children import kept_exit_statuses

# Each of these would start a program of the user's, or write into the repository.
_QUIET: Final = (
    *("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false", "-c", "core.splitIndex=false", "-c", "core.untrackedCache=false"),
)

# What may be said from outside: where git itself lies, and which repositories may be trusted. All other
# GIT_* variables (a hook sets GIT_DIR and GIT_INDEX_FILE) speak of some other repository or form.
_KEPT: Final = ("GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_")

# How long to wait for one that was killed: inside of a network file system that hangs it never ends.
_LAST_SECONDS: Final = 1.0


class NotRecorded(Exception):
    """There is nothing to record; the message says why."""


class TooSlow(NotRecorded):
    """git has not answered in the time there is."""


class GitFailed(NotRecorded):
    """git has said no; the message is what it said."""


class Git:
    """
    git in one folder, which has until a deadline on the monotonic clock for all that it is asked.

    ``where`` are the variables that name another repository than the one around the folder.
    """

    def __init__(
        self, deadline: float, folder: str | None = None, where: Mapping[str, str] | None = None
    ) -> None:
        self.deadline = deadline
        self.folder = folder
        self.where = dict(where or {})
        self._environment = environment() | self.where

    def ask(self, *arguments: str, given: bytes = b"", seconds: float | None = None) -> bytes:
        """
        Return what git answers; with ``seconds`` it has no longer than that.

        Raises:
            GitFailed: it ended with another code than 0.
            TooSlow: it took too long, and was ended.
            NotRecorded: there is no git, or its exit status cannot be known.
            OSError: no process can be started now.
        """
        left = self.deadline - time.monotonic()
        allowed = left if seconds is None else min(left, seconds)
        with kept_exit_statuses() as are_kept:
            if not are_kept:
                raise NotRecorded("whether git succeeds cannot be known in a thread while SIGCHLD is ignored")
            answer, complaint, code = _run(arguments, self._environment, self.folder, given, allowed)
        if code != 0:
            said = complaint.decode(errors="replace").strip().partition("\n")[0]
            raise GitFailed(said or f"git {arguments[0]} ended with {code}")
        return answer

    def word(self, *arguments: str) -> str:
        """Return an answer of one line, or an empty text where git says no."""
        try:
            return os.fsdecode(self.ask(*arguments)).rstrip("\n")
        except GitFailed:
            return ""


def environment() -> dict[str, str]:
    """Return this process's environment, without what would mean another repository, form or network."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    # It takes no locks, asks nobody for a password, fetches nothing, and speaks one language.
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return {**kept, **ours}


def _run(
    arguments: tuple[str, ...], variables: dict[str, str], folder: str | None, given: bytes, seconds: float
) -> tuple[bytes, bytes, int]:
    if seconds <= 0:
        raise TooSlow("git took too long: there was no time left")
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
            ["git", "--no-pager", *_QUIET, *arguments],  # noqa: S607 - the user's git
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=variables,
            # In a session of its own, so that what it starts is ended with it, and Ctrl-C is the script's.
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if not os.path.isdir(folder or "."):
            raise NotRecorded(f"the working directory is gone: {error}") from None
        raise NotRecorded("git is not installed, or may not be executed") from None
    try:
        answer, complaint = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        raise TooSlow(f"git {arguments[0]} took more than {seconds:.0f} s and was ended") from None
    except BaseException:
        _end(process)
        raise
    return answer, complaint, process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_LAST_SECONDS)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
