"""
What every test stands on: a home of its own, and an S3 server that is a real process.

The server is known by its URL alone. Without further words it is moto's, started on a free port of
the loopback; ``LAB_WORKBOOK_TEST_S3_ENDPOINT``, with ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``
beside it, names another. Tests that need one carry the mark ``s3``.

With ``LAB_WORKBOOK_TEST_S3_PUT_ONLY=1`` all that the tests start has the keys of a second user,
``LAB_WORKBOOK_TEST_S3_WRITER=KEY:SECRET``, whom each bucket's policy lets put objects and no more; only
the process of the tests itself keeps the owner's, to look at what is there.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings
from lab_workbook_conformance.s3 import server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Looked at now, because `isolation` hides it from the tests.
_GIVEN = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "LAB_WORKBOOK_"))}
_PUT_ONLY = bool(_GIVEN.get("LAB_WORKBOOK_TEST_S3_PUT_ONLY"))

# The first example pays for importing pandas, and a busy machine for its neighbours: nothing has a deadline.
# `make test` tries the same examples each time, so that a red run tells of a change; `make test-deep` tries
# others, and more of them.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("deep", deadline=None, max_examples=2_000)
settings.load_profile("same")


class S3Server(NamedTuple):
    """An S3 server: its URL and what the environment must say to use it."""

    url: str
    environment: dict[str, str]
    is_moto: bool = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need an S3 server."""
    for item in items:
        if "s3_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.s3)


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
        if name.startswith(("AWS_", "LAB_WORKBOOK_", "XDG_")):
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
        yield S3Server(given, _environment(given), is_moto=False)
        return
    with server.running() as moto:
        yield S3Server(moto.url, _environment(moto.url))


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a running S3 server, with an environment that points to it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    if _PUT_ONLY:
        _write_as_another(monkeypatch)
    return s3_server.url


@pytest.fixture
def moto(s3_server: S3Server, s3: str) -> str:
    """The URL of moto's server, for what Ceph has to be set up for, such as keys of KMS, or cannot do."""
    if not s3_server.is_moto:
        pytest.skip("moto's server has this without being set up: keys of KMS, classes, lists, conditions")
    return s3


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
    place = f"s3://{bucket}/exp/"
    if _PUT_ONLY:
        s3_client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_put_only_policy(place)))
    return place


@pytest.fixture
def late_s3(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LateServer]:
    """A way to the S3 server that is closed at first, with an environment that points to it."""
    host, _, port = s3.removeprefix("http://").partition(":")
    with socket.socket() as place:
        late = LateServer((host, int(port or 80)), place)
        # After what `s3` has set, in whichever order a test asks for the two.
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", late.url)
        yield late


@pytest.fixture(scope="session")
def no_flock(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """Return the environment of a program in which flock(2) fails with an error."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is needed to take flock(2) away")
    source = Path(__file__).parent / "tests" / "ownership" / "no_flock.c"
    library = tmp_path_factory.mktemp("no_flock") / "no_flock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)  # noqa: S603

    def environment(error: int = errno.ENOLCK) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "NO_FLOCK": str(error)}

    return environment


class LateServer:
    """The network to a server, which a test switches on and off: ``with late.running(): ...``."""

    def __init__(self, server: tuple[str, int], place: socket.socket) -> None:
        # Nobody listens there, and nobody else can be given this port meanwhile.
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        place.bind(("127.0.0.1", 0))
        self._port: int = place.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._server = server

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Let bytes through for the length of a ``with``; then cut every connection."""
        connections: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", self._port), reuse_port=True) as listener:
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


def _write_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the environment the keys of the user who only writes, and boto3 in this process the owner's."""
    import boto3.session

    class OwnersSession(boto3.session.Session):
        def __init__(self, **given: Any) -> None:
            key, secret = _GIVEN["AWS_ACCESS_KEY_ID"], _GIVEN["AWS_SECRET_ACCESS_KEY"]
            super().__init__(**{"aws_access_key_id": key, "aws_secret_access_key": secret, **given})

    for module in (boto3, boto3.session):
        monkeypatch.setattr(module, "Session", OwnersSession)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    key, _, secret = _GIVEN["LAB_WORKBOOK_TEST_S3_WRITER"].partition(":")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)


def _put_only_policy(bucket_prefix: str) -> dict[str, Any]:
    """Return what `lab-workbook policy` prints, as one policy of the bucket for both users."""
    from lab_workbook import policy
    from lab_workbook.protocol import prefix

    place = prefix.parse(bucket_prefix)
    grants = [("writer", each) for each in policy.writer(place)["Statement"]]
    # What the writer puts is the writer's, on this server, so its bucket's owner must be let in too.
    grants += [("owner", each) for each in policy.reader(place)["Statement"]]
    statements = [{**each, "Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]}} for user, each in grants]
    return {"Version": "2012-10-17", "Statement": statements}


def _environment(url: str) -> dict[str, str]:
    given = {name: _GIVEN[name] for name in server.ENVIRONMENT if name in _GIVEN}
    return {**server.ENVIRONMENT, **given, "AWS_ENDPOINT_URL_S3": url}
