"""
A prefix of a bucket in S3, or in a server that speaks like it.

>>> store = S3Store(prefix.parse("s3://my-bucket/experiments/"))
>>> list(store.folders(""))
['201602122149-PMJ8a76csB']

Credentials are never ours: boto3's own chain finds them, and ``AWS_ENDPOINT_URL_S3`` and
``AWS_PROFILE`` work as everywhere.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from lab_workbook.errors import AccessDenied, ConfigurationError
from lab_workbook.protocol import layout
from lab_workbook.protocol.prefix import Prefix
from lab_workbook.store import CHUNK_BYTES, Blob, Entry, get_each, multipart, s3_errors
from lab_workbook.store.parallel import THREADS
from lab_workbook.store.put_options import PutOptions
from lab_workbook.store.wire import Wire

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

# How often boto3 sends a request that gets no answer.
_ATTEMPTS = 4


# What a listing contains, also an empty one.
_LISTING = frozenset({"Name", "Prefix", "KeyCount", "IsTruncated"})

# What boto3 calls the places where it looks for credentials.
_SOURCES = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "assume-role": "a role that the profile assumes",
    "assume-role-with-web-identity": "a role of this Kubernetes service account",
    "sso": "a login by `aws sso login`",
    "login": "a login by `aws login`",
    "container-role": "the role of this container",
    "iam-role": "the role of this machine",
    "custom-process": "the program that the profile names",
}


class Unchanged(NamedTuple):
    """The answer that nothing has changed, and what the server's clock said then."""

    now: datetime


