"""
Does the script of a spool live? The answers are yes, no with proof, and unknown.

A silent script whose uploader is dead runs no code, so that no file shows whether it is dead, stopped or
only slow. What the time of a file says is never a proof: who seals an experiment of a living script loses
the rows that it logs later.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping
from typing import Any

from lab_workbook.errors import InvalidName
from lab_workbook.protocol import file_systems, names, process


class Life(enum.Enum):
    """What is known of a script from here."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Script:
    """
    The process that records an experiment.

    ``begin`` is its begin.json, ``root`` its spool, and ``file_system`` what its writer stored of the file
    system that the spool is on.
    """

    def __init__(self, begin: Mapping[str, Any], root: str, file_system: str) -> None:
        self._begin = begin
        self._root = root
        self._file_system = file_system

    def __str__(self) -> str:
        return f"its script (process {self._begin.get('pid', '?')} on {self._begin.get('host', '?')})"

    def life(self) -> Life:
        """
        Return what is known of it.

        It is dead if the kernel that it ran on says so, or if that kernel is gone: the machine was started
        anew, and only one kernel at a time can mount the file system that holds the spool.
        """
        is_alive = process.is_alive(self._begin)
        if is_alive is not None:
            return Life.ALIVE if is_alive else Life.DEAD
        return Life.DEAD if self._is_of_a_kernel_that_is_gone() else Life.UNKNOWN

    def _is_of_a_kernel_that_is_gone(self) -> bool:
        # The writer's own view counts as well: a file server sees ext4 where its clients see NFS.
        if not process.is_of_another_boot(self._begin) or not file_systems.has_one_kernel(self._file_system):
            return False
        return file_systems.identify(self._root) == self._file_system


def has_ended(lines: Iterable[Mapping[str, Any]], root: str) -> bool:
    """
    Say whether a queue holds the last line of its script, and the spool all rows that were logged before.

    On a network file system that line may be seen before the rows are.
    """
    end = next((line for line in lines if line.get("verb") == "end"), None)
    sizes = end.get("sizes") if end is not None else None
    return isinstance(sizes, dict) and all(_has_bytes(root, name, size) for name, size in sizes.items())


def _has_bytes(root: str, name: str, size: object) -> bool:
    try:
        return isinstance(size, int) and os.stat(root + names.check(name)).st_size >= size
    except (OSError, InvalidName):
        return False
