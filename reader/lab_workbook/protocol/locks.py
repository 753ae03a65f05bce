"""
Locks that hold on any file system, also between hosts, and that outlive no owner that is known to be dead.

>>> with locked("/home/ann/.local/state/lab-workbook/T.x7Rk2a/.lab-workbook/lock") as lock:
...     lock.is_held
True

The lock is a folder with one file in it, whose name is the `Owner`. It is taken by renaming a filled folder
onto its name, which fails where a filled one is: on every node of a cluster, whatever flock(2) does there.
The lock of a dead owner is broken by removing the file of exactly that owner; of two processes that do this
at once, one rename works. flock(2) is held as well where it is supported: released versions know nothing
else, and where it is held, no proof about processes is needed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec, file_systems, process, tags

_NOT_EMPTY: Final = (errno.ENOTEMPTY, errno.EEXIST)

# Another process may take the lock between our look and our rename, and leave it again.
_ATTEMPTS: Final = 3

_UNKNOWN: Final = "-"


class Owner(NamedTuple):
    """
    The process that holds a lock; its text is the name of a file.

    ``flock`` says whether it holds flock(2) as well; ``mark`` tells two locks of one process apart.
    """

    pid: str
    started: str
    namespace: str
    boot: str
    file_system: str
    flock: str
    mark: str
    host: str

    def __str__(self) -> str:
        return ".".join(self)

    @property
    def identity(self) -> dict[str, Any]:
        """The owner as `process.identity` describes a process."""
        pid = int(self.pid) if self.pid.isdigit() else None
        namespace = f"pid:[{self.namespace}]"
        return {"pid": pid, "pidStarted": self.started, "bootId": self.boot, "pidNamespace": namespace}

    @property
    def is_alive(self) -> bool | None:
        """Whether it runs; None where that cannot be known from here."""
        if os.path.exists("/proc/self/stat"):
            return process.is_alive(self.identity)
        # Without /proc a system has no namespaces either: a host's processes are all that there are.
        is_here = self.host == _word(os.uname().nodename, also=".")
        return process.exists(self.identity["pid"]) if is_here else None


class Lock:
    """A lock, or why it cannot be had."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.folder = path + _spec.SPOOL_OWNER_SUFFIX
        self._descriptor = -1
        self._me: Owner | None = None
        # Why it is not held, as a part of a sentence; and whether its owner is known to live.
        self.problem = ""
        self.is_busy = False
        # Why flock(2) is not held beside the folder, where the system does not support it.
        self.flock_problem = ""

    @property
    def is_held(self) -> bool:
        """Whether it is still ours: a person may have given it to another process."""
        return self._me is not None and os.path.lexists(f"{self.folder}/{self._me}")

    def take(self, *, by_force: bool = False) -> None:
        """Take it if that is possible; ``by_force`` also from an owner of whom nothing is known."""
        try:
            if self._flock():
                self._take_folder(by_force=by_force)
        except OSError as error:
            self.problem = f"cannot be locked: {error.strerror or error}"
        if not self.is_held:
            self.release()

    def release(self) -> None:
        """Let go of it."""
        if self._me is not None:
            _remove(f"{self.folder}/{self._me}")
            self._me = None
            _remove_folder(self.folder)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _flock(self) -> bool:
        """Take flock(2) where it is supported; returns False where another process holds it."""
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Every other error means that it is not supported here: ENOSYS, ENOLCK, EOPNOTSUPP, EIO.
            if error.errno == errno.EWOULDBLOCK:
                owner = next(iter(owners(self.folder)), None)
                self._blame(owner, is_alive=True)
                return False
            self.flock_problem = error.strerror or str(error)
            return True
        # The owner before may have removed the file, and another may hold its successor.
        if os.path.samestat(os.fstat(self._descriptor), os.stat(self._path)):
            return True
        self._blame(None, is_alive=True)
        return False

    def _take_folder(self, *, by_force: bool) -> None:
        me = _describe(self.folder, has_flock=not self.flock_problem)
        for _ in range(_ATTEMPTS):
            for owner in owners(self.folder):
                is_alive = owner.is_alive
                if is_alive or not (by_force or _is_gone(owner, me, is_alive=is_alive)):
                    self._blame(owner, is_alive=bool(is_alive))
                    return
                _remove(f"{self.folder}/{owner}")
            _remove_folder(self.folder)
            if _rename_filled(self.folder, me):
                self._me = me
                return
        self.problem = f"cannot be locked: {self.folder} holds a file that is not ours"

    def _blame(self, owner: Owner | None, *, is_alive: bool) -> None:
        self.is_busy = is_alive
        who = f"another process ({owner.pid} on {owner.host})" if owner else "another process"
        if is_alive:
            self.problem = f"is being delivered by {who}"
        else:
            self.problem = f"is being delivered by {who}, or was until that died: it cannot be seen from here"


