"""
A bounded folder of copies, each of which can be checked and thrown away.

>>> folder = CacheFolder("/home/me/.cache/lab-workbook/", 5_000_000_000)
>>> folder.put("https://s3/bucket/exp/A/options.json", '"5d41402a"', 1455315454.0, b"{}")
>>> folder.get("https://s3/bucket/exp/A/options.json").data
b'{}'

A file's first line is the SHA-256 of the rest, so whatever tore or damaged it, it is noticed and is as
if it were not there. Files are renamed into place, so any number of processes may share the folder and
be killed. Where it cannot be used, that is said once, and everything goes on without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import time
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from lab_workbook.errors import warn
from lab_workbook.protocol.private import make_folders

_SHARD = re.compile("[0-9a-f]{2}")
_FILE = re.compile("[0-9a-f]{62}|partial-[0-9a-f]{16}")
_DIGEST_LINE: Final = 65
_HEADER_MAX_BYTES: Final = 2**16
# One object may take so much of the folder: a larger one would drive everything else out.
_SHARE: Final = 4
# The folder is looked through once for so much of its size that is written, whoever writes it.
_LOOK: Final = 1 / 64
_AFTER_PRUNING: Final = 0.9
# The least that a file takes up on most disks.
_BLOCK_BYTES: Final = 4096
# A file that was used within the hour is not touched again, and a half-written one is still being written.
_HOUR_SECONDS: Final = 3600

# Our own, because the user's must give the numbers that their seed says.
_chance = random.Random()  # noqa: S311 - nothing secret hangs on it
_warned: set[str] = set()


class Copy(NamedTuple):
    """What an object held when it had this etag; ``modified`` is in seconds since 1970."""

    etag: str
    modified: float
    data: bytes


class Usage(NamedTuple):
    """How many files there are, and the bytes that they take up on the disk."""

    files: int
    bytes: int


class CacheFolder:
    """Copies of objects by name, of at most about ``limit`` bytes; a limit of 0 is no cache at all."""

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._is_ready: bool | None = None

    def get(self, name: str) -> Copy | None:
        """Return the copy of an object, if there is a whole one."""
        if not self._limit or not self._prepared():
            return None
        path = self._place(name)
        with contextlib.suppress(OSError), open(path, "rb") as file:
            copy = _checked(file, name)
            if copy is not None and time.time() - os.fstat(file.fileno()).st_mtime > _HOUR_SECONDS:
                os.utime(path)
            return copy
        return None

    def put(self, name: str, etag: str, modified: float, data: bytes) -> None:
        """Keep a copy, if it is not too large; what was used least goes when there is no room."""
        if len(data) * _SHARE >= self._limit or not self._prepared():
            return
        header = json.dumps([name, etag, modified]).encode() + b"\n"
        digest = hashlib.sha256(header)
        digest.update(data)
        try:
            self._write(self._place(name), digest.hexdigest().encode() + b"\n" + header, data)
        except OSError as error:
            self._give_up(str(error.strerror))
        # By chance, so that no process has to know what all the others have written.
        if _chance.random() * self._limit * _LOOK < len(data) + _BLOCK_BYTES:
            self.prune()

    def usage(self) -> Usage:
        """Return what is there."""
        found = list(self._files())
        return Usage(len(found), sum(file.size for file in found))

    def clear(self) -> Usage:
        """Delete all copies, and nothing else that may lie there; returns what was there."""
        usage = self.usage()
        for file in self._files():
            _remove(file.path)
        return usage

    def prune(self) -> None:
        """Delete what was used least recently, if there is too much."""
        files = sorted(self._files(), key=lambda file: file.used)
        surplus = sum(file.size for file in files) - self._limit
        goal = surplus + self._limit * (1 - _AFTER_PRUNING) if surplus > 0 else 0
        for file in files:
            is_torn = file.is_temporary and time.time() - file.used > _HOUR_SECONDS
            if goal > 0 or is_torn:
                goal -= file.size
                _remove(file.path)

    def _place(self, name: str) -> str:
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
        return f"{self._path}{digest[:2]}/{digest[2:]}"

    def _write(self, path: str, head: bytes, data: bytes) -> None:
        folder = os.path.dirname(path)
        temporary = f"{folder}/partial-{os.urandom(8).hex()}"
        try:
            descriptor = _create(temporary)
        except FileNotFoundError:
            make_folders(folder)
            descriptor = _create(temporary)
        try:
            with open(descriptor, "wb") as file:
                file.write(head)
                file.write(data)
            os.rename(temporary, path)
        except BaseException:
            _remove(temporary)
            raise

    def _prepared(self) -> bool:
        if self._is_ready is None:
            self._is_ready = True
            try:
                make_folders(self._path)
                status = os.stat(self._path)
            except OSError as error:
                self._give_up(str(error.strerror))
            else:
                # Another user could put there what we take for an experiment.
                if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                    self._give_up("it belongs to another user, or others may write there")
        return self._is_ready

    def _give_up(self, why: str) -> None:
        self._is_ready = False
        if self._path not in _warned:
            _warned.add(self._path)
            warn(
                f"nothing is kept in {self._path}: {why}. Everything is fetched each time it is read;"
                " `cacheDir = ...` names another folder, and `cacheBytes = 0` needs none"
            )

    def _files(self) -> Iterator[_File]:
        with contextlib.suppress(OSError), os.scandir(self._path) as shards:
            for shard in shards:
                if _SHARD.fullmatch(shard.name) and shard.is_dir(follow_symlinks=False):
                    yield from _inside(shard.path)


class _File(NamedTuple):
    path: str
    used: float
    size: int
    is_temporary: bool


def _inside(folder: str) -> Iterator[_File]:
    with os.scandir(folder) as entries:
        for entry in entries:
            # Another process may have deleted it since.
            with contextlib.suppress(FileNotFoundError):
                if _FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    size = max(status.st_size, status.st_blocks * 512)
                    yield _File(entry.path, status.st_mtime, size, entry.name.startswith("partial-"))


def _checked(file: IO[bytes], name: str) -> Copy | None:
    digest, header, data = file.readline(_DIGEST_LINE), file.readline(_HEADER_MAX_BYTES), file.read()
    found = hashlib.sha256(header)
    found.update(data)
    if found.hexdigest().encode() + b"\n" != digest:
        return None
    named, etag, modified = json.loads(header)
    return Copy(etag, modified, data) if named == name else None


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
