"""
The process that measures the load of a machine; `sampling` starts it, and says what for.

It is no part of the script: it ends when it is told to, or within half a second of the script's death.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from lab_workbook.protocol import process

from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.capture.sampling import NAME, fields
from lab_workbook_writer.descriptors import GROWING
from lab_workbook_writer.losses import Losses
from lab_workbook_writer.series_log import TimeSeriesLog

_LOOK_SECONDS: Final = 0.5

Row = dict[str, Any]


def main(order: str) -> None:
    """Measure until the script is dead, or until we are ended."""
    _say_who()
    told = json.loads(order)
    script, every = told["script"], told["every"]
    path, names = told["path"], fields(told["gpus"])
    file = AppendFile(lambda: os.open(path, GROWING))
    log = TimeSeriesLog(NAME, names, file, Losses(), lambda: None)
    measure = Measure(script["pid"], told["gpus"])
    began = time.monotonic()
    # The first row soon, so that a short run has one as well; then at whole steps, however long a row takes.
    due = began + min(every, 1.0)
    while _waits_until(due, script):
        row = measure()
        if not process.is_alive(script):
            return
        # The script restores a series that was removed as another file.
        if os.path.exists(path) and not file.is_at(path):
            file.close()
        log({"seconds": round(time.monotonic() - began, 3), **row})
        due += every * max(1, -(-(time.monotonic() - due) // every))


def _say_who() -> None:
    sys.stdout.write(json.dumps(process.identity()))
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_WRONLY)
    # The script reads until the pipe is closed.
    os.dup2(nothing, 1)
    os.close(nothing)


def _waits_until(due: float, script: Row) -> bool:
    """Wait, and say whether the script lived meanwhile."""
    while process.is_alive(script):
        left = due - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, _LOOK_SECONDS))
    return False


class Measure:
    """What has changed on a machine since the last call; what cannot be told is left out."""

    def __init__(self, pid: int, gpus: int) -> None:
        self._psutil = importlib.import_module("psutil")
        self._pid = pid
        self._gpus = [_Gpu(index) for index in range(gpus)]
        self._seen: dict[str, tuple[float, float]] = {}
        self()

    def __call__(self) -> Row:
        row: Row = {}
        parts: list[Callable[[], Row]] = [self._machine, self._script, self._disk, self._net, *self._gpus]
        for part in parts:
            # A process ends while it is looked at, a disk is pulled out: the other numbers are good.
            with contextlib.suppress(Exception):
                row.update(part())
        return row

    def _machine(self) -> Row:
        return {"cpu": self._psutil.cpu_percent(None), "memory": self._psutil.virtual_memory().used}

    def _script(self) -> Row:
        script = self._psutil.Process(self._pid)
        seconds, size = 0.0, 0
        for each in (script, *script.children(recursive=True)):
            with contextlib.suppress(self._psutil.Error):
                times = each.cpu_times()
                seconds += times.user + times.system
                size += each.memory_info().rss
        # Of one processor; when a child ends, its share goes with it.
        rate = self._rate("script", seconds)
        return {"scriptMemory": size, **({} if rate is None else {"scriptCpu": round(100 * rate, 1)})}

    def _disk(self) -> Row:
        disk = self._psutil.disk_io_counters()
        return self._rates(diskRead=disk.read_bytes, diskWritten=disk.write_bytes)

    def _net(self) -> Row:
        net = self._psutil.net_io_counters()
        return self._rates(netReceived=net.bytes_recv, netSent=net.bytes_sent)

    def _rates(self, **totals: float) -> Row:
        rates = {name: self._rate(name, total) for name, total in totals.items()}
        return {name: round(rate) for name, rate in rates.items() if rate is not None}

    def _rate(self, name: str, total: float) -> float | None:
        now = time.monotonic()
        before, self._seen[name] = self._seen.get(name), (now, total)
        if before is None or now <= before[0] or total < before[1]:
            return None
        return (total - before[1]) / (now - before[0])


class _Gpu:
    """One GPU, as NVIDIA's library tells."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._nvml = importlib.import_module("pynvml")
        with contextlib.suppress(Exception):
            self._nvml.nvmlInit()

    def __call__(self) -> Row:
        nvml, row = self._nvml, {}
        handle = nvml.nvmlDeviceGetHandleByIndex(self._index)
        asked: dict[str, Callable[[], float]] = {
            "": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
            "Memory": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
            "Power": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
            "Temperature": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        }
        for field, ask in asked.items():
            # Not every GPU tells everything.
            with contextlib.suppress(Exception):
                row[f"gpu{self._index}{field}"] = ask()
        return row
