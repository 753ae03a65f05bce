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

# The fields 3, 20, 22 and 28 of proc(5), /proc/PID/stat, counted from behind the name of the program.
_STATE: Final = 0
_THREADS: Final = 17
_STARTED: Final = 19
_STACK: Final = 25


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
    """
    Return whether a process of our namespace runs, whichever it is now; a zombie does not.

    Where /proc does not show that, the zombies of other parents count as running.
    """
    if type(pid) is not int or pid <= 0:
        return False
    fields = _fields(_stat(pid)) if _has_own_proc() else []
    return not _has_ended(fields) if fields else not (_is_free(pid) or _is_our_zombie(pid))


def sees_all() -> bool:
    """Say whether every process of this machine can be seen from here."""
    return _namespace() == _FIRST_NAMESPACE


def _is_this_boot(process: Mapping[str, Any]) -> bool:
    return bool(_boot() and _namespace()) and process.get("bootId") == _boot()


def _boot() -> str:
    return _contents("/proc/sys/kernel/random/boot_id").strip()


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
    except (FileNotFoundError, ProcessLookupError):
        return True
    except OSError:
        return _is_outside_by_status(pid)


def _is_outside_by_status(pid: str) -> bool:
    """Return that for a process that we may not ask: another user's, or one with more rights than we have."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            # One number for each namespace that it is in, from the outermost inwards.
            return any(line.startswith(b"NSpid:") and len(line.split()) == 2 for line in file)
    except OSError:
        return not os.path.exists(f"/proc/{pid}")


def _runs(pid: int, started: str, image: object) -> bool | None:
    """Return whether a process of this namespace runs the same program; None where it is hidden from us."""
    # Read once: a process that lives may be unreadable a moment later, when no descriptor is free.
    fields = _fields(_stat(pid))
    if fields:
        is_same = not _has_ended(fields) and fields[_STARTED] == started
        return is_same and (image is None or _image(pid) in (image, None))
    return False if _is_free(pid) else None


def _is_free(pid: int) -> bool:
    """Return whether the kernel knows no process of this id in our namespace."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        pass
    return False


def _is_our_zombie(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except OSError:
        return False


def _started(pid: int) -> str | None:
    fields = _fields(_stat(pid))
    return fields[_STARTED] if fields else None


def _has_ended(fields: list[str]) -> bool:
    """Return whether all threads of a process have ended; the first one may end before the others."""
    return fields[_STATE] in ("Z", "X") and fields[_THREADS] in ("0", "1")


def _stat(pid: int) -> str:
    return _contents(f"/proc/{pid}/stat")


def _fields(stat: str) -> list[str]:
    """Return the fields behind the name in the contents of ``/proc/PID/stat``; none if some are missing."""
    # The second field is the name in parentheses; it may contain spaces, parentheses and line feeds.
    fields = stat.rpartition(")")[2].split()
    return fields if len(fields) > _STARTED else []


def image_of(stat: str) -> str | None:
    """
    Return which program a process runs, from the contents of its ``/proc/PID/task/PID/stat``.

    It is a remainder of the address of the stack, which is chosen at random with each exec. The address
    itself would help those who attack the program. None where the system does not show it.
    """
    fields = _fields(stat)
    address = int(fields[_STACK]) if len(fields) > _STACK else 0
    return str(address % _spec.BEGIN_IMAGE_DIVISOR) if address else None


def _image(pid: int) -> str | None:
    # That of the thread: emulators of other processors show addresses of their own in /proc/self/stat.
    return image_of(_contents(f"/proc/{pid}/task/{pid}/stat"))


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _contents(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
