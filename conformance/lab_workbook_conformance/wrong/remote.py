"""An experiment in a bucket, for the reader: the files of it, one request each."""

from __future__ import annotations

import email.utils
import os
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.client import Client, S3Error
from lab_workbook_conformance.wrong import reader
from lab_workbook_conformance.wrong.errors import Refused


def experiment(prefix: str, tag: str) -> reader.Experiment:
    """Return an experiment, wherever it is."""
    return Remote(prefix, tag) if prefix.startswith("s3://") else reader.Experiment(prefix, tag)


def client() -> Client:
    """Return a client of the server that the environment names."""
    return Client(os.environ["AWS_ENDPOINT_URL_S3"], os.environ)


class Remote(reader.Experiment):
    """One experiment in a bucket."""

    def look(self) -> None:
        """Refuse what is not there."""
        self._client = client()
        self._bucket, _, self._key = self._folder.removeprefix("s3://").partition("/")
        if not self.names():
            raise Refused(None, f"there is no experiment in {self._folder}")

    def get(self, name: str) -> bytes | None:
        try:
            return self._client.get(self._bucket, self._key + name)
        except S3Error as error:
            if error.status == 404:
                return None
            raise

    def names(self) -> list[str]:
        return [key.removeprefix(self._key) for key in self._client.keys(self._bucket, self._key)]

    def age(self) -> float:
        """Return how old the heartbeat is, by the clock of the server."""
        headers = self._client.ask("HEAD", self._bucket, self._key + SPEC["layout"]["heartbeat"]).headers
        now, then = (_seconds(headers[name]) for name in ("Date", "Last-Modified"))
        return now - then


def _seconds(date: Any) -> float:
    return email.utils.parsedate_to_datetime(str(date)).timestamp()
