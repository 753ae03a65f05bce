"""
What earlier scripts of this user left behind on this machine, delivered by whoever comes next.

Once an uploader has claimed its tag it looks for spools that nobody delivers and whose script is gone.
If there are any, it starts a process of low priority for them, which shares nothing with its own
delivery: neither rows nor the end of a script ever wait for an orphan. One such process works on a
machine at a time; what it cannot deliver it leaves to the next one, and to ``lab-workbook push``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

from lab_workbook.errors import LabWorkbookError, Unreachable, warn
from lab_workbook.protocol import _spec
from lab_workbook.protocol.locks import is_busy

from lab_workbook_writer.uploader import helping
from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.queue import Queue, destination
from lab_workbook_writer.uploader.script import Life, Script, has_ended
from lab_workbook_writer.uploader.spool import Spool, all_spools

# It finds our modules where this process found them, and nothing else.
_BOOTSTRAP: Final = """\
import sys
sys.path[:] = sys.argv[2:]
from lab_workbook_writer.uploader.orphans import main
main(sys.argv[1])
"""

_LOWEST_PRIORITY: Final = 19

# Only people can do something about these: `push` tells them, and the next experiment does not try.
_FINAL: Final = ("taken", "bucket", "settings")

_PATIENCE: Final[Any] = _spec.CONFIG_DEFAULTS["exitTimeout"]

# Does what is to be done about a spool, and returns whether its bucket answered.
Work = Callable[[Spool], bool]


def start(folder: str) -> None:
    """Start a process that delivers the orphans of a folder of spools, if there are any."""
    with _nobody_else_suffers():
        if next(_orphans(folder), None) is None:
            return
        subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
            [sys.executable, "-c", _BOOTSTRAP, folder, *filter(None, sys.path)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def main(folder: str) -> None:
    """Deliver the orphans of a folder, one after the other, unless another process of this machine does."""
    os.nice(_LOWEST_PRIORITY)
    path = os.path.join(folder, _spec.SPOOL_ORPHANS_LOCK)
    with _alone(path) as is_alone:
        if is_alone:
            _deliver_all(folder)
            helping.sweep(folder)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[bool]:
    """Hold flock(2), which only saves work here: where it is not supported, several processes may work."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_alone = True
    except OSError as error:
        is_alone = error.errno != errno.EWOULDBLOCK
    try:
        yield is_alone
    finally:
        if is_alone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        os.close(descriptor)


def _deliver_all(folder: str) -> None:
    unreachable = set()
    for spool, work in _orphans(folder):
        with _nobody_else_suffers():
            # What does not answer for one orphan keeps the others of the same bucket from waiting as well.
            if (address := _address(spool)) not in unreachable and not work(spool):
                unreachable.add(address)


def _deliver(spool: Spool) -> bool:
    """Deliver a spool whose script is dead; returns whether its bucket answered."""
    with spool.locked() as lock:
        if not lock.is_held:
            return True
        _log_to(spool)
        life = LifePipe(None)
        try:
            delivery = Delivery(spool, life, lock, stays=False, idle_seconds=_PATIENCE)
            return delivery.run() is not Result.GAVE_UP
        finally:
            life.close()


def _help(spool: Spool) -> bool:
    """Help a spool whose script may live on another host; returns whether its bucket answered."""
    try:
        done = helping.help_along(spool, idle_seconds=_PATIENCE)
    except Unreachable as error:
        warn(str(error))
        return False
    warn(done.text)
    helping.remember(spool)
    return True


def _orphans(folder: str) -> Iterator[tuple[Spool, Work]]:
    for spool in all_spools(folder):
        work: Work | None = None
        with _nobody_else_suffers():
            work = _work(spool)
        if work is not None:
            yield spool, work


@contextlib.contextmanager
def _nobody_else_suffers() -> Iterator[None]:
    """Pass over what is broken: it must stop neither a delivery nor the other orphans."""
    try:
        yield
    except (LabWorkbookError, OSError) as error:
        warn(str(error))
    except Exception:  # noqa: BLE001 - a spool may hold anything; the log has it
        traceback.print_exc()


def _work(spool: Spool) -> Work | None:
    """Return what is to be done about a spool, if anything."""
    if spool.is_set_aside:
        return None
    begin = spool.begin()[1]
    lines = Queue(spool.file(_spec.LAYOUT_QUEUE)).read()
    life = Script(begin, spool.root, destination(lines, str(spool)).file_system).life()
    if life is Life.ALIVE or _is_refused(spool):
        return None
    if life is Life.DEAD or has_ended(lines, spool.root):
        return None if is_busy(spool.file(_spec.LAYOUT_LOCK)) else _deliver
    return _help if helping.is_worth_it(spool) else None


def _is_refused(spool: Spool) -> bool:
    journal = Journal(spool.file(_spec.LAYOUT_JOURNAL))
    journal.close()
    return journal.refusal in _FINAL


def _address(spool: Spool) -> tuple[str | None, ...]:
    to = destination(Queue(spool.file(_spec.LAYOUT_QUEUE)).read(), str(spool))
    return (to.prefix.bucket, to.endpoint_url, to.profile)


def _log_to(spool: Spool) -> None:
    """Let what this process says become part of a spool's log."""
    log = os.open(spool.file(_spec.LAYOUT_LOG), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    os.close(log)
