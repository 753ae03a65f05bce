"""
File systems: which one holds a path, and whether one kernel alone can mount it.

>>> identify("/home/ann")
'ext4 fd63bcf98f2054df'

A writer stores this text in its spool. Whoever finds the same text later, on a file system of one
kernel, knows that no other kernel writes there any more.
"""

from __future__ import annotations

import os
import re
from typing import Final

from lab_workbook.protocol import _spec

_MOUNTS: Final = "/proc/self/mountinfo"
_WORD: Final = (1 << 32) - 1
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def identify(path: str) -> str:
    """
    Return the type and the id of the file system that holds a path; empty where it has no id.

    The id is what ``stat -f -c %i`` prints, which is all that Lua can find out.
    """
    try:
        path = os.path.realpath(path)
        number = os.statvfs(path).f_fsid
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            kind = _kind(path, mounts.read())
    except OSError:
        return ""
    # The C library and `stat` join the same two words in opposite order.
    return f"{kind} {(number & _WORD) << 32 | number >> 32:x}" if kind and number else ""


def has_one_kernel(identity: str) -> bool:
    """Say whether a file system can be mounted by one kernel at a time: `identify` returned its text."""
    return identity.partition(" ")[0] in _spec.SPOOL_LOCAL_FILE_SYSTEMS


def _kind(path: str, mounts: str) -> str:
    """Return the type of the mount that a path is in, of the lines of proc(5), ``/proc/PID/mountinfo``."""
    longest, kind = -1, ""
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        fields = place.split(" ")
        if len(fields) < 6:
            continue
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4])
        # Of several mounts on one folder the last one is seen.
        if len(point) >= longest and _is_below(path, point):
            longest, kind = len(point), source.split(" ")[0]
    return kind


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")
