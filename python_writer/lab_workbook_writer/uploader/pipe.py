"""
Is the script still there?

The writer holds the other end of a pipe and writes nothing to it. Its end only says "look now": a
forked child may hold it for longer than the script lives, and a script may close it. What counts is
the process that begin.json names.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Mapping
from typing import Any, Final

from lab_workbook.protocol import _spec, process

from lab_workbook_writer.uploader.spool import Spool

_WAKE: Final = b"!"


class LifePipe:
    """Waits for whatever comes first: time, the end of the pipe, or a word from another thread."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rope, False)

    @property
    def is_closed(self) -> bool:
        """Whether the other end is closed, or there never was one."""
        return self._descriptor is None

    def wait(self, seconds: float) -> None:
        """Sleep for at most so long."""
        listening = [self._bell] if self._descriptor is None else [self._bell, self._descriptor]
        ready, _, _ = select.select(listening, [], [], seconds)
        if self._bell in ready:
            with contextlib.suppress(OSError):
                os.read(self._bell, 4096)
        if self._descriptor in ready:
            self._hear()

    def wake(self) -> None:
        """End a `wait`; may be called from any thread and from a signal handler."""
        # A full pipe wakes as well as one byte more would.
        with contextlib.suppress(OSError):
            os.write(self._rope, _WAKE)

    def close(self) -> None:
        """Let go of what `wake` needs."""
        os.close(self._bell)
        os.close(self._rope)

    def _hear(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - select has just named it
        try:
            ended = not os.read(self._descriptor, 4096)
        except OSError:
            ended = True
        if ended:
            self._descriptor = None


class Script:
    """The process that records the experiment."""

    def __init__(self, spool: Spool, begin: Mapping[str, Any], life: LifePipe) -> None:
        self._spool = spool
        self._begin = begin
        self._life = life

    def is_dead(self) -> bool:
        """
        Say whether the script is gone for good.

        Where its process cannot be asked (another host, another pid namespace, a system without
        /proc), it is when the pipe has ended and nothing was written for ten minutes.
        """
        alive = process.is_alive(self._begin)
        if alive is not None:
            return not alive
        return self._life.is_closed and time.time() - self._spool.last_change() > _spec.TIMING_IDLE_SECONDS
