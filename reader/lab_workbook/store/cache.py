"""
A bucket behind copies on the own disk.

>>> store = CachedStore(S3Store(prefix.parse("s3://my-bucket/exp/")), CacheFolder(path, limit))
>>> store.get("201602122149-PMJ8a76csB/Training loss.csv").data

What has not changed is not sent again. The server is asked for the version each time, unless the caller
has just seen it in a listing, so a tag that was deleted and made again never shows what it once held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import IO

from lab_workbook.store import Blob, Entry, get_each
from lab_workbook.store.cache_folder import CacheFolder, Copy
from lab_workbook.store.s3 import S3Store, Unchanged


class CachedStore:
    """The objects of a store in S3, and copies of those that were read; implements `Reads` and `Writes`."""

    def __init__(self, store: S3Store, folder: CacheFolder) -> None:
        self._store = store
        self._folder = folder

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Blob:
        """Return an object's bytes from ``start`` on; raises `KeyError` where there is none."""
        if start:
            # Whoever asks so has what is before it; a copy of the rest would be of no use to anyone else.
            return self._store.get(key, start=start)
        name = self._store.url(key)
        copy = self._folder.get(name) or self._together(key).get(key)
        if copy is None:
            return self._kept(name, self._store.get(key))
        if etag and copy.etag == etag:
            return _blob(copy, datetime.now(timezone.utc))
        answer = self._store.get_unless(key, copy.etag)
        return _blob(copy, answer.now) if isinstance(answer, Unchanged) else self._kept(name, answer)

    def get_together(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """Return the bytes of some small objects of one folder by key; what has gone is left out."""
        wanted = {entry.key: entry.etag for entry in entries}
        if not wanted:
            return {}
        # A file costs more to make than these objects to read, so they share one.
        first = next(iter(wanted))
        known = self._together(first)
        copies = {
            key: known[key]
            for key, etag in wanted.items()
            if etag and key in known and known[key].etag == etag
        }
        fresh = get_each(self._store.get, wanted.keys() - copies.keys())
        if fresh:
            copies |= {
                key: Copy(blob.etag, blob.modified.timestamp(), blob.data) for key, blob in fresh.items()
            }
            kept = {
                key: [copy.etag, copy.modified, copy.data.decode("latin-1")] for key, copy in copies.items()
            }
            self._folder.put(self._folder_url(first), "", 0.0, json.dumps(kept).encode())
        return {key: copies[key].data for key in wanted if key in copies}

    def _together(self, key: str) -> dict[str, Copy]:
        """Return what was read together with an object, if it was."""
        copy = self._folder.get(self._folder_url(key))
        kept = {} if copy is None else json.loads(copy.data)
        return {
            key: Copy(etag, modified, text.encode("latin-1")) for key, (etag, modified, text) in kept.items()
        }

    def _folder_url(self, key: str) -> str:
        return f"together {self._store.url(key.partition('/')[0])}"

    def _kept(self, name: str, blob: Blob) -> Blob:
        # Without an etag nobody could say whether a copy is still what lies there.
        if blob.etag:
            self._folder.put(name, blob.etag, blob.modified.timestamp(), blob.data)
        return blob

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes piece by piece, as they lie in the bucket now; raises `KeyError`."""
        return self._store.chunks(key)

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """List the objects whose keys begin with ``prefix``, in the order of their bytes."""
        return self._store.keys(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names of the folders that begin with ``prefix`` and have something in them."""
        return self._store.folders(prefix)

    def url(self, key: str) -> str:
        """Return a name that no other object of any server has."""
        return self._store.url(key)

    def create(self, key: str, body: IO[bytes]) -> None:
        """Put an object that must not exist yet; raises `AlreadyExists`."""
        self._store.create(key, body)

    def replace(self, key: str, body: IO[bytes]) -> None:
        """Put an object, whatever was there."""
        self._store.replace(key, body)

    def delete(self, key: str) -> bool:
        """Delete an object, if it is there and we may; returns whether we may."""
        return self._store.delete(key)


def _blob(copy: Copy, now: datetime) -> Blob:
    return Blob(copy.data, datetime.fromtimestamp(copy.modified, timezone.utc), now, copy.etag)
