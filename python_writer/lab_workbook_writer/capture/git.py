"""
The state of the source, as git knows it: which commit, and what differs from it.

The patch must apply on any machine, so its form is fixed here: whatever the user's configuration says
about colours, prefixes, context lines or external tools does not reach it.
"""

from __future__ import annotations

import os
import subprocess
from typing import Final

# Each flag answers a setting that was seen to give a patch that does not apply, or another log.
_LOG: Final = (
    *(
        "log",
        "-n",
        "1",
        "--no-abbrev-commit",
        "--format=medium",
        "--date=default",
        "--no-color",
        "--no-decorate",
        "--no-notes",
    ),
    *("--no-show-signature", "--no-patch", "HEAD"),
)
_DIFF: Final = (
    *("diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0", "--no-relative"),
    *("--submodule=short", "--no-indent-heuristic", "HEAD"),
)

# A repository on a network file system that hangs must not hang the training.
_TIMEOUT_SECONDS: Final = 60

# What may be said from outside: where git itself lies, and which repositories may be trusted. All other
# GIT_* variables (a hook sets GIT_DIR and GIT_INDEX_FILE) speak of some other repository or form.
_KEPT: Final = ("GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_")


class NotRecorded(Exception):
    """There is nothing to record; the message says why."""


def write_commit(path: str) -> None:
    """
    Write what ``git log -n 1`` says.

    Raises:
        NotRecorded: this is no repository, it has no commit, or git is missing.
    """
    _write(path, _LOG)


def write_patch(path: str) -> None:
    """
    Write what differs from the commit in tracked files, binary ones too; nothing if nothing does.

    Raises:
        NotRecorded: as `write_commit`.
    """
    _write(path, _DIFF)


def _write(path: str, arguments: tuple[str, ...]) -> None:
    with open(path, "xb") as file:
        try:
            done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
                ["git", "--no-pager", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607 - the user's git
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                env=_environment(),
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise NotRecorded("git is not installed, so nothing is recorded") from None
        except subprocess.TimeoutExpired:
            raise NotRecorded(f"git took more than {_TIMEOUT_SECONDS} s and was ended") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise NotRecorded(f"nothing is recorded: {said or f'git ended with {done.returncode}'}")


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    # Another git may work in the same repository: take no locks; and speak one language.
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
