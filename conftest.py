"""
What every test stands on: a home of its own, and an S3 server that is a real process.

The server is known by its URL alone. Without further words it is moto's, started on a free port of
the loopback; ``LAB_WORKBOOK_TEST_S3_ENDPOINT``, with ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``
beside it, names another.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Looked at now, because `isolation` hides it from the tests.
_GIVEN = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "LAB_WORKBOOK_"))}


class S3Server(NamedTuple):
    """An S3 server: its URL and what the environment must say to use it."""

    url: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Fresh folders, one after the other."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def isolation(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Give each test an empty home folder and an environment without settings or credentials.

    Returns the home folder.
    """
    home = next(homes)
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("AWS_", "LAB_WORKBOOK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    # A test without credentials must not wait for the metadata service of a cloud.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return home


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """The S3 server of this session."""
    given = _GIVEN.get("LAB_WORKBOOK_TEST_S3_ENDPOINT")
    if given:
        yield S3Server(given, _environment(given))
        return
    port = _free_port()
    with _moto_server(port) as url:
        yield S3Server(url, _environment(url))


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a running S3 server, with an environment that points to it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.url


@pytest.fixture
def s3_client(s3: str) -> S3Client:
    """A plain boto3 client of the server, to look at what is really there."""
    import boto3

    return boto3.client("s3", endpoint_url=s3)


@pytest.fixture
def bucket_prefix(s3_client: S3Client) -> str:
    """The prefix ``exp/`` of a fresh bucket."""
    bucket = f"test-{uuid.uuid4().hex[:20]}"
    s3_client.create_bucket(Bucket=bucket)
    return f"s3://{bucket}/exp/"


@pytest.fixture
def late_s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> LateServer:
    """A way to the S3 server that is closed at first, with an environment that points to it."""
    host, _, port = s3_server.url.removeprefix("http://").partition(":")
    late = LateServer((host, int(port or 80)), _free_port())
    for name, value in {**s3_server.environment, "AWS_ENDPOINT_URL_S3": late.url}.items():
        monkeypatch.setenv(name, value)
    return late


class LateServer:
    """The network to a server, which a test switches on and off: ``with late.running(): ...``."""

    def __init__(self, server: tuple[str, int], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._server = server
        self._port = port

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Let bytes through for the length of a ``with``; then cut every connection."""
        connections: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", self._port), reuse_port=False) as listener:
            thread = threading.Thread(target=self._accept, args=(listener, connections))
            thread.start()
            try:
                yield self.url
            finally:
                # A thread inside accept() would keep a closed listener alive.
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()
                for connection in connections:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket, connections: list[socket.socket]) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._server)
                connections += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    # Whichever direction ends first ends both; each socket is closed by the pump that reads it.
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    source.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _moto_server(port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(  # noqa: S603 - the arguments are our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": _GIVEN.get("AWS_ACCESS_KEY_ID", "testing"),
        "AWS_SECRET_ACCESS_KEY": _GIVEN.get("AWS_SECRET_ACCESS_KEY", "testing"),
        "AWS_DEFAULT_REGION": _GIVEN.get("AWS_DEFAULT_REGION", "us-east-1"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the S3 server for tests has ended; install the dev group: make setup")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the S3 server for tests did not start within a minute")
