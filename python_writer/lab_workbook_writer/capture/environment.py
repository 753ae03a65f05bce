"""
What a script runs in: interpreter, packages, machine, command and variables, for ``environment.json``.

>>> capture().document["cpu"]
{'model': 'AMD EPYC 7742', 'logical': 128, 'usable': 16}

Each part is asked for by itself, and one that cannot be told is left out: the list under ``missing`` says
why. Nothing is imported for it that the script has not imported, and nothing waits for longer than seconds.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec, documents
from lab_workbook.protocol.redaction import redacted_beginning, redacted_text, redactions

from lab_workbook_writer.capture import hardware
from lab_workbook_writer.capture.command import redacted_command

# Thousands of packages on a network file system that is slow must not hold up the training.
_PACKAGES_SECONDS: Final = 10.0


class Captured(NamedTuple):
    """What was found, and the names of the variables whose values were cut."""

    document: dict[str, Any]
    secrets: list[str]


def capture() -> Captured:
    """Return what this process runs in; it never raises for anything that it finds."""
    secrets: list[str] = []

    def variables() -> dict[str, str]:
        found, names = redactions(_variables())
        secrets.extend(names)
        return dict(found)

    parts: dict[str, Callable[[], Any]] = {
        "language": _language,
        "packages": _packages,
        "host": lambda: os.uname().nodename,
        "os": _os,
        "cpu": hardware.cpu,
        "memory": hardware.memory,
        "gpus": hardware.gpus,
        "cuda": _cuda,
        "command": redacted_command,
        "workingDirectory": lambda: redacted_text(os.getcwd())[0],
        "variables": variables,
    }
    document: dict[str, Any] = {"captured": documents.now()}
    missing: list[str] = []
    for name, ask in parts.items():
        answer = _told(_answer(name, ask, missing))
        if answer is not None:
            document[name] = answer
    return Captured({**document, **({"missing": missing} if missing else {})}, secrets)


def _answer(name: str, ask: Callable[[], Any], missing: list[str]) -> Any:
    try:
        return ask()
    except Exception as problem:  # noqa: BLE001 - whatever a machine answers, training goes on
        missing.append(redacted_beginning(f"{name}: {problem}", 300)[0])
        return None


def _told(answer: Any) -> Any:
    """Return an answer without what is not known."""
    if isinstance(answer, dict):
        known = {key: value for key, value in answer.items() if value not in (None, "")}
        return known or None
    return answer


def _language() -> dict[str, Any]:
    return {
        "name": "Python",
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
    }


def _packages() -> dict[str, str]:
    # Late, because no script pays for it that does not ask.
    from importlib import metadata

    found: dict[str, str] = {}
    deadline = time.monotonic() + _PACKAGES_SECONDS
    for distribution in metadata.distributions():
        if time.monotonic() > deadline:
            raise TimeoutError(f"listing them took more than {_PACKAGES_SECONDS:.0f} s")
        # A folder that is half removed has no name; of two with one name, Python imports the first.
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(name, distribution.version)
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _os() -> dict[str, Any]:
    try:
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        # A mac, or a container made from nothing.
        distribution = None
    system = os.uname()
    return {
        "name": system.sysname,
        "release": system.release,
        "machine": system.machine,
        "distribution": distribution,
    }


def _cuda() -> dict[str, Any] | None:
    # Only the caller's own torch, where it has been imported: importing it takes seconds.
    version = getattr(sys.modules.get("torch"), "version", None)
    if version is None:
        return None
    return {"torch": getattr(version, "cuda", None), "hip": getattr(version, "hip", None)}


def _variables() -> dict[str, str]:
    from fnmatch import fnmatchcase

    names = sorted(os.environ)
    return {
        name: os.environ[name]
        for name in names
        if any(fnmatchcase(name, pattern) for pattern in _spec.ENVIRONMENT_VARIABLES)
    }
