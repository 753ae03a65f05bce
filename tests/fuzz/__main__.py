"""
Fuzz every parser of strangers' bytes, or those that are named: `python -m tests.fuzz [NAME …]`.

Each target is a process of its own. A finding is an exception that no page documents, an input that takes
more than 10 seconds, or more than 500 MB beyond what the process takes when it is idle. The input of a
finding is kept in tests/fuzz/cases/NAME, where `make test` tries it from then on.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.fuzz.targets import CASES, TARGETS

_SECONDS: Final = 10
_MEGABYTES: Final = 500


class Result(NamedTuple):
    """What became of a target: inputs tried, seconds, peak memory in MB, and what libFuzzer printed."""

    name: str
    inputs: int
    seconds: float
    megabytes: int
    is_good: bool
    said: str


def fuzz(name: str, inputs: int, idle: int) -> Result:
    """Try ``inputs`` on a target whose process takes ``idle`` MB before the first."""
    kept = CASES / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_memory()) as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(TARGETS[name].seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        began = time.monotonic()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.one", name, str(corpus)),
                *(f"-runs={inputs}", f"-timeout={_SECONDS}", f"-rss_limit_mb={idle + _MEGABYTES}"),
                *("-max_len=32768", "-use_value_profile=1", "-print_final_stats=1", "-detect_leaks=0"),
                f"-artifact_prefix={kept}/",
            ],
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        seconds = time.monotonic() - began
    if not any(kept.iterdir()):
        kept.rmdir()
    said = done.stdout.decode(errors="replace")
    return Result(
        name,
        _stat(said, "number_of_executed_units"),
        seconds,
        _stat(said, "peak_rss_mb"),
        done.returncode == 0,
        said,
    )


def _memory() -> str | None:
    """Return a folder in memory, because a file for each of a million inputs would wear out a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _stat(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}: +(\d+)", said)
    return int(found[1]) if found else 0


def main() -> None:
    """Fuzz, print a line for each target, and fail where there was a finding."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzz the parsers of strangers' bytes."
    )
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, help="how many for each target")
    parser.add_argument("--at-once", type=int, default=2, help="processes that run at the same time")
    chosen = parser.parse_args()
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    findings = []
    print(f"{'parser':20} {'inputs':>10} {'seconds':>8} {'peak MB':>8}")
    with ThreadPoolExecutor(chosen.at_once) as pool:
        jobs = [
            pool.submit(fuzz, name, chosen.inputs or TARGETS[name].inputs, idle)
            for name in chosen.names or TARGETS
        ]
        for job in jobs:
            result = job.result()
            verdict = "" if result.is_good else "  FINDING"
            print(
                f"{result.name:20} {result.inputs:10,} {result.seconds:8.0f} {result.megabytes:8}{verdict}",
                flush=True,
            )
            if not result.is_good:
                findings.append(result)
    for result in findings:
        print(f"\n=== {result.name}\n{result.said[-4000:]}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
