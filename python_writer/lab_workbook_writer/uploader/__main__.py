"""
The uploader as a process: ``lab-workbook upload SPOOL``, started by the writers.

Its standard input is the life pipe, its standard output the log of the spool.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Final

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import documents
from lab_workbook.protocol.locks import Lock

from lab_workbook_writer.uploader import orphans
from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.watchdog import Watchdog

_STANDARD_INPUT: Final = 0


def main(arguments: list[str]) -> int:
    """Deliver one spool for as long as its script lives, and to its end; returns the exit code."""
    if len(arguments) != 1:
        _log("usage: lab-workbook upload SPOOL")
        return 2
    spool = Spool(arguments[0])
    if spool.is_set_aside:
        _log(f"{spool} is not delivered, because its experiment was sealed by another process")
        return 1
    with spool.locked() as lock:
        if not lock.is_held:
            _log(f"{spool} {lock.problem}")
            return 1
        try:
            return _deliver(spool, lock)
        except LabWorkbookError as error:
            _log(str(error))
            return 1


def close_inherited() -> None:
    """Close what the script had open: a shell in between passes on its sockets, files and devices."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _deliver(spool: Spool, lock: Lock) -> int:
    life = LifePipe(_STANDARD_INPUT)
    delivery = Delivery(
        spool,
        life,
        lock,
        on_claim=lambda: orphans.start(os.path.dirname(str(spool))),
        on_turn=Watchdog().rearm,
    )

    def hurry(signum: int, frame: FrameType | None) -> None:
        del frame
        # A second signal ends the process at once.
        signal.signal(signum, signal.SIG_DFL)
        delivery.hurry()

    # A terminal that is closed, or a machine that shuts down, ends the script as well.
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signum, hurry)
    _log(f"process {os.getpid()} delivers {delivery.tag}")
    result = delivery.run()
    _log(f"{delivery.tag}: {result.value} {delivery.reason}".rstrip())
    return 0 if result is Result.ENDED else 1


def _log(text: str) -> None:
    print(documents.now(), text, flush=True)  # noqa: T201 - standard output is the log


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
