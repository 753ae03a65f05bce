"""
A folder as a store: each file is an object, its path under the folder is its key.

What lies in the folder may come from a stranger's archive. So only plain files are seen, whose names
are safe paths; no symbolic link below the folder is followed, and pipes and devices are not opened.
The folder itself may be a link, for it is the user who named it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import IO, Final

from lab_workbook.errors import AccessDenied, AlreadyExists, StoreError, warn
from lab_workbook.protocol import names
from lab_workbook.protocol.text import printable
from lab_workbook.store import CHUNK_BYTES, Blob, Entry, get_each, walk

# O_NONBLOCK, because what was a file a moment ago could be a pipe by now.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# That of FAT; all others tick faster.
_TICK_SECONDS: Final = 2


class FolderStore:
    """
    Objects in the folder ``path``, which need not exist: then it is empty.

    >>> FolderStore("/home/me/lab-workbook/").get("201602122149-PMJ8a76csB/options.json").data
    b'{"learning rate": 0.1}'
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<FolderStore: {self.url('')}>"

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Blob:
        """Return a file's bytes from ``start`` on; raises `KeyError` where there is none."""
        del etag
        with self._file(key) as file:
            status, now = os.fstat(file.fileno()), time.time()
            file.seek(start)
            modified, read = (datetime.fromtimestamp(at, timezone.utc) for at in (status.st_mtime, now))
            return Blob(file.read(), modified, read, _etag(status, now))

    def get_together(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """Return the bytes of some small files by key; what has gone is left out."""
        return {key: blob.data for key, blob in get_each(self.get, (each.key for each in entries)).items()}

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield a file's bytes piece by piece; raises `KeyError` where there is none."""
        with self._file(key) as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece

    def keys(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """List the files whose keys begin with ``prefix``, in the order of their bytes."""
        folder = prefix.rpartition("/")[0]
        with self._errors(prefix), contextlib.ExitStack() as stack:
            descriptor = self._open_folder(folder, stack)
            if descriptor is None:
                return
            now = time.time()
            found = [
                Entry(key, status.st_size, _etag(status, now), now - status.st_mtime)
                for key, status in walk.files(
                    descriptor, f"{folder}/" if folder else "", self._skipped(folder)
                )
                if key.startswith(prefix) and key.encode() > after.encode()
            ]
        yield from sorted(found, key=lambda entry: entry.key.encode())

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names of the folders that begin with ``prefix`` and have something in them."""
        folder, _, beginning = prefix.rpartition("/")
        with self._errors(prefix), contextlib.ExitStack() as stack:
            descriptor = self._open_folder(folder, stack)
            if descriptor is None:
                return
            found = [
                name
                for name, status in walk.scan(descriptor, beginning)
                if stat.S_ISDIR(status.st_mode) and _has_files(name, descriptor, self._skipped(folder=""))
            ]
        yield from sorted(found, key=str.encode)

    def create(self, key: str, body: IO[bytes]) -> None:
        """Put a file that must not exist yet, in one step; raises `AlreadyExists`."""
        folder, _, name = key.rpartition("/")
        with self._errors(key, "written"), contextlib.ExitStack() as stack:
            if names.is_safe_path(key):
                self._make_folder(folder)
            descriptor = self._open_folder(folder, stack)
            if descriptor is None or not names.is_safe_path(key):
                raise StoreError(f"{self._path}{key} cannot be written: there is no such folder")
            try:
                _create(name, descriptor, body.read())
            except FileExistsError:
                raise AlreadyExists(f"{self._path}{key} exists already") from None

    def url(self, key: str) -> str:
        """Return a name that no other file has."""
        return f"file://{self._path}{key}"

    @contextlib.contextmanager
    def _file(self, key: str) -> Iterator[IO[bytes]]:
        folder, _, name = key.rpartition("/")
        with self._errors(key), contextlib.ExitStack() as stack:
            descriptor = self._open_folder(folder, stack) if names.is_safe_path(key) else None
            # Looked at before it is opened, because opening a device can already do something.
            if descriptor is None or not _is_file(name, descriptor):
                raise KeyError(key)
            file = stack.enter_context(open(os.open(name, _FILE, dir_fd=descriptor), "rb"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise KeyError(key)
            yield file

    def _open_folder(self, folder: str, stack: contextlib.ExitStack) -> int | None:
        """Return a descriptor of a folder, reached part by part so that no link is followed."""
        if folder and not names.is_safe_path(folder):
            return None
        try:
            with _opened(self._path) as root:
                descriptor = walk.descend(root, folder.split("/") if folder else ())
            stack.callback(os.close, descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            # A link, or a name that no file can have.
            if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
                return None
            raise
        return descriptor

    def _skipped(self, folder: str) -> walk.Skipped:
        """Return what is done with a folder that cannot be read, below the one that is listed."""

        def skipped(path: str, error: OSError | None) -> None:
            # Of an experiment that was asked for, its error; but one of many must not hide the others.
            if error is not None and folder:
                raise error
            why = f"deeper than {walk.DEEPEST} folders" if error is None else error.strerror
            warn(f"{printable(f'{self._path}{path}')} is left out: {why}")

        return skipped

    def _make_folder(self, folder: str) -> None:
        """Make the last part of a folder, and those before it, where they are not there."""
        parent, _, name = folder.rpartition("/")
        if parent:
            self._make_folder(parent)
        with contextlib.ExitStack() as stack, contextlib.suppress(FileExistsError):
            descriptor = self._open_folder(parent, stack)
            if descriptor is not None and name:
                os.mkdir(name, dir_fd=descriptor)

    @contextlib.contextmanager
    def _errors(self, key: str, done: str = "read") -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise AccessDenied(
                f"{self._path}{key} may not be {done}: {error.strerror}."
                " Look at `ls -ld` of it and its folders"
            ) from None
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"{self._path}{key} cannot be {done}: {error.strerror}") from None


def _create(name: str, folder: int, data: bytes) -> None:
    """Create a file with all of its bytes, or nothing."""
    try:
        # A file without a name, which is given one when it is whole.
        with open(os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o666, dir_fd=folder), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.link(f"/proc/self/fd/{file.fileno()}", name, dst_dir_fd=folder)
    except FileExistsError:
        raise
    except (AttributeError, OSError):
        # Not every system and file system has this. A reader takes a file that is half there for no note.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(name, flags, 0o666, dir_fd=folder), "wb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.unlink(name, dir_fd=folder)
                raise


def _etag(status: os.stat_result, now: float) -> str:
    """Return what changes with the bytes of a file, if that can be told yet."""
    # A file system's clock ticks at most every two seconds: until then a file can change unseen.
    if now - status.st_mtime < _TICK_SECONDS:
        return ""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"


def _is_file(name: str, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return False
        raise


def _has_files(name: str, folder: int, skipped: walk.Skipped) -> bool:
    try:
        with walk.inside(name, folder) as descriptor:
            return any(True for _ in walk.files(descriptor, f"{name}/", skipped))
    except PermissionError:
        # What is in it is not known; who asks for it is told so.
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, walk.FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