class S3Store:
    """
    The objects under a prefix; implements `Reads` and `Writes`.

    ``options`` go with each object that is put, and ``wire`` counts what is sent.

    Raises:
        CredentialsMissing: the profile does not exist; all else about credentials shows in a request.
        ConfigurationError: the endpoint is no URL, or the region no region.
    """

    def __init__(
        self,
        prefix: Prefix,
        *,
        endpoint_url: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        addressing_style: str = "auto",
        options: PutOptions | None = None,
        wire: Wire | None = None,
    ) -> None:
        # A codec that cannot be loaded for lack of memory is never looked for again by Python, and each
        # request needs this one; an import that fails is tried again with the next store.
        importlib.import_module("encodings.idna")

        # boto3 costs half a second, which a script that writes to a folder should not pay.
        import boto3.session

        self._bucket = prefix.bucket
        self._path = prefix.path
        self._given = endpoint_url
        self._addressing_style = addressing_style
        self._options = (options or PutOptions()).arguments()
        self._wire = wire
        self._endpoint = endpoint_url or "S3"
        try:
            with self._explained(""):
                self._session = boto3.session.Session(profile_name=profile, region_name=region)
                self._is_elsewhere = False
                self._client = self._new_client(_ATTEMPTS)
                self._is_elsewhere = not _is_aws(self._client.meta.endpoint_url)
                if self._is_elsewhere:
                    self._client = self._new_client(_ATTEMPTS)
        except ValueError as error:
            raise ConfigurationError(
                f"endpointUrl (or AWS_ENDPOINT_URL_S3) cannot be used: {error}"
            ) from error
        self._endpoint = self._client.meta.endpoint_url

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Blob:
        """Return an object's bytes from ``start`` on; raises `KeyError` where there is none."""
        del etag
        more: dict[str, Any] = {"Range": f"bytes={start}-"} if start else {}
        with self._explained(key):
            try:
                return self._get(key, **more)
            except self._client.exceptions.ClientError as error:
                if _code(error) not in s3_errors.PAST_THE_END:
                    raise
                head = self._client.head_object(Bucket=self._bucket, Key=self._path + key)
                return Blob(b"", head["LastModified"], _now(head), head.get("ETag", ""))

    def get_unless(self, key: str, etag: str) -> Blob | Unchanged:
        """Return an object's bytes, unless it is as it was with this etag; raises `KeyError`."""
        with self._explained(key):
            try:
                return self._get(key, IfNoneMatch=etag)
            except self._client.exceptions.ClientError as error:
                if _code(error) not in s3_errors.NOT_MODIFIED:
                    raise
                return Unchanged(_now(error.response))

    def get_together(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """Return the bytes of some small objects by key; what has gone is left out."""
        return {key: blob.data for key, blob in get_each(self.get, (each.key for each in entries)).items()}

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes piece by piece; raises `KeyError` where there is none."""
        with self._explained(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._path + key)
            self._check(answer, key)
            yield from answer["Body"].iter_chunks(CHUNK_BYTES)

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``prefix``, in the order of their bytes."""
        more: dict[str, Any] = {"StartAfter": self._path + after} if after else {}
        cut = len(self._path)
        for page in self._pages(prefix, **more):
            now = _now(page)
            for item in page.get("Contents", []):
                age = (now - item["LastModified"]).total_seconds()
                yield Entry(item["Key"][cut:], item["Size"], item.get("ETag", ""), age)

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names of the folders that begin with ``prefix`` and have something in them."""
        cut = len(self._path) + prefix.rfind("/") + 1
        for page in self._pages(prefix, Delimiter="/"):
            for item in page.get("CommonPrefixes", []):
                yield item["Prefix"][cut:-1]

    def url(self, key: str) -> str:
        """Return a name that no other object of any server has."""
        return f"{self._endpoint}/{self._bucket}/{self._path}{key}"

    def create(self, key: str, body: IO[bytes]) -> None:
        """Put an object that must not exist yet; raises `AlreadyExists`."""
        self._put(key, body, self._once, IfNoneMatch="*")

    def replace(self, key: str, body: IO[bytes]) -> None:
        """Put an object, whatever was there."""
        # Sent once as well: whoever sends again has to know that the first one may still arrive.
        self._put(key, body, self._once)

    def _put(self, key: str, body: IO[bytes], client: S3Client, **condition: Any) -> None:
        """Put an object, a large one in parts; ``client`` sends what the condition is on."""
        size = body.seek(0, os.SEEK_END)
        body.seek(0)
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": self._path + key}
        options: dict[str, Any] = {**self._options, "ContentType": layout.content_type(key)}
        with self._explained(key):
            if size <= multipart.PART_BYTES:
                self._check(client.put_object(**where, Body=body, **options, **condition), key)
                return
            finish = functools.partial(client.complete_multipart_upload, **condition)
            try:
                multipart.upload(self._client, where, body, size=size, options=options, finish=finish)
            except KeyError as error:
                # An answer without UploadId or ETag.
                raise s3_errors.not_s3(self._where(key), self._endpoint) from error

    def delete(self, key: str) -> bool:
        """Delete an object, if it is there and we may; returns whether we may."""
        with contextlib.suppress(AccessDenied), self._explained(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._path + key)
            return True
        return False

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return self._endpoint

    def credentials_from(self) -> str | None:
        """Return in words where boto3 has found credentials, never the credentials; None for none."""
        with self._explained(""):
            found = self._session.get_credentials()
        return None if found is None else _SOURCES.get(found.method, str(found.method))

    def try_parts(self, key: str) -> bool:
        """Begin an object in parts and give it up; returns whether that was allowed too."""
        with self._explained(key):
            where = {"Bucket": self._bucket, "Key": self._path + key}
            return multipart.attempt(self._client, where, self._options)

    @functools.cached_property
    def _once(self) -> S3Client:
        """A client that sends a request once, so that nothing arrives twice without our knowing it."""
        return self._new_client(1)

    def _get(self, key: str, **more: Any) -> Blob:
        answer = self._client.get_object(Bucket=self._bucket, Key=self._path + key, **more)
        self._check(answer, key)
        return Blob(answer["Body"].read(), answer["LastModified"], _now(answer), answer.get("ETag", ""))

    def _check(self, answer: Mapping[str, Any], key: str) -> None:
        """Raise `Unreachable` if an answer has no ETag, as each answer of S3 about an object has."""
        if not answer.get("ETag"):
            raise s3_errors.not_s3(self._where(key), self._endpoint)

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._path}{key}"

    def _new_client(self, attempts: int) -> S3Client:
        from botocore.config import Config

        config = Config(
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=THREADS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        if self._is_elsewhere:
            config = config.merge(_elsewhere())
        if self._addressing_style != "auto":
            style: Any = {"addressing_style": self._addressing_style}
            config = config.merge(Config(s3=style))
        client = self._session.client("s3", endpoint_url=self._given, config=config)
        client.meta.events.register("before-call.s3.HeadBucket", _follow_no_redirect)
        if self._wire is not None:
            self._wire.attach(client)
        return client

    def _pages(self, prefix: str, **more: Any) -> Iterator[Any]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._path + prefix, **more
        )
        with self._explained(prefix):
            for page in pages:
                if not _LISTING & page.keys():
                    raise s3_errors.not_s3(self._where(prefix), self._endpoint)
                yield page

    @contextlib.contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Turn what boto3 raises into our errors."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        where = self._where(key)
        try:
            yield
        except ClientError as error:
            if _code(error) in s3_errors.MISSING_KEY:
                raise KeyError(key) from error
            raise s3_errors.from_answer(error, where, self._endpoint) from error
        except BotoCoreError as error:
            raise s3_errors.from_client(error, where, self._endpoint) from error
        except ResponseParserError as error:
            raise s3_errors.not_s3(where, self._endpoint) from error


def _elsewhere() -> Config:
    from botocore.config import Config

    # Servers other than AWS seldom have a host name for each bucket, and some refuse newer checksums.
    return Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _follow_no_redirect(params: dict[str, Any], **_: Any) -> None:
    """
    Keep botocore from following a redirect of this request.

    Redirected without a region, it asks for the bucket's region by HEAD. Where that is redirected as well, as
    by a captive portal, it would ask the same again, until the stack of Python is full.
    """
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _is_aws(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _now(answer: Any) -> datetime:
    """Return what the server's clock said, or ours where it said nothing."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return _parsed_date(date) if date else datetime.now(timezone.utc)


# Of many answers in one second each says the same.
@functools.lru_cache(maxsize=16)
def _parsed_date(date: str) -> datetime:
    return email.utils.parsedate_to_datetime(date)
