"""
What the uploader's CPU for one small artifact is, however many there are.

    python -m benchmarks.artifacts 1000 16000

A real script saves them all at once and waits for its end; a server of our own answers at once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator

from lab_workbook.protocol import prefix as prefixes
from lab_workbook.store.s3 import S3Store
from lab_workbook_conformance.s3 import server

from benchmarks import sink
from benchmarks.watched import Loop

PREFIX = "s3://sink/exp/"
BYTES = 100


def uploader_seconds(url: str, count: int) -> float:
    """Return the CPU seconds of the uploader of a script that saves so many artifacts."""
    mine = {"AWS_ENDPOINT_URL_S3": url, "LAB_WORKBOOK_BUCKET_PREFIX": PREFIX, "LAB_WORKBOOK_EXIT_MAX": "3600"}
    os.environ.update(server.ENVIRONMENT, **mine)
    store = S3Store(prefixes.parse(PREFIX))
    with Loop(store, rate=1000, rows=1, names=count, bytes=BYTES) as loop:
        loop.close()
    return loop.uploader_seconds


def curve(counts: list[int]) -> Iterator[tuple[int, float]]:
    """Yield each number of artifacts with the CPU seconds of the uploader for one of them."""
    with sink.running() as url, tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = tempfile.tempdir = folder
        least = uploader_seconds(url, 1)
        for count in counts:
            yield count, (uploader_seconds(url, count) - least) / count


def main() -> None:
    """Print the curve for the numbers of artifacts on the command line."""
    for count, seconds in curve([int(count) for count in sys.argv[1:]]):
        print(f"{count:>7,} artifacts: {seconds * 1e3:.2f} ms of CPU each", flush=True)


if __name__ == "__main__":
    main()
