"""What git says of the source, whatever the user has configured."""

from __future__ import annotations

import subprocess

# Each of these could be set so that `git apply` cannot read the patch, or people the commit.
_LOG = [
    "log",
    "-n",
    "1",
    "--no-color",
    "--no-abbrev-commit",
    "--no-decorate",
    "--no-show-signature",
    "--pretty=medium",
    "--date=default",
]
_DIFF = [
    *("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--binary", "--unified=3"),
    *("--submodule=short", "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/", "HEAD"),
]


class NothingToTell(Exception):
    """There is no repository, no commit, or no git."""


def status() -> dict[str, bytes]:
    """Return the commit that runs, and what has been changed since, by their kinds."""
    return {"git_commit": asked(log()), "git_patch": asked(diff())}


def log() -> list[str]:
    """Return the question for the commit."""
    return list(_LOG)


def diff() -> list[str]:
    """Return the question for the changes."""
    return list(_DIFF)


def asked(question: list[str]) -> bytes:
    """Return what git answers."""
    try:
        said = subprocess.run(["git", *question], capture_output=True, check=False)  # noqa: S603, S607 - fixed words
    except OSError as error:
        raise NothingToTell(str(error)) from error
    if said.returncode:
        raise NothingToTell(said.stderr.decode("utf-8", "replace"))
    return said.stdout
