"""
Objects by key: all that the reader and the uploader know of S3 or of a folder.

Two tiny interfaces and two real implementations, `store.folder` and `store.s3`. Keys are relative
to the prefix that a store was opened on, always with ``/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import IO, NamedTuple, Protocol


class Entry(NamedTuple):
    """One object of a listing; ``size`` in bytes."""

    key: str
    size: int


class Blob(NamedTuple):
    """The bytes of an object, when it was last modified, and what the store's clock said then."""

    data: bytes
    modified: datetime
    now: datetime


class Reads(Protocol):
    """All that a reader asks of a store."""

    def get(self, key: str, *, start: int = 0) -> Blob:
        """Return an object's bytes from ``start`` on; raises `KeyError` where there is none."""
        ...

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``prefix``, in the order of their bytes."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names that lie directly under ``prefix`` and have something in them."""
        ...


class Writes(Protocol):
    """All that delivery asks of a store."""

    def create(self, key: str, body: IO[bytes]) -> None:
        """Put an object that must not exist yet; raises `AlreadyExists`."""
        ...

    def replace(self, key: str, body: IO[bytes]) -> None:
        """Put an object, whatever was there."""
        ...

    def delete(self, key: str) -> bool:
        """Delete an object, if it is there and we may; returns whether we may."""
        ...


class Store(Reads, Writes, Protocol):
    """Both."""
