"""
The life pipe: its end wakes an uploader at once when the script may have gone.

The writer holds the other end and writes nothing to it. A forked child may hold it for longer than the
script lives, and a script may close it, so that its end is no proof of anything: see `script`.
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import Final

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
