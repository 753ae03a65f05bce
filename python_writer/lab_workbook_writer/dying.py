"""
Signals that end a script while it waits for its uploader.

SIGTERM and SIGHUP kill at once where nobody handles them, and then nobody would hear how the rest is
delivered. So for the length of the wait they raise, like Ctrl-C does, and kill afterwards.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

_DEADLY: Final = (signal.SIGTERM, signal.SIGHUP)


class _Dying(BaseException):
    """A signal has come that kills this process."""


@contextlib.contextmanager
def after_last_words() -> Iterator[None]:
    """Let deadly signals leave the ``with`` first, and kill then."""
    # Only the main thread may listen to signals; elsewhere they kill at once.
    is_main = threading.current_thread() is threading.main_thread()
    caught = [each for each in _DEADLY if is_main and signal.getsignal(each) is signal.SIG_DFL]
    received: list[int] = []

    def leave(signum: int, frame: FrameType | None) -> None:
        del frame
        received.append(signum)
        # The last words are not to be interrupted by the next signal of many.
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise _Dying

    for each in caught:
        signal.signal(each, leave)
    try:
        with contextlib.suppress(_Dying):
            yield
    finally:
        for each in caught:
            signal.signal(each, signal.SIG_DFL)
        for signum in received:
            os.kill(os.getpid(), signum)
