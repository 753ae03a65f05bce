"""
What earlier scripts of this user left behind on this machine, delivered by whoever comes next.

Once an uploader has claimed its tag it looks for spools that nobody delivers and whose script is gone.
If there are any, it starts a process of low priority for them, which shares nothing with its own
delivery: neither rows nor the end of a script ever wait for an orphan. One such process works on a
machine at a time; what it cannot deliver it leaves to the next one, and to ``lab-workbook push``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final

from lab_workbook.errors import LabWorkbookError, warn
from lab_workbook.protocol import _spec

from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.lock import locked
from lab_workbook_writer.uploader.pipe import LifePipe, Script
from lab_workbook_writer.uploader.queue import Queue, destination
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
    """Deliver the orphans of a folder, one after the other, unless another process does."""
    os.nice(_LOWEST_PRIORITY)
    path = os.path.join(folder, _spec.SPOOL_ORPHANS_LOCK)
    with locked(path) as held:
        if not held:
            return
        try:
            _deliver_all(folder)
        finally:
            os.unlink(path)


def _deliver_all(folder: str) -> None:
    unreachable = set()
    for spool in _orphans(folder):
        with _nobody_else_suffers(), spool.locked() as held:
            # What does not answer for one orphan keeps the others of the same bucket from waiting as well.
            if held and (address := _address(spool)) not in unreachable and not _deliver(spool):
                unreachable.add(address)


def _deliver(spool: Spool) -> bool:
    """Deliver a spool whose lock we hold; returns whether its bucket answered."""
    _log_to(spool)
    life = LifePipe(None)
    try:
        patience: Any = _spec.CONFIG_DEFAULTS["exitTimeout"]
        return Delivery(spool, life, stays=False, idle_seconds=patience).run() is not Result.GAVE_UP
    finally:
        life.close()


def _orphans(folder: str) -> Iterator[Spool]:
    for spool in all_spools(folder):
        is_orphan = False
        with _nobody_else_suffers():
            is_orphan = _is_orphan(spool)
        if is_orphan:
            yield spool


@contextlib.contextmanager
def _nobody_else_suffers() -> Iterator[None]:
    """Pass over what is broken: it must stop neither a delivery nor the other orphans."""
    try:
        yield
    except (LabWorkbookError, OSError) as error:
        warn(str(error))
    except Exception:  # noqa: BLE001 - a spool may hold anything; the log has it
        traceback.print_exc()


def _is_orphan(spool: Spool) -> bool:
    life = LifePipe(None)
    try:
        is_dead = Script(spool, spool.begin()[1], life).is_dead()
    finally:
        life.close()
    # The lock is asked for last: a living script's uploader must never find it taken by us.
    if not is_dead:
        return False
    with spool.locked() as held:
        return held and not _is_refused(spool)


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
