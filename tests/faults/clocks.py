"""Clocks that a test sets, for the scripts and uploaders that it starts; `clock.c` says how."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from lab_workbook_conformance.s3 import faults
from lab_workbook_conformance.s3.proxy import Exchange

HOUR, DAY = 3600, 86400

# What S3 allows.
_SKEW_SECONDS = 15 * 60


class Clocks:
    """The clocks of all processes that are started while the environment names them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = self._monotonic = 0.0
        self.jump()

    def jump(self, seconds: float = 0, *, stopped: float = 0) -> None:
        """Set the clock ahead, or back; and let ``stopped`` seconds pass on every clock."""
        self._real += seconds + stopped
        self._monotonic += stopped
        # In one step, because the processes read it all the time.
        new = self._path.with_suffix(".new")
        new.write_text(f"{self._real} {self._monotonic}")
        new.replace(self._path)

    def stop(self, *processes: int, seconds: float = HOUR) -> None:
        """Stop processes, let time pass, and let them go on, as a scheduler does that suspends a job."""
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        time.sleep(0.2)
        self.jump(stopped=seconds)
        time.sleep(0.2)
        for process in processes:
            os.kill(process, signal.SIGCONT)


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    """Yield clocks that every process has that is started from now on."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    library = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("CLOCK_OFFSETS", str(folder / "offsets"))
        yield Clocks(folder / "offsets")


def refuse_skewed(exchange: Exchange) -> None:
    """Answer as S3 does to a request whose time is more than fifteen minutes from the server's."""
    sent = datetime.strptime(exchange.seen.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(
        tzinfo=timezone.utc
    )
    if abs(sent.timestamp() - time.time()) > _SKEW_SECONDS:
        faults.answer(403, "RequestTimeTooSkewed")(exchange)
    else:
        exchange.reply(exchange.forward())
