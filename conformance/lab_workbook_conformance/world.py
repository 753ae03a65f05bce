"""
The world that an adapter finds: where it is, what time zone and language it has, and nothing of ours.

A writer that asks the clock for local time, or the system how to print a number, gives itself away here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache

from lab_workbook_conformance.constants import SPEC

# East of Greenwich by a quarter of an hour as well, so that no time of it looks like UTC.
_TIME_ZONE = "Asia/Kathmandu"
# Languages that write 0,5.
_COMMA = ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "ru_RU", "cs_CZ", "da_DK", "sv_SE")
# What would lead a program out of this world, or tell it of another one.
_FORGOTTEN = (SPEC["config"]["environment_prefix"], "LC_", "LANG", "GIT_", "XDG_", "AWS_")


def environment(home: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what is set in the world of an adapter that lives in ``home``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FORGOTTEN)}
    language = {"LC_ALL": comma_locale()} if comma_locale() else {}
    # A file that is not there, so that the user's own credentials stay out of it.
    nowhere = os.path.join(home, ".aws-nothing")
    aws = {
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**kept, **language, **aws, "HOME": home, "TZ": _TIME_ZONE, **(more or {})}


@cache
def comma_locale() -> str:
    """Return a locale of this system that writes 0,5; nothing where it has none."""
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, check=False, text=True)  # noqa: S607 found by PATH
    except OSError:
        return ""
    is_utf8 = [name for name in listed.stdout.split() if name.lower().endswith(("utf8", "utf-8"))]
    return next((name for name in is_utf8 if name.startswith(_COMMA)), "")


def command_from(command: Sequence[str]) -> list[str]:
    """
    Return a command that means the same in every folder: the files that it names get their whole path.

    >>> command_from(["node", "adapter.js"])
    ['node', '/home/me/adapter.js']
    """
    program, *arguments = command
    if "/" in program:
        program = os.path.abspath(program)
    return [program, *(os.path.abspath(each) if os.path.isfile(each) else each for each in arguments)]
