"""
`make bench-delivery`: what it costs to have every row of a long run in S3 while it runs.

The series is that of the README's size, 180,801 rows of seven columns. It is published back to back,
with no pause between, which no script can do: bytes and requests are the most that there can be.

1. publications after each row, each 100 and each 10,000: requests, bytes, and the CPU of sending;
2. a live reader after 10,000 publications: how many objects it asks for;
3. a script at 1,000 rows a second, with the network and without: what a row takes;
4. the uploader of a script that flushes every 10 seconds: its memory and its share of a core.
"""

from __future__ import annotations

import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import boto3
import lab_workbook
from lab_workbook import live
from lab_workbook.protocol import prefix as prefixes
from lab_workbook.store import Blob, Entry
from lab_workbook.store.s3 import S3Store
from lab_workbook_writer.uploader.segments import Trail

from benchmarks import server

ROWS = 180_801
NAME = "Training.csv"
BUCKET = "bench"


class Counting:
    """A store that counts what is asked of it, and passes it on if there is another behind it."""

    def __init__(self, behind: S3Store | None) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes = 0
        self._behind = behind

    def create(self, key: str, body: IO[bytes]) -> None:
        self._put(body)
        if self._behind is not None:
            self._behind.create(key, body)

    def replace(self, key: str, body: IO[bytes]) -> None:
        self._put(body)
        if self._behind is not None:
            self._behind.replace(key, body)

    def delete(self, key: str) -> None:
        self.requests["DELETE"] += 1
        if self._behind is not None:
            self._behind.delete(key)

    def _put(self, body: IO[bytes]) -> None:
        self.requests["PUT"] += 1
        self.bytes += body.seek(0, os.SEEK_END)
        body.seek(0)


def series() -> tuple[bytes, list[int]]:
    """Return the series, and where each of its rows ends."""
    lines = [b"epoch,time,dataTime,loss,top1,top5,Date\n"]
    for row in range(ROWS):
        loss = 7 / (1 + row / 1000)
        lines.append(
            f"{row / 25600!r},{0.95 + row % 7 / 100!r},{0.0004!r},{loss!r},"
            f"{100 - row % 61},{100 - row % 53},2016-02-12T22:17:34Z\n".encode()
        )
    ends, end = [], 0
    for line in lines:
        end += len(line)
        ends.append(end)
    return b"".join(lines), ends[1:]


def publish(store: Any, tag: str, data: bytes, ends: Iterable[int]) -> None:
    """Send a series as the uploader does, a publication at each of these ends."""
    trail = Trail(NAME)
    for end in ends:
        segment = trail.publish(end)
        store.create(f"{tag}/{segment}", io.BytesIO(data[segment.start : segment.end]))
        trail.delivered(segment)
        if (size := trail.refresh) is not None:
            trail.sending(size)
            store.replace(f"{tag}/{NAME}", io.BytesIO(data[:size]))
            trail.sent(size)
        old, ranges = trail.superseded, {each.range for each in trail.superseded}
        for each in old:
            store.delete(f"{tag}/{each}")
        trail.removed(ranges)


def show_publications(store: S3Store) -> None:
    data, ends = series()
    most = 8 * len(data) + 3_000_000
    print(f"\n1. {ROWS:,} rows, {len(data):,} bytes; at most 8 x this + 3,000,000 = {most:,} are sent")
    print(f"{'saveEvery':>10}{'publications':>14}{'PUT':>10}{'DELETE':>9}{'bytes sent':>14}{'x size':>8}")
    for every in (1, 100, 10_000):
        chosen = ends[every - 1 :: every]
        if chosen[-1] != ends[-1]:
            chosen.append(ends[-1])
        # A PUT for each row would be an hour of a server's time; its count and its bytes need no server.
        real = every > 1
        counting = Counting(store if real else None)
        began = time.process_time()
        publish(counting, f"every-{every}", data, chosen)
        cpu = (time.process_time() - began) / counting.requests["PUT"]
        verdict = "" if counting.bytes <= most else "  <-- missed"
        print(
            f"{every:>10,}{len(chosen):>14,}{counting.requests['PUT']:>10,}{counting.requests['DELETE']:>9,}"
            f"{counting.bytes:>14,}{counting.bytes / len(data):>8.2f}"
            f"  {f'CPU {cpu * 1e3:.1f} ms a PUT' if real else 'counted without a server'}{verdict}",
            flush=True,
        )


