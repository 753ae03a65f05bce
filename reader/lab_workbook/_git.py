"""git, asked to put source back: it starts no program of the user's, and none of the saved source."""

from __future__ import annotations

import os
import subprocess
from typing import Final

from lab_workbook.errors import NotRestorable
from lab_workbook.protocol.children import kept_exit_statuses

# Each of these would start a program, or reach for more than was asked; some only in a git newer than 2.39.
_QUIET: Final = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"),
    *("-c", "fetch.recurseSubmodules=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
# A name that is `.git` on some file system is refused on all of them.
STRICT: Final = (
    *("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"),
    *("-c", f"core.attributesFile={os.devnull}"),
)
# How to reach a server is the user's to say; which repository is meant is ours.
_KEPT: Final = ("GIT_EXEC_PATH", "GIT_CONFIG_", "GIT_SSH", "GIT_SSL_", "GIT_ASKPASS", "GIT_PROXY_")

_NO_STATUS: Final = (
    "whether git succeeds cannot be known in a thread while SIGCHLD is ignored:"
    " call checkout() in the main thread"
)


def run(
    *arguments: str, environment: dict[str, str], cwd: str | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        with kept_exit_statuses() as are_kept:
            if not are_kept:
                raise NotRestorable(_NO_STATUS)
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


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first thing that git complained of."""
    lines = done.stderr.decode(errors="replace").strip().split("\n")
    worst = next((line for line in lines if line.startswith(("error: ", "fatal: "))), lines[0])
    return worst.partition(": ")[2] or worst or f"git ended with {done.returncode}"


def users() -> dict[str, str]:
    """Return the user's environment, without what would mean another repository."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    # Nobody sees a question of git's in a notebook.
    return kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def nobodys() -> dict[str, str]:
    """Return an environment in which git finds no settings of anyone."""
    kept = {name: value for name, value in users().items() if not name.startswith("GIT_")}
    if "GIT_EXEC_PATH" in os.environ:
        kept["GIT_EXEC_PATH"] = os.environ["GIT_EXEC_PATH"]
    homes = {"HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull}
    return kept | homes | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
