"""
An S3 server on the loopback: moto's, as a process of its own.

It checks no signatures and keeps all in memory, which is what tests, benchmarks and the kit want of it.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

_PATIENCE = 60

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Nobody waits for the metadata service of a cloud, or asks a proxy for the loopback.
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1,localhost",
}


class NoServer(Exception):
    """There is no server that takes a bucket, so nothing of level s3 can be tried."""


class Server(NamedTuple):
    """A running server, and its process."""

    url: str
    pid: int


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """
    Run a server for the length of a ``with``; ``ENVIRONMENT`` is what its clients need beside its URL.

    Raises:
        NoServer: it did not start, because moto is not installed.
    """
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - the arguments are our own
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a port of the loopback on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """
    Wait until a process that was started just now listens on a port of the loopback.

    Raises:
        NoServer: it has ended, or it does not listen within a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise NoServer(
        "level s3 takes a server, and moto's does not start: "
        "pip install 'lab-workbook[conformance]' brings it, --s3-endpoint names another"
    )