class Asking:
    """A store that counts what a reader asks of it."""

    def __init__(self, behind: S3Store) -> None:
        self.requests: Counter[str] = Counter()
        self._behind = behind

    def get(self, key: str, *, start: int = 0) -> Blob:
        self.requests["GET"] += 1
        return self._behind.get(key, start=start)

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        self.requests["LIST"] += 1
        return self._behind.keys(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        self.requests["LIST"] += 1
        return self._behind.folders(prefix)


def show_reader(store: S3Store) -> None:
    data, ends = series()
    publish(store, "flushed", data, ends[:10_000])
    asking = Asking(store)
    read = live.read(asking, "flushed/", NAME)
    is_right = asking.requests["GET"] <= 64 and read == data[: ends[9_999]]
    verdict = "" if is_right else "  <-- missed"
    print(
        f"\n2. a live read after 10,000 publications asks for {asking.requests['GET']} objects (at most 64)"
        f" and {asking.requests['LIST']} listing{verdict}"
    )


class Loop:
    """`benchmarks.loop` as a process; its uploader is found by the journal in its spool."""

    def __init__(self, home: Path, seconds: float, flush_every: float = 0.0) -> None:
        self._spools = home / f"spools-{flush_every:.0f}"
        self._out = home / f"taken-{flush_every:.0f}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loop", "1000", str(seconds), str(flush_every), str(self._out)],
            env=os.environ | {"LAB_WORKBOOK_SPOOL_DIR": str(self._spools)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        while b"logging" not in self._process.stdout.readline():
            if self._process.poll() is not None:
                raise RuntimeError("the training loop did not start")

    def taken(self) -> list[tuple[float, float]]:
        """Wait for the loop's end; returns when each row came and what it took, in seconds."""
        while not self._out.exists():
            time.sleep(0.1)
        lines = self._out.read_text().splitlines()
        return [(float(at), float(took)) for at, took in map(str.split, lines)]

    def uploader(self) -> int:
        """Return the pid of the uploader."""
        (journal,) = self._spools.glob("*/.lab-workbook/journal")
        events = map(json.loads, journal.read_text().splitlines())
        return next(event["pid"] for event in events if event["event"] == "started")

    def close(self) -> None:
        """Let the script close its workbook and end."""
        self._process.communicate()


def show_stall(home: Path, server_pid: int, seconds: float = 20.0) -> None:
    loop = Loop(home, seconds)
    time.sleep(seconds / 2)
    os.kill(server_pid, signal.SIGSTOP)
    taken = loop.taken()
    os.kill(server_pid, signal.SIGCONT)
    loop.close()
    print(f"\n3. {len(taken):,} rows at 1,000 a second; for the second half the server stands still")
    halves = {
        "with the network": [took for at, took in taken if at < seconds / 2],
        "without": [took for at, took in taken if at >= seconds / 2],
    }
    for name, half in halves.items():
        percentiles = statistics.quantiles(half, n=100)
        print(f"   {name:<17} p50 {percentiles[49] * 1e6:4.0f} us   p99 {percentiles[98] * 1e6:4.0f} us")


def show_uploader(home: Path, seconds: float = 60.0) -> None:
    loop = Loop(home, seconds, flush_every=10.0)
    experiment = lab_workbook.ExperimentRepository()[-1]
    pid, began, lag = loop.uploader(), time.monotonic(), 0.0
    before = _cpu_seconds(pid)
    while (at := time.monotonic() - began) < seconds - 2:
        time.sleep(1)
        lag = max(lag, at - _rows(experiment) / 1000)
    share = (_cpu_seconds(pid) - before) / (time.monotonic() - began)
    memory = _peak_megabytes(pid)
    loop.taken()
    loop.close()
    verdict = "" if share <= 0.02 and memory <= 100 else "  <-- missed"
    print(
        f"\n4. the uploader of a script that flushes every 10 s, for {seconds:.0f} s: {memory:.0f} MB at its"
        f" peak (at most 100)\n   and {share:.1%} of a core (at most 2 %); a live reader is at most"
        f" {lag:.1f} s behind{verdict}"
    )


def _rows(experiment: lab_workbook.Experiment) -> int:
    try:
        return len(experiment["loss.csv"])
    except lab_workbook.errors.ArtifactNotFound:
        return 0


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print all of it."""
    with server.running() as (url, pid), tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        os.environ["LAB_WORKBOOK_BUCKET_PREFIX"] = f"s3://{BUCKET}/exp/"
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        store = S3Store(prefixes.parse(f"s3://{BUCKET}/exp/"))
        show_publications(store)
        show_reader(store)
        show_stall(Path(folder), pid)
        show_uploader(Path(folder))


if __name__ == "__main__":
    main()
