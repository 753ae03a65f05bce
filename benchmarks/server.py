"""The S3 server of the tests, with an environment that points to it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from lab_workbook_conformance.s3 import server


@contextlib.contextmanager
def running() -> Iterator[server.Server]:
    """Run a server for the length of a ``with``."""
    with server.running() as moto:
        os.environ.update(server.ENVIRONMENT, AWS_ENDPOINT_URL_S3=moto.url)
        yield moto
