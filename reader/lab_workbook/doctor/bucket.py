"""The checks of an ``s3://`` prefix: what a writer would do, done once with an object of our own."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator

from lab_workbook.config import Config
from lab_workbook.doctor.finding import Finding, Level
from lab_workbook.errors import AccessDenied, AlreadyExists, LabWorkbookError
from lab_workbook.store.put_options import PutOptions
from lab_workbook.store.s3 import S3Store
from lab_workbook.store.wire import Wire

# S3 refuses requests that are more than a quarter of an hour off.
_SKEW_REFUSED = 900.0
_SKEW_ODD = 60.0


def examine(settings: Config) -> Iterator[Finding]:
    """Look at the way to a bucket, and at what it allows."""
    wire = Wire()
    try:
        store = _open(settings, wire)
    except LabWorkbookError as error:
        yield Finding("settings", Level.PROBLEM, str(error))
        return
    yield _credentials(store)
    key = f".lab-workbook-doctor-{uuid.uuid4().hex}"
    wrote = _write(store, key, settings)
    yield wrote
    if wire.skew is not None:
        yield _clock(wire.skew)
    if wrote.level is Level.OK:
        yield _condition(store, key)
        yield _overwrite(store, key, wire)
        yield _parts(store, key + ".parts")
        yield _unneeded("read", lambda: store.get(key))
        yield _unneeded("list", lambda: next(iter(store.keys(key)), None))
        yield _remove(store, key, settings)


def _open(settings: Config, wire: Wire) -> S3Store:
    return S3Store(
        settings.bucket_prefix,
        endpoint_url=settings.endpoint_url,
        profile=settings.profile,
        region=settings.region,
        addressing_style=settings.addressing_style,
        options=PutOptions(
            settings.server_side_encryption, settings.kms_key_id, settings.storage_class, settings.acl
        ),
        wire=wire,
    )


def _credentials(store: S3Store) -> Finding:
    try:
        source = store.credentials_from()
    except LabWorkbookError as error:
        return Finding("credentials", Level.PROBLEM, str(error))
    if source is None:
        text = "no credentials were found: run `aws configure`, or name a profile with `profile`"
        return Finding("credentials", Level.PROBLEM, text)
    return Finding("credentials", Level.OK, f"credentials come from {source}")


def _write(store: S3Store, key: str, settings: Config) -> Finding:
    try:
        store.create(key, _body())
    except LabWorkbookError as error:
        return Finding("writable", Level.PROBLEM, str(error))
    return Finding(
        "writable", Level.OK, f"{store.endpoint} answers, and {settings.bucket_prefix} can be written"
    )


def _condition(store: S3Store, key: str) -> Finding:
    try:
        store.create(key, _body())
    except AlreadyExists:
        return Finding("conditional", Level.OK, "what exists is not created again: a tag is claimed once")
    except LabWorkbookError as error:
        return Finding("conditional", Level.PROBLEM, str(error))
    text = "the server ignores If-None-Match: two scripts that choose one tag would overwrite each other"
    return Finding("conditional", Level.WARNING, text)


def _overwrite(store: S3Store, key: str, wire: Wire) -> Finding:
    try:
        store.replace(key, _body())
    except AccessDenied:
        text = "overwrites are refused: series live in segments until they end, and nobody can change them"
        return Finding("overwrite", Level.OK, text)
    except LabWorkbookError as error:
        return Finding("overwrite", Level.PROBLEM, str(error))
    if wire.keeps_versions:
        text = "overwrites are allowed, and the bucket keeps versions: what is overwritten can be restored"
        return Finding("overwrite", Level.OK, text)
    text = (
        "overwrites are allowed: a stolen key of a training machine can overwrite earlier experiments;"
        " `lab-workbook policy --only createOnly` prevents it, and versioning keeps what was there"
    )
    return Finding("overwrite", Level.NOTE, text)


def _parts(store: S3Store, key: str) -> Finding:
    try:
        is_gone = store.try_parts(key)
    except (LabWorkbookError, KeyError) as error:
        # A server that knows nothing of parts may answer with none of what was asked.
        return Finding("multipart", Level.PROBLEM, f"files over 8 MiB cannot be sent: {error}")
    if not is_gone:
        text = "unfinished uploads cannot be given up (s3:AbortMultipartUpload): parts of failed ones stay"
        return Finding("multipart", Level.WARNING, text)
    return Finding("multipart", Level.OK, "large files can be sent in parts")


def _unneeded(verb: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except (LabWorkbookError, KeyError):
        return Finding(verb, Level.OK, f"these credentials may not {verb}, and a writer need not")
    text = f"these credentials may {verb}, as a reader must; a writer need not (`lab-workbook policy`)"
    return Finding(verb, Level.NOTE, text)


def _remove(store: S3Store, key: str, settings: Config) -> Finding:
    try:
        is_gone = store.delete(key)
    except LabWorkbookError:
        is_gone = False
    if is_gone:
        return Finding("cleanup", Level.OK, "the object of this examination is removed")
    text = f"{settings.bucket_prefix}{key} stays, because these credentials may not delete (nor need they)"
    return Finding("cleanup", Level.NOTE, text)


def _clock(skew: float) -> Finding:
    if abs(skew) < _SKEW_ODD:
        return Finding("clock", Level.OK, "our clock agrees with the server's")
    text = f"our clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's: set it"
    return Finding("clock", Level.PROBLEM if abs(skew) >= _SKEW_REFUSED else Level.WARNING, text)


def _body() -> io.BytesIO:
    return io.BytesIO(b"lab-workbook doctor was here; this object may be deleted\n")
