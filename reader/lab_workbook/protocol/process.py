"""
Who wrote an experiment, and is it still there?

A process id alone is used again; with its start time and the boot of its machine it is unique. Only
the same pid namespace of the same boot can be asked; elsewhere the answer is "cannot know".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def identity() -> dict[str, Any]:
    """
    Return what begin.json says about this process; what the system does not tell is left out.

    >>> identity()
    {'host': 'gpu7', 'pid': 4711, 'pidStarted': '51234', 'bootId': '9b1c…', 'pidNamespace': 'pid:[402…]'}

    ``pidStarted`` is in clock ticks since the boot: proc(5), field 22 of ``/proc/PID/stat``.
    """
    pid = os.getpid()
    known = {
        "host": os.uname().nodename,
        "pid": pid,
        "pidStarted": _started(pid),
        "bootId": _first_line("/proc/sys/kernel/random/boot_id"),
        "pidNamespace": _namespace(),
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def is_alive(process: Mapping[str, Any]) -> bool | None:
    """Say whether the process of a begin.json runs; None where that cannot be known from here."""
    pid, started = process.get("pid"), process.get("pidStarted")
    if type(pid) is not int or not isinstance(started, str) or not _is_here(process):
        return None
    return _started(pid) == started


def exists(pid: object) -> bool:
    """Say whether a process of this machine runs, whoever it is now; a zombie does not."""
    if type(pid) is not int or pid <= 0:
        return False
    if os.path.exists("/proc/self/stat"):
        return _started(pid) is not None
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError) as error:
        return isinstance(error, PermissionError)
    return True


def _is_here(process: Mapping[str, Any]) -> bool:
    here = {
        "bootId": _first_line("/proc/sys/kernel/random/boot_id"),
        "pidNamespace": _namespace(),
    }
    return all(value and process.get(key) == value for key, value in here.items())


def _started(pid: int) -> str | None:
    line = _first_line(f"/proc/{pid}/stat")
    # The second field is the program's name in parentheses, which may hold spaces and parentheses.
    fields = line.rpartition(")")[2].split()
    # A zombie has ended, whatever its parent is doing.
    return None if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
