"""
The load of the machine, measured by a process of its own: ``new_experiment(system_metrics=10)``.

>>> sampler = start("/home/ada/lab-workbook/T/system.csv", 10)
>>> sampler.stop()

The process that measures is a grandchild in a session of its own, as the uploader is. It appends whole rows
to the series, looks before each whether the script still lives, and is gone before the series is sealed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
from typing import Any, Final

from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol import process

from lab_workbook_writer.search_path import absolute_search_path

NAME: Final = "system"
_FIELDS: Final = (
    *("seconds", "cpu", "memory", "scriptCpu", "scriptMemory"),
    *("diskRead", "diskWritten", "netReceived", "netSent"),
)
_GPU_FIELDS: Final = ("", "Memory", "Power", "Temperature")
_GPU_FOLDER: Final = "/proc/driver/nvidia/gpus"

_LEAST_SECONDS: Final = 0.1
_STARTING_SECONDS: Final = 5.0
_STOPPING_SECONDS: Final = 2.0

# Run by a second Python, with the script's own folders after all others, as for the uploader.
_BOOTSTRAP: Final = """\
import os, sys
if os.fork():
    os._exit(0)
sys.path[:] = [path for path in sys.path if path]
sys.path.extend(path for path in sys.argv[2:] if path not in sys.path)
from lab_workbook_writer.capture.sampler import main
main(sys.argv[1])
"""


class Sampler:
    """The process that measures."""

    def __init__(self, identity: dict[str, Any]) -> None:
        self._identity = identity

    def stop(self) -> None:
        """End it, and return when it can write nothing any more."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._is_gone(number):
                return

    def _is_gone(self, number: int) -> bool:
        until = time.monotonic() + _STOPPING_SECONDS
        # With the time of its start, so that nobody is ended who has its number by now.
        if process.is_alive(self._identity):
            with contextlib.suppress(OSError):
                os.kill(self._identity["pid"], number)
        while process.is_alive(self._identity):
            if time.monotonic() > until:
                return False
            # It is no child of ours, so nothing tells when it has gone; it takes some milliseconds.
            time.sleep(0.005)
        return True


def check(every: Any) -> float:
    """
    Return the seconds from one row to the next.

    Raises:
        ConfigurationError: it is no number of seconds, or too small a one.
    """
    is_number = isinstance(every, (int, float)) and not isinstance(every, bool)
    if not is_number or not _LEAST_SECONDS <= every < float("inf"):
        raise ConfigurationError(
            f"system_metrics is a number of seconds of at least {_LEAST_SECONDS}, not {every!r}"
        )
    return float(every)


def problem() -> str | None:
    """Say why nothing can be measured here, or None."""
    if importlib.util.find_spec("psutil") is None:
        return "system metrics need psutil, so none are recorded: pip install 'lab-workbook[system]'"
    if "pidStarted" not in process.identity():
        return "system metrics need /proc, so none are recorded"
    if not sys.executable or getattr(sys, "frozen", False):
        return "system metrics need a plain Python that can be started, so none are recorded"
    return None


def gpu_count() -> int:
    """Return how many GPUs are measured: those of NVIDIA's driver, where nvidia-ml-py is installed."""
    if importlib.util.find_spec("pynvml") is None:
        return 0
    with contextlib.suppress(OSError):
        return len(os.listdir(_GPU_FOLDER))
    return 0


def fields(gpus: int) -> tuple[str, ...]:
    """Return the fields of the series on a machine with so many GPUs."""
    return (*_FIELDS, *(f"gpu{index}{field}" for index in range(gpus) for field in _GPU_FIELDS))


def start(path: str, every: float, gpus: int = 0) -> Sampler:
    """
    Start to measure, into a series that is there.

    Raises:
        OSError: the process cannot be started.
    """
    import subprocess

    order = {"path": path, "every": every, "gpus": gpus, "script": process.identity()}
    first = subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
        [sys.executable, "-c", _BOOTSTRAP, json.dumps(order), *absolute_search_path()],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        # It says who it is and closes the pipe; a machine that is too busy must not stop us.
        said, _ = first.communicate(timeout=_STARTING_SECONDS)
        return Sampler(json.loads(said))
    except (subprocess.TimeoutExpired, ValueError) as error:
        with contextlib.suppress(OSError):
            os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        raise OSError(f"it has not started within {_STARTING_SECONDS:.0f} s") from error
