"""What it costs to start: the import over a bare interpreter, and the first experiment after it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS = 15

_NOTHING = "pass"
_IMPORT = "import lab_workbook"
_NEW_EXPERIMENT = """
import lab_workbook, sys, time
start = time.perf_counter()
lab_workbook.new_experiment(bucket_prefix=sys.argv[1])
print(time.perf_counter() - start)
"""


def run() -> list[tuple[str, float, float]]:
    """Measure; gives the name of each case, our seconds and the floor's."""
    with tempfile.TemporaryDirectory() as folder:
        # As after an installation, which compiles; a checkout might be told not to.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        prefix = str(Path(folder, "experiments"))
        turns = [_turn(environment, prefix) for _ in range(1 + TURNS)][1:]
    imported, bare, started = zip(*turns, strict=True)
    return [
        ("import lab_workbook, CPU", statistics.median(imported), statistics.median(bare)),
        # By the clock on the wall, to which a busy machine can only add: so the best turn counts.
        ("new_experiment on file://, wall", min(started), 0.0),
    ]


def _turn(environment: dict[str, str], prefix: str) -> tuple[float, float, float]:
    _, imported = _python(_IMPORT, environment)
    _, bare = _python(_NOTHING, environment)
    said, _ = _python(_NEW_EXPERIMENT, environment, prefix)
    return imported, bare, float(said.split()[-1])


def _python(code: str, environment: dict[str, str], *arguments: str) -> tuple[str, float]:
    """Run a program; gives its stdout and its CPU seconds."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the program ended with {process.returncode}: {code}")
    return said, usage.ru_utime + usage.ru_stime
