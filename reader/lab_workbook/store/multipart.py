"""
Large objects, sent in parts that are read from the file while they are sent: none is ever whole in memory.

boto3 has this too, but it cannot ask that the object must not exist, and it holds ten parts.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES: Final = 8 * 1024 * 1024

_PARTS_AT_ONCE: Final = 2
# What is asked of the disk at once.
_BLOCK_BYTES: Final = 256 * 1024
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
    Send ``size`` bytes of ``body``, a file on a disk, to ``where``, a ``Bucket`` and a ``Key``.

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


class _Slice(io.RawIOBase):
    """A piece of a file. Several of one file can be read at once, because none moves its position."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._start, self._size = descriptor, start, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = (
            offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        )
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        data = os.pread(self._descriptor, max(length, 0), self._start + self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _parts(body: IO[bytes], size: int) -> Iterator[_Slice]:
    length = max(PART_BYTES, -(-size // _MAX_PARTS))
    for start in range(0, size, length):
        yield _Slice(body.fileno(), start, min(length, size - start))


def _send(client: S3Client, where: dict[str, Any], parts: Iterator[_Slice]) -> Iterator[CompletedPartTypeDef]:
    """Send parts, a few at once and in their order."""

    def put(number: int, part: _Slice) -> CompletedPartTypeDef:
        answer = client.upload_part(**where, PartNumber=number, Body=io.BufferedReader(part, _BLOCK_BYTES))
        return {"PartNumber": number, "ETag": answer["ETag"]}

    under_way: deque[Future[CompletedPartTypeDef]] = deque()
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
        for number, part in enumerate(parts, 1):
            under_way.append(pool.submit(put, number, part))
            if len(under_way) == _PARTS_AT_ONCE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
