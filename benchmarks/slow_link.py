"""
How late rows are in S3 while artifacts are saved that a slow link cannot keep up with.

    python -m benchmarks.slow_link

Each connection to the server carries 200 kB a second. P2 promises rows after ``uploadEvery`` seconds and one
request; the uploader looks for new rows twice a second.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import boto3
from lab_workbook.protocol import prefix as prefixes
from lab_workbook.store.s3 import S3Store
from lab_workbook_conformance.s3.proxy import Proxy

from benchmarks import server
from benchmarks.watched import Loop

BYTES_PER_SECOND = 200_000
UPLOAD_EVERY = 1.0
SECONDS = 60
RATE = 10
PREFIX = "s3://slow/exp/"


class Scenario(NamedTuple):
    """Artifacts that a script saves while it logs rows."""

    title: str
    names: int
    bytes: int
    save_period: float


SCENARIOS = (
    Scenario("6 figures of 900 kB, saved again every 2 s", 6, 900_000, 2.0),
    Scenario("40 texts of 25 kB, saved again every 0.3 s", 40, 25_000, 0.3),
    Scenario("1,000 texts of 25 kB, saved once", 1000, 25_000, float("inf")),
)


def delays(scenario: Scenario, url: str, seconds: float = SECONDS) -> list[float]:
    """Return by how many seconds rows were late, beyond ``uploadEvery``, at each look of a live reader."""
    store = S3Store(prefixes.parse(PREFIX), endpoint_url=url)
    with Proxy(url, bytes_per_second=BYTES_PER_SECOND) as link, _setting(link.url):
        options = {name: value for name, value in scenario._asdict().items() if name != "title"}
        with Loop(store, rate=RATE, rows=int(RATE * seconds), **options) as loop:
            loop.watch(read_every=0.5)
            # What is left would take minutes.
            loop.kill()
    return [max(0.0, lag - UPLOAD_EVERY) for lag in loop.lags]


@contextlib.contextmanager
def _setting(url: str) -> Iterator[None]:
    mine = {
        "AWS_ENDPOINT_URL_S3": url,
        "LAB_WORKBOOK_BUCKET_PREFIX": PREFIX,
        "LAB_WORKBOOK_UPLOAD_EVERY": str(UPLOAD_EVERY),
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def main() -> None:
    """Print the largest delay of each scenario."""
    with server.running() as (url, _), tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = tempfile.tempdir = folder
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="slow")
        for scenario in SCENARIOS:
            late = delays(scenario, url)
            print(f"{scenario.title:<50} rows {max(late):5.1f} s later than uploadEvery", flush=True)


if __name__ == "__main__":
    main()
