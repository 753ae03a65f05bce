"""
The bucket of one run: in moto's server, which is started for it, or in one that is given.

A given server has to take requests whatever `Host` they name, because they come through a proxy; Ceph and
MinIO do, AWS does not. Its keys are in the environment (``AWS_ACCESS_KEY_ID``, …), and the user that they
belong to may make a bucket.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import final

from lab_workbook_conformance.s3 import server
from lab_workbook_conformance.s3.client import Client, S3Error


@final
class Bucket:
    """A bucket of its own; ``environment`` is what a client of its server needs beside a URL."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = url
        self.name = f"certify-{uuid.uuid4().hex[:20]}"
        self.environment = dict(environment)
        self.client = Client(url, environment)

    def fill(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Put these files under a key."""
        for name, data in files.items():
            self.client.put(self.name, folder + name, data)

    def experiments(self, folder: str) -> dict[str, dict[str, bytes]]:
        """Return what lies under a key: the files of each experiment by their names, by tag."""
        found: dict[str, dict[str, bytes]] = {}
        for key in self.client.keys(self.name, folder):
            tag, _, name = key.removeprefix(folder).partition("/")
            try:
                found.setdefault(tag, {})[name] = self.client.get(self.name, key)
            except S3Error as error:
                # Deleted since the listing: whether it should have been is for the rules to say.
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
        return found


@contextlib.contextmanager
def opened(endpoint: str | None = None) -> Iterator[Bucket]:
    """
    Make a bucket for the length of a ``with``.

    Raises:
        NoServer: nobody made one.
    """
    if endpoint is None:
        with server.running() as moto:
            yield _made(Bucket(moto.url, server.ENVIRONMENT))
        return
    given = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    bucket = _made(Bucket(endpoint, {**server.ENVIRONMENT, **given}))
    try:
        yield bucket
    finally:
        bucket.client.delete_bucket(bucket.name)


def _made(bucket: Bucket) -> Bucket:
    try:
        bucket.client.create_bucket(bucket.name)
    except (OSError, HTTPException, S3Error) as error:
        raise server.NoServer(f"{bucket.url} makes no bucket: {error}") from error
    return bucket
