"""
Large objects, sent in parts while they are read: a few parts are in memory, whatever the size.

boto3 has this too, but it cannot ask that the object must not exist, and it holds ten parts.
"""

from __future__ import annotations

import contextlib
import io
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES: Final = 8 * 1024 * 1024

_PARTS_AT_ONCE: Final = 2
# S3 takes ten thousand parts of an object.
_MAX_PARTS: Final = 9000


def upload(
    client: S3Client,
    where: dict[str, Any],
    body: IO[bytes],
    *,
    size: int,
    options: dict[str, Any],
    finish: Callable[..., Any],
) -> None:
    """
    Send ``size`` bytes of ``body`` to ``where``, a ``Bucket`` and a ``Key``.

    ``finish`` is called like ``client.complete_multipart_upload``, and is where conditions go. What
    was sent is given up if anything fails.
    """
    begun = client.create_multipart_upload(**where, **options)
    where = {**where, "UploadId": begun["UploadId"]}
    try:
        parts = list(_send(client, where, _parts(body, size)))
        finish(**where, MultipartUpload={"Parts": parts})
    except BaseException:
        # Parts that nobody finishes cost money until a rule of the bucket's lifecycle removes them.
        with contextlib.suppress(Exception):
            client.abort_multipart_upload(**where)
        raise


def attempt(client: S3Client, where: dict[str, Any], options: dict[str, Any]) -> bool:
    """Begin an object, send a part of it and give it up; returns whether giving up is allowed."""
    from botocore.exceptions import ClientError

    begun = client.create_multipart_upload(**where, **options)
    where = {**where, "UploadId": begun["UploadId"]}
    try:
        client.upload_part(**where, PartNumber=1, Body=b"part")
    finally:
        is_gone = True
        try:
            client.abort_multipart_upload(**where)
        except ClientError:
            is_gone = False
    return is_gone


def _parts(body: IO[bytes], size: int) -> Iterator[bytes]:
    length = part_bytes(size)
    while part := body.read(length):
        yield part


def part_bytes(size: int) -> int:
    """
    Return the length of all parts but the last, for an object of some size.

    >>> part_bytes(50 * 10**9)
    8388608
    """
    return max(PART_BYTES, -(-size // _MAX_PARTS))


def _send(client: S3Client, where: dict[str, Any], parts: Iterator[bytes]) -> Iterator[CompletedPartTypeDef]:
    """Send parts, a few at once, in an order that needs no more memory than these few."""

    def put(number: int, part: bytes) -> CompletedPartTypeDef:
        # As a file, because botocore would copy bytes behind the head of the request.
        answer = client.upload_part(**where, PartNumber=number, Body=io.BytesIO(part))
        return {"PartNumber": number, "ETag": answer["ETag"]}

    under_way: deque[Future[CompletedPartTypeDef]] = deque()
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
        for number, part in enumerate(parts, 1):
            under_way.append(pool.submit(put, number, part))
            if len(under_way) == _PARTS_AT_ONCE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
