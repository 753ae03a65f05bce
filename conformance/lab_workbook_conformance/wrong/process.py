"""Which process this is, in words that nobody else will ever have, and whether it still lives."""

from __future__ import annotations

import os
import socket
from typing import Any


def identity() -> dict[str, Any]:
    """Return what begin.json says of the process that writes it."""
    return {"host": socket.gethostname(), "pid": os.getpid(), **_machine(), **_started(os.getpid())}


def is_alive(begin: dict[str, Any]) -> bool | None:
    """Say whether the process of a begin.json lives; None: from here nobody can tell."""
    machine = _machine()
    if not machine or any(begin.get(key) != value for key, value in machine.items()):
        return None
    started = begin.get("pidStarted")
    return None if started is None else _started(begin.get("pid", 0)).get("pidStarted") == started


def _machine() -> dict[str, str]:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return {"bootId": file.read().strip(), "pidNamespace": os.readlink("/proc/self/ns/pid")}
    except OSError:
        # Only Linux tells; elsewhere the status is `open`.
        return {}


def _started(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The second field is the program's name, in parentheses, and may hold anything.
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return {}
    # A zombie has ended, and waits to be asked how.
    return {} if fields[0] == "Z" else {"pidStarted": fields[19]}