@contextlib.contextmanager
def locked(path: str, *, by_force: bool = False) -> Iterator[Lock]:
    """Hold a lock for the length of a ``with``, without waiting, if it can be had."""
    lock = Lock(path)
    lock.take(by_force=by_force)
    try:
        yield lock
    finally:
        lock.release()


def is_busy(path: str) -> bool:
    """Say whether the owner of a lock is known to live; changes nothing."""
    if any(owner.is_alive for owner in owners(path + _spec.SPOOL_OWNER_SUFFIX)):
        return True
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno == errno.EWOULDBLOCK
    finally:
        os.close(descriptor)
    return False


def owners(folder: str) -> list[Owner]:
    """Return the owner of a lock, or nothing; what is no name of an owner is passed over."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    parts = (name.split(".", len(Owner._fields) - 1) for name in names)
    return [Owner(*each) for each in parts if len(each) == len(Owner._fields)]


def _is_gone(owner: Owner, me: Owner, *, is_alive: bool | None) -> bool:
    """Say whether an owner is dead for sure."""
    if is_alive is False:
        return True
    is_one_file_system = owner.file_system == me.file_system
    if not (is_one_file_system and file_systems.has_one_kernel(me.file_system.replace("-", " "))):
        return False
    # On a file system of this kernel nobody can hold the lock that we hold; and another boot of it is over.
    return owner.flock == me.flock == "flock" or process.is_of_another_boot(owner.identity)


def _describe(folder: str, *, has_flock: bool) -> Owner:
    """Return this process as an owner."""
    known = process.identity()
    namespace = "".join(filter(str.isdigit, known.get("pidNamespace", "")))
    return Owner(
        str(known["pid"]),
        _word(known.get("pidStarted", "")),
        _word(namespace),
        _word(known.get("bootId", "")),
        _word(file_systems.identify(os.path.dirname(folder)).replace(" ", "-")),
        "flock" if has_flock else _UNKNOWN,
        tags.random_text(8),
        _word(known.get("host", ""), also="."),
    )


def _word(text: str, *, also: str = "") -> str:
    """Return a text as a part of a file's name."""
    kept = (each if (each.isascii() and each.isalnum()) or each in "-_" + also else "_" for each in text)
    return "".join(kept)[:64] or _UNKNOWN


def _rename_filled(folder: str, owner: Owner) -> bool:
    """Put a folder with the file of an owner into place; returns False where a filled one is there."""
    temporary = f"{folder}.{owner.mark}"
    os.mkdir(temporary, 0o700)
    try:
        os.close(os.open(f"{temporary}/{owner}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.rename(temporary, folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # NFS sends a request again whose answer was lost, and is then told that it cannot be done.
        if os.path.lexists(f"{folder}/{owner}"):
            return True
        if error.errno not in _NOT_EMPTY:
            raise
        return False
    return True


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _remove_folder(path: str) -> None:
    """Remove an empty folder; a filled one stays."""
    with contextlib.suppress(OSError):
        os.rmdir(path)
