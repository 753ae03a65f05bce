"""
A file system like vfat and exFAT, by FUSE: no hard links, no letter case, no owners, times of two seconds.

    python -m tests.faults.fat STORAGE MOUNT_POINT

Names keep the case that they were made with, and are found in any (Linux: fs/fat/namei_vfat.c). The files are
stored in the folder STORAGE of an ordinary file system.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import mfusepy

# fs/fat/namei_vfat.c, vfat_bad_char(); a control character is refused as well.
_FORBIDDEN = frozenset('*?<>|":\\') | {chr(code) for code in range(32)}
_TICK_NANOSECONDS = 2 * 10**9
_LONGEST_FILE = 2**32 - 1
# What utimensat(2) calls UTIME_NOW.
_NOW = 2**30 - 1


def _refuse(number: int) -> NoReturn:
    raise mfusepy.FuseOSError(number)


class Fat(mfusepy.Operations):
    """The file system; paths are those that the kernel asks for."""

    use_ns = True

    def __init__(self, storage: str) -> None:
        self._storage = storage

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = os.fstat(fh) if fh else os.lstat(self._find(path))
        kind = stat.S_IFDIR if stat.S_ISDIR(found.st_mode) else stat.S_IFREG
        return {
            "st_mode": kind | 0o755,
            "st_ino": found.st_ino,
            "st_nlink": 1,
            "st_size": found.st_size,
            "st_blocks": found.st_blocks,
            "st_uid": os.getuid(),
            "st_gid": os.getgid(),
            "st_mtime": found.st_mtime_ns // _TICK_NANOSECONDS * _TICK_NANOSECONDS,
            "st_ctime": found.st_mtime_ns // _TICK_NANOSECONDS * _TICK_NANOSECONDS,
            "st_atime": found.st_atime_ns // _TICK_NANOSECONDS * _TICK_NANOSECONDS,
        }

    def readdir(self, path: str, fh: int) -> Iterator[tuple[str, dict[str, int], int]]:
        del fh
        folder = self._find(path)
        for name in (".", "..", *os.listdir(folder)):
            found = os.lstat(f"{folder}/{name}")
            yield name, {"st_mode": found.st_mode, "st_ino": found.st_ino}, 0

    def mkdir(self, path: str, mode: int) -> int:
        del mode
        os.mkdir(self._new(path))
        return 0

    def rmdir(self, path: str) -> int:
        os.rmdir(self._find(path))
        return 0

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        del mode, fi
        return os.open(self._new(path), os.O_RDWR | os.O_CREAT, 0o600)

    def open(self, path: str, flags: int) -> int:
        return os.open(self._find(path), (flags & os.O_TRUNC) | os.O_RDWR)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        del path
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        del path
        if offset + len(data) > _LONGEST_FILE:
            _refuse(errno.EFBIG)
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        if length > _LONGEST_FILE:
            _refuse(errno.EFBIG)
        os.truncate(fh or self._find(path), length)
        return 0

    def flush(self, path: str, fh: int) -> int:
        del path, fh
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        del path, datasync
        os.fsync(fh)
        return 0

    def release(self, path: str, fh: int) -> int:
        del path
        os.close(fh)
        return 0

    def unlink(self, path: str) -> int:
        os.unlink(self._find(path))
        return 0

    def rename(self, old: str, new: str) -> int:
        source, target = self._find(old), self._new(new)
        if target.lower() == source.lower():
            target = f"{os.path.dirname(target)}/{os.path.basename(new)}"
        os.rename(source, target)
        return 0

    def link(self, target: str, source: str) -> int:
        del target, source
        _refuse(errno.EPERM)

    def symlink(self, target: str, source: str) -> int:
        del target, source
        _refuse(errno.EPERM)

    def mknod(self, path: str, mode: int, dev: int) -> int:
        del path, mode, dev
        _refuse(errno.EPERM)

    def chmod(self, path: str, mode: int) -> int:
        del path, mode
        _refuse(errno.EPERM)

    def chown(self, path: str, uid: int, gid: int) -> int:
        del path, uid, gid
        _refuse(errno.EPERM)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self._find(path), ns=None if times is None or _NOW in times else times)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._find(path))
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail")
        return {name: getattr(found, name) for name in names}

    def _find(self, path: str) -> str:
        """Return where a file is stored; raises ENOENT where there is none in any spelling."""
        folder = self._storage
        for part in filter(None, path.split("/")):
            folder = f"{folder}/{next(self._spellings(folder, part), None) or _refuse(errno.ENOENT)}"
        return folder

    def _new(self, path: str) -> str:
        """Return where a file is to be stored: under the name of one that is there, if only case differs."""
        parent, _, name = path.rpartition("/")
        if _FORBIDDEN.intersection(name):
            _refuse(errno.EINVAL)
        folder = self._find(parent)
        return f"{folder}/{next(self._spellings(folder, name), None) or name.rstrip('.')}"

    @staticmethod
    def _spellings(folder: str, name: str) -> Iterator[str]:
        # Each character by itself, as the tables of the kernel and of exFAT have it.
        wanted = name.rstrip(".").upper()
        if os.path.lexists(f"{folder}/{name}"):
            yield name
        yield from (each for each in os.listdir(folder) if each.upper() == wanted)


def main(storage: str, mount_point: str) -> None:
    """Serve a mount until it is unmounted."""
    mfusepy.FUSE(
        Fat(storage),
        mount_point,
        foreground=True,
        nothreads=True,
        fsname="fat",
        # The kernel must not remember a file under two spellings of its name.
        attr_timeout=0,
        entry_timeout=0,
        use_ino=True,
        # An open file that is removed is gone from its folder.
        hard_remove=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
