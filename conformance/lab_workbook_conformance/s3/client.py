"""
A small client of S3, on the standard library alone: what the kit asks of a bucket, and its own writer too.

>>> client = Client("http://127.0.0.1:5000", os.environ)
>>> client.put("bucket", "exp/T/options.json", b"{}", {"If-None-Match": "*"})
>>> client.keys("bucket", "exp/")
['exp/T/options.json']

Requests are signed as AWS describes it (signature version 4), because servers other than moto's look.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

_TIMEOUT = 60


class S3Error(Exception):
    """The server said no; ``status`` is its number."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Reply(NamedTuple):
    """What the server said."""

    headers: http.client.HTTPMessage
    body: bytes


class Client:
    """A server by its URL; the environment has the keys and the region."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host = parts.netloc
        self._key = environment["AWS_ACCESS_KEY_ID"]
        self._secret = environment["AWS_SECRET_ACCESS_KEY"]
        self._token = environment.get("AWS_SESSION_TOKEN")
        self._region = environment.get("AWS_DEFAULT_REGION") or "us-east-1"

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket."""
        self.ask("PUT", bucket)

    def delete_bucket(self, bucket: str) -> None:
        """Remove a bucket and all that is in it."""
        for key in self.keys(bucket):
            self.delete(bucket, key)
        self.ask("DELETE", bucket)

    def put(self, bucket: str, key: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Put an object."""
        self.ask("PUT", bucket, key, body=data, headers=headers)

    def get(self, bucket: str, key: str) -> bytes:
        """Return the bytes of an object."""
        return self.ask("GET", bucket, key).body

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object."""
        self.ask("DELETE", bucket, key)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys that begin with a prefix, in their order."""
        return list(self._pages(bucket, prefix))

    def _pages(self, bucket: str, prefix: str) -> Iterator[str]:
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        while True:
            page = ET.fromstring(self.ask("GET", bucket, query=query).body)  # noqa: S314 - the user's own server
            yield from (unquote(key.text or "") for key in page.iterfind("{*}Contents/{*}Key"))
            token = page.findtext("{*}NextContinuationToken")
            if not token:
                return
            query["continuation-token"] = token

    def ask(
        self,
        method: str,
        bucket: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """
        Send one request, and return what the server says.

        Raises:
            S3Error: it said no.
            OSError: there is no server.
        """
        path = quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe="/~")
        # Sorted, because that is how they are signed.
        text = urlencode(sorted((query or {}).items()), quote_via=quote, safe="~")
        connection = self._connection(self._host, timeout=_TIMEOUT)
        try:
            signed = self._signed(method, path, text, body)
            url = f"{path}?{text}" if text else path
            connection.request(method, url, body, {**(headers or {}), **signed})
            answer = connection.getresponse()
            said = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path} was answered by half: {error!r}") from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise S3Error(answer.status, f"{method} {path}: {said.decode('utf-8', 'replace')[:200]}")
        return Reply(answer.headers, said)

    def _signed(self, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        """Return the headers that say who asks; only they are signed."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": now}
        headers |= {"x-amz-security-token": self._token} if self._token else {}
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        names = ";".join(headers)
        request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{now[:8]}/{self._region}/s3/aws4_request"
        summary = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{summary}"
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        del headers["host"]
        credential = f"Credential={self._key}/{scope}"
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        )
        return headers
