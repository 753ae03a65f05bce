"""
Who wrote an experiment, and is it still there?

A process id alone is used again; with its start time and the boot of its machine it is unique. A process that
replaces its program by exec keeps both, so the program is recognized, too. Only the same pid namespace of
the same boot can be asked. Of a namespace below it, a container, the first namespace of a machine can at
least say that nothing in it runs any more; elsewhere the answer is "cannot know", and so it is where /proc
shows another namespace, or hides the processes of other users.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from lab_workbook.protocol import _spec

# PROC_PID_INIT_INO of the Linux kernel: here every process of the machine can be seen.
_FIRST_NAMESPACE: Final = "pid:[4026531836]"


def identity() -> dict[str, Any]:
    """
    Return what begin.json says about this process; what the system does not tell is left out.

    >>> identity()
    {'host': 'gpu7', 'pid': 4711, 'pidStarted': '51234', 'pidImage': '5017', 'bootId': '9b1c…', …}

    ``pidStarted`` is in clock ticks since the boot: proc(5), field 22 of ``/proc/PID/stat``. ``pidImage`` is
    another one after exec, as far as the system shows it.
    """
    pid = os.getpid()
    known = {
        "host": os.uname().nodename,
        "pid": pid,
        # Where /proc is that of another namespace, this number is another process there.
        **({"pidStarted": _started(pid), "pidImage": _image(pid)} if _has_own_proc() else {}),
        "bootId": _boot(),
        "pidNamespace": _namespace(),
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def is_alive(process: Mapping[str, Any]) -> bool | None:
    """Say whether the process of a begin.json runs; None where that cannot be known from here."""
    pid, started = process.get("pid"), process.get("pidStarted")
    if type(pid) is not int or pid <= 0 or not isinstance(started, str) or not _is_this_boot(process):
        return None
    if not _has_own_proc():
        return None
    if process.get("pidNamespace") == _namespace():
        return _runs(pid, started, process.get("pidImage"))
    return False if _is_empty(process.get("pidNamespace")) else None


def is_of_another_boot(process: Mapping[str, Any]) -> bool:
    """
    Say whether the process of a begin.json ran under another boot of a kernel than this process does.

    LXC and systemd-nspawn give each container a boot id of its own. So this is known only where both
    processes are in the first namespace of a kernel, outside of all containers.
    """
    before = process.get("bootId")
    is_outside = process.get("pidNamespace") == _FIRST_NAMESPACE and sees_all()
    return is_outside and isinstance(before, str) and bool(before) and before != _boot()


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


def sees_all() -> bool:
    """Say whether every process of this machine can be seen from here."""
    return _namespace() == _FIRST_NAMESPACE


def _is_this_boot(process: Mapping[str, Any]) -> bool:
    return bool(_boot() and _namespace()) and process.get("bootId") == _boot()


def _boot() -> str:
    return _first_line("/proc/sys/kernel/random/boot_id")


def _has_own_proc() -> bool:
    """Say whether /proc shows the namespace that this process is in."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def _is_empty(namespace: object) -> bool:
    """Say whether no process runs in a namespace, as far as all can be seen from here."""
    # With the mount option hidepid the first process cannot be seen either.
    if not isinstance(namespace, str) or not sees_all() or not os.path.exists("/proc/1/stat"):
        return False
    try:
        return all(_is_outside(pid, namespace) for pid in filter(str.isdigit, os.listdir("/proc")))
    except OSError:
        return False


def _is_outside(pid: str, namespace: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") != namespace
    except PermissionError:
        return _is_outside_by_status(pid)
    except OSError:
        return True


def _is_outside_by_status(pid: str) -> bool:
    """Say so of a process that we may not ask: another user's, or one with more rights than we have."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            # One number for each namespace that it is in, from the outermost inwards.
            return any(line.startswith(b"NSpid:") and len(line.split()) == 2 for line in file)
    except OSError:
        return not os.path.exists(f"/proc/{pid}")


def _runs(pid: int, started: str, image: object) -> bool | None:
    """Say whether a process of this namespace runs the same program; None where it is hidden from us."""
    if _first_line(f"/proc/{pid}/stat"):
        return _started(pid) == started and (image is None or _image(pid) in (image, None))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return None


def _started(pid: int) -> str | None:
    line = _first_line(f"/proc/{pid}/stat")
    # The second field is the program's name in parentheses, which may hold spaces and parentheses.
    fields = line.rpartition(")")[2].split()
    # A zombie has ended, whatever its parent is doing.
    return None if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]


def image_of(stat: str) -> str | None:
    """
    Return which program a process runs, from its line of ``/proc/PID/task/PID/stat``.

    It is a remainder of the address of the stack, which is chosen at random with each exec. The address
    itself would help those who attack the program. None where the system does not show it.
    """
    fields = stat.rpartition(")")[2].split()
    # Field 28 of proc(5), and two are before the ones counted here.
    address = int(fields[25]) if len(fields) > 25 else 0
    return str(address % _spec.BEGIN_IMAGE_DIVISOR) if address else None


def _image(pid: int) -> str | None:
    # That of the thread: emulators of other processors show addresses of their own in /proc/self/stat.
    return image_of(_first_line(f"/proc/{pid}/task/{pid}/stat"))


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
