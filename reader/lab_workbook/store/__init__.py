"""
Objects by key: all that the reader and the uploader know of S3 or of a folder.

Two tiny interfaces and two real implementations, `store.folder` and `store.s3`. Keys are relative
to the prefix that a store was opened on, always with ``/``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, Final, NamedTuple, Protocol

# In such pieces a large object passes through memory.
CHUNK_BYTES: Final = 2**20


class Entry(NamedTuple):
    """
    One object of a listing; ``size`` in bytes.

    ``etag`` is another one whenever the bytes are other ones, and empty where the store cannot tell.
    ``age`` is in seconds since the object was last modified, by the store's own clock.
    """

    key: str
    size: int
    etag: str = ""
    age: float | None = None


class Blob(NamedTuple):
    """The bytes of an object, when it was last modified, what the store's clock said then, and its etag."""

    data: bytes
    modified: datetime
    now: datetime
    etag: str = ""


class Reads(Protocol):
    """All that a reader asks of a store."""

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Blob:
        """
        Return an object's bytes from ``start`` on; raises `KeyError` where there is none.

        ``etag`` is what a listing showed a moment ago. A cache that has just these bytes need not ask.
        """
        ...

    def get_together(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """
        Return the bytes of some small objects of one folder by key, as a listing has just shown them.

        What has gone since is left out. A cache keeps them together, in one file.
        """
        ...

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes piece by piece, as they lie there now; raises `KeyError`."""
        ...

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``prefix``, in the order of their bytes."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names of the folders that begin with ``prefix`` and have something in them."""
        ...

    def url(self, key: str) -> str:
        """Return a name that no other object of any store has."""
        ...


class Annotates(Reads, Protocol):
    """What somebody asks who reads, and now and then adds a note."""

    def create(self, key: str, body: IO[bytes]) -> None:
        """Put an object that must not exist yet; raises `AlreadyExists`."""
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


def get_each(get: Callable[[str], Blob], keys: Iterable[str]) -> dict[str, Blob]:
    """Return the objects that are there, by key."""
    found = {}
    for key in keys:
        with contextlib.suppress(KeyError):
            found[key] = get(key)
    return found
