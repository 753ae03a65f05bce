"""
What goes over the wire to a server: requests by their kind, and the bytes of their bodies.

>>> wire = Wire()
>>> S3Store(prefix.parse("s3://my-bucket/exp/"), wire=wire).replace("a", body)
>>> wire.take()
Traffic(requests={'PUT': 1}, bytes=512)

boto3 tells of every attempt, so what it sends again of itself counts again, as it does on a bill.
"""

from __future__ import annotations

import email.utils
import threading
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

# A listing is a GET to HTTP, and costs as much as a PUT.
_LISTINGS = frozenset({"ListObjectsV2", "ListObjects", "ListMultipartUploads", "ListParts", "ListBuckets"})


class Traffic(NamedTuple):
    """Requests by kind (``PUT``, ``POST``, ``GET``, ``HEAD``, ``LIST``, ``DELETE``) and bytes sent."""

    requests: dict[str, int]
    bytes: int


class Wire:
    """
    Counts what the clients that it is attached to send.

    ``skew`` is by how many seconds our clock is ahead of the server's, once the server has said its
    time. ``keeps_versions`` is whether an answer named a version: then the bucket has versioning.
    """

    def __init__(self) -> None:
        self.skew: float | None = None
        self.keeps_versions = False
        # Requests are sent by several threads.
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._bytes = 0

    def attach(self, client: S3Client) -> None:
        """Count what a client sends from now on."""
        client.meta.events.register("before-send.s3", self._sends)
        client.meta.events.register("response-received.s3", self._received)

    def take(self) -> Traffic:
        """Return what was sent since the last call."""
        with self._lock:
            traffic = Traffic(dict(self._requests), self._bytes)
            self._requests.clear()
            self._bytes = 0
        return traffic

    def _sends(self, request: AWSPreparedRequest, event_name: str, **_more: Any) -> None:
        operation = event_name.rpartition(".")[2]
        kind = "LIST" if operation in _LISTINGS else str(request.method)
        size = _header(request.headers, "Content-Length") or _header(
            request.headers, "X-Amz-Decoded-Content-Length"
        )
        with self._lock:
            self._requests[kind] += 1
            self._bytes += int(size or 0)

    def _received(self, parsed_response: Any, **_more: Any) -> None:
        headers = (parsed_response or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
        # "null" is the version of an object where versioning was never enabled, or is suspended.
        self.keeps_versions |= headers.get("x-amz-version-id", "null") != "null"
        date = headers.get("date")
        if date:
            theirs = email.utils.parsedate_to_datetime(date)
            self.skew = (datetime.now(timezone.utc) - theirs).total_seconds()


def _header(headers: Any, name: str) -> str:
    value = headers.get(name)
    # botocore keeps some headers as bytes.
    return value.decode() if isinstance(value, bytes) else str(value or "")
