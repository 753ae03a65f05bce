"""
What a script runs on: processors, memory and GPUs, and how much of them it may use.

>>> cpu()
{'model': 'AMD EPYC 7742', 'logical': 128, 'usable': 16, 'limit': 8.0}

A machine of 128 processors of which a container gets eight explains a slow run better than either number
alone. What the system does not tell is left out.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import Any, Final

from lab_workbook.protocol.children import kept_exit_statuses

# A driver that hangs must not hang the training.
_SMI_SECONDS: Final = 5
_SMI_FIELDS: Final = ("index", "name", "uuid", "memory.total", "driver_version")
# What version 1 of cgroups gives where there is no limit: the largest number of pages.
_NO_LIMIT: Final = 1 << 60


def cpu() -> dict[str, Any]:
    """Return the model, how many processors there are and may be used, and how many the cgroup allows."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {"model": _cpu_model(), "logical": os.cpu_count(), "usable": usable, "limit": _cpu_limit()}


def memory() -> dict[str, Any]:
    """Return the bytes of the machine, and those that the cgroup allows."""
    total = None
    with contextlib.suppress(OSError, ValueError):
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"bytes": total, "limit": _memory_limit()}


def gpus() -> list[dict[str, Any]]:
    """
    Return the GPUs that ``nvidia-smi`` tells of; none where there is no such command.

    Raises:
        OSError: it cannot be run, or says no.
        subprocess.TimeoutExpired: it hangs.
    """
    query = ["nvidia-smi", f"--query-gpu={','.join(_SMI_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        with kept_exit_statuses():
            done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
                query,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SMI_SECONDS,
                check=False,
            )
    except FileNotFoundError:
        return []
    if done.returncode != 0:
        raise OSError(f"nvidia-smi: {(done.stdout + done.stderr).strip()[:200]}")
    return [_gpu(line) for line in done.stdout.splitlines() if line.count(",") >= len(_SMI_FIELDS) - 1]


def _gpu(line: str) -> dict[str, Any]:
    index, name, uuid, mebibytes, driver = (part.strip() for part in line.split(",")[: len(_SMI_FIELDS)])
    size = int(mebibytes) << 20 if mebibytes.isdecimal() else None
    number = int(index) if index.isdecimal() else None
    found = {"index": number, "name": name, "uuid": uuid, "memory": size, "driver": driver}
    return {key: value for key, value in found.items() if value not in (None, "")}


def _cpu_model() -> str | None:
    # An ARM machine tells no name, but what the processor is called in its tables.
    for key in ("model name", "Model", "Hardware", "CPU part"):
        for line in _lines("/proc/cpuinfo"):
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return None


def _cpu_limit() -> float | None:
    limits = []
    for folder in _cgroup_folders("cpu"):
        quota, period, *_ = [*_words(f"{folder}/cpu.max"), "", ""]
        if not quota:
            quota = _first(f"{folder}/cpu.cfs_quota_us")
            period = _first(f"{folder}/cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def _memory_limit() -> int | None:
    limits = []
    for folder in _cgroup_folders("memory"):
        limit = _first(f"{folder}/memory.max") or _first(f"{folder}/memory.limit_in_bytes")
        if limit.isdecimal() and int(limit) < _NO_LIMIT:
            limits.append(int(limit))
    return min(limits, default=None)


def _cgroup_folders(controller: str) -> Iterator[str]:
    """Return the folders of this process's cgroup and of those around it: the smallest limit holds."""
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        root = f"/sys/fs/cgroup/{controller}" if controllers else "/sys/fs/cgroup"
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(parts), -1, -1):
            yield "/".join([root, *parts[:count]])


def _words(path: str) -> list[str]:
    return _first(path).split()


def _first(path: str) -> str:
    return next(iter(_lines(path)), "").strip()


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
