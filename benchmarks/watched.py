"""A training loop that is watched from outside: what its uploader takes, and what a live reader sees."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from lab_workbook import live
from lab_workbook.store import Store

SERIES = "loss.csv"


class Loop:
    """`benchmarks.loop` as a process, with a spool folder of its own; for a ``with``."""

    def __init__(self, store: Store, **options: object) -> None:
        self._store = store
        self._folder = Path(tempfile.mkdtemp(prefix="loop-"))
        self._out = self._folder / "taken"
        words = [
            str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loop", "--out", str(self._out), *words],
            env=os.environ | {"LAB_WORKBOOK_SPOOL_DIR": str(self._folder / "spools")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # When the file in the spool had how many bytes.
        self._grown: list[tuple[float, int]] = []
        self.lags: list[float] = []
        self.uploader_seconds = 0.0
        self.uploader_megabytes = 0.0

    def __enter__(self) -> Loop:  # noqa: PYI034 - Self came with Python 3.11
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("tag "):
                self.tag = line.split()[1]
                break
        else:
            raise RuntimeError("the training loop did not start")
        (self._spool,) = (self._folder / "spools").glob("*.*")
        events = map(json.loads, (self._spool / ".lab-workbook/journal").read_text().splitlines())
        self._uploader = next(event["pid"] for event in events if event["event"] == "started")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()

    @property
    def is_training(self) -> bool:
        return not self._out.exists() and self._process.poll() is None

    def watch(self, read_every: float) -> None:
        """Read the series from the bucket again and again, for as long as it grows."""
        began = reading = time.monotonic()
        used = _cpu_seconds(self._uploader)
        while self.is_training:
            self._see_growth()
            if time.monotonic() >= reading:
                self._read()
                reading = time.monotonic() + read_every
            time.sleep(0.02)
        self.share = (_cpu_seconds(self._uploader) - used) / (time.monotonic() - began)

    def close(self) -> None:
        """Let the script close its workbook; afterwards the uploader's CPU and peak of memory are known."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        # What a process has used is told as long as it is there.
        while self._process.poll() is None:
            with contextlib.suppress(OSError, IndexError):
                self.uploader_seconds = _cpu_seconds(self._uploader)
                self.uploader_megabytes = _peak_megabytes(self._uploader)
            time.sleep(0.02)
        self._process.stdin = None

    def kill(self) -> None:
        """SIGKILL the script and its uploader, whatever is left to deliver."""
        self._process.kill()
        os.kill(self._uploader, signal.SIGKILL)

    def taken(self) -> list[tuple[float, float]]:
        """Wait for the last row; returns when each row came and what it took, in seconds."""
        while self.is_training:
            time.sleep(0.1)
        lines = self._out.read_text().splitlines()
        return [(float(at), float(took)) for at, took in map(str.split, lines)]

    def _see_growth(self) -> None:
        self._grown.append((time.monotonic(), (self._spool / SERIES).stat().st_size))

    def _read(self) -> None:
        asked = time.monotonic()
        try:
            seen = len(live.read(self._store, f"{self.tag}/", SERIES))
        except KeyError:
            seen = 0
        # The oldest row that is not there: it was written when the file outgrew what was seen.
        missing = [at for at, size in self._grown if size > seen and at <= asked]
        self.lags.append(asked - missing[0] if missing else 0.0)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
