"""
What the table of all experiments in a bucket costs, cold and warm, beside bare parallel GETs.

    python -m benchmarks.table 1000

Each figure is of a process of its own, which has imported everything and made its connections before it
is measured. The floor lists the bucket and gets begin.json, end.json and options.json of each experiment
with as many threads, and does nothing with them. Requests are counted where they are sent.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import boto3
from lab_workbook import ExperimentRepository
from lab_workbook.protocol import _spec, documents, jsontext, prefix
from lab_workbook.store import parallel
from lab_workbook.store.cache import CachedStore
from lab_workbook.store.s3 import S3Store
from lab_workbook.store.wire import Wire

from benchmarks import server

BUCKET = "benchmark"
WHERE = f"s3://{BUCKET}/exp/"
EXPERIMENTS = 10_000
CHANGED = 10
ROUNDS = 2
# At most so many requests for an experiment beside the pages of the listing, and so much of our own CPU.
REQUESTS_AIM, SECONDS_AIM = 3, 0.5e-3

_FILLERS = 2


class Figure(NamedTuple):
    """What one run took: seconds, megabytes at its peak and before it, and requests by kind."""

    wall: float
    cpu: float
    peak: float
    before: float
    requests: dict[str, int]
    rows: int


def main(experiments: int = EXPERIMENTS, rounds: int = ROUNDS) -> None:
    """Fill a bucket and print what each run took."""
    with server.running(), tempfile.TemporaryDirectory() as caches:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        began = time.monotonic()
        _fill_in_parallel(experiments)
        print(f"{experiments:,} experiments of 4 objects, filled in {time.monotonic() - began:.0f} s")
        print(f"{'':24}{'wall':>10}{'CPU':>10}{'memory':>17}  requests")
        bare, cold = [], []
        # In turns, so that a busy machine slows both.
        for number in range(rounds):
            cache = f"{caches}/{number}"
            bare.append(_measured("bare", cache))
            cold.append(_measured("cold", cache))
        warm = _measured("warm", cache)
        _put_options(range(CHANGED), 0.5)
        changed = _measured(f"warm, {CHANGED} changed", cache)
    assert {run.rows for run in (*cold, warm, changed)} == {experiments}
    print(_verdict(min(bare, key=_cpu), min(cold, key=_cpu), experiments))


def _verdict(bare: Figure, cold: Figure, experiments: int) -> str:
    own, gets = (cold.cpu - bare.cpu) / experiments, cold.requests["GET"] / experiments
    missed = "" if own <= SECONDS_AIM and gets <= REQUESTS_AIM else "  <-- missed"
    return (
        f"cold: {gets:.3f} GETs an experiment (at most {REQUESTS_AIM}), {own * 1e3:.3f} ms of our own CPU"
        f" (at most {SECONDS_AIM * 1e3:.1f}), wall {cold.wall / bare.wall:.2f}x of bare{missed}"
    )


def _cpu(figure: Figure) -> float:
    return figure.cpu


def _measured(name: str, cache: str) -> Figure:
    command = [sys.executable, "-m", "benchmarks.table", "--measure", name.partition(",")[0], cache]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    figure = Figure(*json.loads(output))
    asked = ", ".join(f"{count:,} {kind}" for kind, count in sorted(figure.requests.items()))
    memory = f"{figure.peak:.0f} (+{figure.peak - figure.before:.0f})"
    print(f"{name:24}{figure.wall:8.2f} s{figure.cpu:8.2f} s{memory:>14} MB  {asked}", flush=True)
    return figure


def _measure(name: str, cache: str) -> Figure:
    """Return what a run takes in this process."""
    import pandas as pd

    pd.DataFrame({"a": [1]}).describe()
    wire = Wire()
    run = _bare(wire) if name == "bare" else _table(wire, cache)
    wire.take()
    before, wall, cpu = _peak(), time.monotonic(), time.process_time()
    rows = run()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return Figure(wall, cpu, _peak(), before, wire.take().requests, rows)


def _bare(wire: Wire) -> Callable[[], int]:
    client = S3Store(prefix.parse(WHERE), wire=wire)._client  # noqa: SLF001 - settings as ours
    wanted = (_spec.LAYOUT_BEGIN, _spec.LAYOUT_END, "options.json")

    def get(key: str) -> int:
        return len(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def run() -> int:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="exp/")
        keys = [item["Key"] for page in pages for item in page["Contents"] if item["Key"].endswith(wanted)]
        with ThreadPoolExecutor(parallel.THREADS) as pool:
            return sum(1 for _ in pool.map(get, keys))

    client.list_buckets()
    return run


def _table(wire: Wire, cache: str) -> Callable[[], int]:
    os.environ["LAB_WORKBOOK_CACHE_DIR"] = cache
    repository = ExperimentRepository(WHERE)
    store = repository._store  # noqa: SLF001 - to count what it sends
    assert isinstance(store, CachedStore)
    client = store._store._client  # noqa: SLF001
    wire.attach(client)
    client.list_buckets()

    def run() -> int:
        table = repository.table()
        assert table["options.learning rate"].dtype == "float64"
        return len(table)

    return run


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _fill_in_parallel(experiments: int) -> None:
    command = [sys.executable, "-m", "benchmarks.table", "--fill"]
    fillers = [subprocess.Popen([*command, str(start), str(experiments)]) for start in range(_FILLERS)]
    for filler in fillers:
        if filler.wait():
            raise RuntimeError("the bucket could not be filled")


def _fill(numbers: range) -> None:
    # boto3 would take longer to send all of them than the server to take them, and moto checks no signatures.
    connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL_S3"].removeprefix("http://"))
    scope = "testing/20160212/us-east-1/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    for key, data in (each for number in numbers for each in _files(number)):
        connection.request("PUT", f"/{BUCKET}/exp/{urllib.parse.quote(key)}", data, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{key} was not put: {answer.status}")


def _files(number: int) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a small experiment, as a writer leaves them."""
    tag = _tag(number)
    begin = documents.begin(
        tag, "benchmark", "Lua 5.4", {"host": f"gpu-{number % 8}", "note": f"run {number}"}
    )
    rows = "".join(f"{epoch},{1 / epoch!r},{documents.now()}\n" for epoch in range(1, 21))
    files = {
        _spec.LAYOUT_BEGIN: _json(begin),
        "options.json": _options(number, 0.1),
        "Training loss.csv": f"epoch,loss,Date\n{rows}".encode(),
    }
    sums = {name: {"bytes": len(data)} for name, data in files.items()}
    files[_spec.LAYOUT_END] = _json(documents.end("finished", None, {}, sums))
    return ((f"{tag}/{name}", data) for name, data in files.items())


def _put_options(numbers: range, rate: float) -> None:
    store = S3Store(prefix.parse(WHERE))
    for number in numbers:
        store.replace(f"{_tag(number)}/options.json", io.BytesIO(_options(number, rate)))


def _options(number: int, rate: float) -> bytes:
    sgd = {"momentum": 0.9, "nesterov": number % 2 == 0, "decay": 1e-4 * number}
    return _json(
        {"learning rate": rate, "layers": [64, 24, 10], "sgd": sgd, "seed": number, "model": "small"}
    )


def _tag(number: int) -> str:
    return f"2016{number // 100000 % 12 + 1:02}{number // 1000 % 28 + 1:02}{number % 1000:04}-{number:010}"


def _json(value: Any) -> bytes:
    return jsontext.encode(value, lambda _kind: None)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(_measure(*sys.argv[2:])))
    elif sys.argv[1:2] == ["--fill"]:
        _fill(range(int(sys.argv[2]), int(sys.argv[3]), _FILLERS))
    else:
        main(*map(int, sys.argv[1:]))
