"""
Work that is counted, and not timed: how many lines of Python a call runs through.

A machine with other tasks changes times and not counts. Loops inside of C are not seen; where they matter, a
test runs a process whose CPU time is limited.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

SECONDS = 20


def lines(call: Callable[[], object]) -> int:
    """Return how many lines of Python a call runs through, also in the libraries that it uses."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def growth(call: Callable[[Any], object], make: Callable[[int], Any], size: int) -> float:
    """Return by how much the work grows when the size of the input is doubled."""
    small, large = make(size), make(2 * size)
    # What is imported and compiled at the first call is no work of it.
    call(small)
    return lines(lambda: call(large)) / lines(lambda: call(small))


def limited(program: str, *, megabytes: int = 0) -> str:
    """
    Return what a Python program prints, which may use 20 seconds of CPU.

    With ``megabytes`` it can call ``allow_more_memory()``, and from then on gets so many more.
    """
    limits = f"import resource\nresource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))\n"
    if megabytes:
        limits += _MEMORY.format(megabytes=megabytes)
    done = subprocess.run(
        [sys.executable, "-c", limits + program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


_MEMORY = """
def allow_more_memory():
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + {megabytes} * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""
