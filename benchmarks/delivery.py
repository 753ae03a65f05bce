"""
`make bench-delivery`: what it costs to have every row of a long run in S3 while it runs.

The series has the size of the README's, 180,801 rows of seven columns. Everything is sent to a server on
the loopback, and each line says what it aims at. It takes about seven minutes, and exits with 1 if an
aim was missed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import sys
import tempfile
import time

import boto3
import lab_workbook
from lab_workbook import cost
from lab_workbook.protocol import _spec
from lab_workbook.protocol import prefix as prefixes
from lab_workbook.store import Store
from lab_workbook.store.s3 import S3Store

from benchmarks import artifacts, journal, publishing, server
from benchmarks.watched import Loop

ROWS = 180_801
EVERY = (1, 100, 10_000)
FLUSHES = 10_000
RATE = 9_000
PREFIX = "s3://bench/exp/"
ARTIFACTS = (1_000, 4_000, 16_000)
PUBLICATIONS = 300_000
# The default of `uploadEvery`, and a second for the request and the uploader's look.
MOST_STALE = 11.0

missed: list[str] = []


def say(line: str, *, aim: str, is_met: bool) -> None:
    """Print a figure with what it should be."""
    print(f"{line:<86}  {aim:<24}  {'ok' if is_met else 'NOT'}", flush=True)
    if not is_met:
        missed.append(line)


def say_lags(lags: list[float]) -> None:
    """Print how old the oldest row was that a live reader did not see."""
    say(
        f"   a live reader is {statistics.median(lags):.1f} s behind, {max(lags):.1f} s at most",
        aim=f"<= {MOST_STALE:.0f} s",
        is_met=max(lags) <= MOST_STALE,
    )


def show_publishing(store: Store) -> None:
    """Publish with no pause at all."""
    data, ends = publishing.series(ROWS)
    most = 8 * len(data) + 3_000_000
    print(f"\n1. {ROWS:,} rows, {len(data):,} bytes, published back to back")
    for every in EVERY:
        chosen = sorted({*ends[every - 1 :: every], ends[-1]})
        plan = publishing.Plan(store, f"every-{every}/", data, FLUSHES)
        told = plan.run(chosen)
        seconds = told.cpu * told.requests["PUT"]
        is_sample = told.publications > FLUSHES
        say(
            f"saveEvery {every:>6,}: {told.publications:>7,} publications, {told.requests['PUT']:>7,} PUT,"
            f" {told.requests['DELETE']:>7,} DELETE, {told.bytes:>11,} bytes",
            aim=f"<= 8x + 3 MB ({told.bytes / len(data):.2f}x)",
            is_met=told.bytes <= most,
        )
        print(
            f"{'':>18}each there after {told.wall * 1e3:.1f} ms, {told.cpu * 1e3:.1f} ms of CPU a PUT"
            f" ({seconds:,.1f} s in all{f', from the first {FLUSHES:,}' if is_sample else ''})"
        )
    requests = publishing.read(store, f"every-{EVERY[0]}/", data[: ends[FLUSHES - 1]])
    print(f"\n2. a live reader after {FLUSHES:,} flushes, none of whose segments was removed")
    say(
        f"it asks for {requests['GET']} objects, and for {requests['LIST']} listing",
        aim=f"<= {publishing.MOST_OBJECTS} objects",
        is_met=requests["GET"] <= publishing.MOST_OBJECTS,
    )


def show_scripts(store: Store) -> None:
    """Log the series with a real script, and read it while it grows."""
    print(f"\n3. scripts that log the {ROWS:,} rows at {RATE:,} a second, through their uploaders")
    for every in EVERY:
        with Loop(store, rate=RATE, rows=ROWS, save_every=every) as loop:
            loop.watch(read_every=1.0)
            loop.close()
        experiment = lab_workbook.ExperimentRepository(PREFIX)[loop.tag]
        size = experiment.artifact_sizes()["loss.csv"]
        requests, sent = cost.delivery(experiment.end) or ({}, 0)
        counted = ", ".join(f"{count:,} {kind}" for kind, count in requests.items())
        say(
            f"saveEvery {every:>6,}: {counted}, {sent:,} bytes, uploader CPU {loop.uploader_seconds:.1f} s",
            aim=f"<= 8x + 3 MB ({sent / size:.2f}x)",
            is_met=0 < sent <= 8 * size + 3_000_000,
        )
        say_lags(loop.lags)


def show_stall(store: Store, server_pid: int, seconds: float = 20.0) -> None:
    """Stop the server in the middle of a script."""
    with Loop(store, rate=1000, rows=int(1000 * seconds), save_every=100) as loop:
        time.sleep(seconds / 2)
        os.kill(server_pid, signal.SIGSTOP)
        try:
            taken = loop.taken()
        finally:
            os.kill(server_pid, signal.SIGCONT)
        loop.close()
    # A margin, because the loop began a moment before we looked at the clock.
    halves = [
        [took for at, took in taken if at < seconds / 2 - 1],
        [took for at, took in taken if at >= seconds / 2 + 1],
    ]
    (median, calm), (median_without, stalled) = map(_percentiles, halves)
    print(f"\n4. {len(taken):,} rows at 1,000 a second; for the second half the server stands still")
    print(f"with the network  p50 {median * 1e6:4.0f} us   p99 {calm * 1e6:4.0f} us")
    say(
        f"without           p50 {median_without * 1e6:4.0f} us   p99 {stalled * 1e6:4.0f} us",
        aim="p99 <= 1.5x + 50 us",
        is_met=stalled <= 1.5 * calm + 50e-6,
    )


def show_uploader(store: Store, seconds: float = 60.0) -> None:
    """Look at the uploader of a script that flushes by the clock."""
    rows = int(100 * seconds)
    with Loop(store, rate=100, rows=rows, flush_every=10.0) as loop:
        loop.watch(read_every=2.0)
        loop.close()
    print(f"\n5. a script that flushes every 10 s, for {seconds:.0f} s")
    say(f"its uploader takes {loop.share:.2%} of a core", aim="<= 2 %", is_met=loop.share <= 0.02)
    say(
        f"and {loop.uploader_megabytes:.0f} MB of memory at its peak",
        aim="<= 100 MB",
        is_met=0 < loop.uploader_megabytes <= 100,
    )
    say_lags(loop.lags)


def show_artifacts() -> None:
    """Save ever more artifacts, each of them once."""
    print("\n6. the uploader's CPU for one small artifact, by the number of artifacts")
    least = 0.0
    for count, seconds in artifacts.curve(list(ARTIFACTS)):
        least = least or seconds
        say(
            f"{count:>7,} artifacts: {seconds * 1e3:.2f} ms each",
            aim=f"<= 2x that of {ARTIFACTS[0]:,}",
            is_met=seconds <= 2 * least,
        )


def show_journal() -> None:
    """Publish so often that the journal is compacted many times."""
    cost = journal.measure(PUBLICATIONS)
    print(f"\n7. the journal of an uploader after {PUBLICATIONS:,} publications")
    say(f"it has {cost.bytes:,} bytes", aim="<= 0.5 MB", is_met=cost.bytes <= 2 * _spec.SPOOL_JOURNAL_BYTES)
    say(
        f"the next uploader replays it in {cost.replay_seconds:.2f} s of CPU",
        aim="<= 0.5 s",
        is_met=cost.replay_seconds <= 0.5,
    )


def _percentiles(times: list[float]) -> tuple[float, float]:
    percentiles = statistics.quantiles(times, n=100)
    return percentiles[49], percentiles[98]


def main() -> int:
    """Print all of it; returns 1 if an aim was missed."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        url, pid = stack.enter_context(server.running())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ.update(HOME=folder, TMPDIR=folder, LAB_WORKBOOK_BUCKET_PREFIX=PREFIX)
        tempfile.tempdir = folder
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="bench")
        store = S3Store(prefixes.parse(PREFIX))
        show_publishing(store)
        show_scripts(store)
        show_stall(store, pid)
        show_uploader(store)
        # It has a server of its own, and another environment.
        show_artifacts()
        show_journal()
    print(f"\n{len(missed)} aims were missed; it took {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
