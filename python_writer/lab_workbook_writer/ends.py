"""
The end of one or more experiments: every end is written first, and then all deliveries share one wait.

A script may leave many experiments open. Waiting for one uploader after the other would take as many times
exitTimeout while a server is silent.

>>> end_all([workbook.watch.starter(ended) for workbook in workbooks])
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lab_workbook_writer import dying


class Wait(NamedTuple):
    """
    A delivery that is waited for, whose end is written.

    ``is_over`` looks once, without waiting. ``conclude`` warns of what is left, and returns if all arrived.
    """

    is_over: Callable[[], bool]
    conclude: Callable[[], bool]


# Writes the end of an experiment, given when `end_all` began, by `time.monotonic`.
Start = Callable[[float], Wait]


def settled(is_whole: bool) -> Wait:  # noqa: FBT001 - the answer of `conclude`
    """Return a wait that is over."""
    return Wait(lambda: True, lambda: is_whole)


def end_all(starts: Sequence[Start]) -> None:
    """
    Write the end of each experiment, and wait for all deliveries at the same time.

    Raises:
        KeyboardInterrupt: Ctrl-C has ended the wait; every end that could be written is written.
    """
    began = time.monotonic()
    waits: list[Wait] = []
    with dying.after_last_words():
        try:
            _start_all(starts, began, waits)
            pending = waits
            for _ in pauses():
                pending = [wait for wait in pending if not wait.is_over()]
                if not pending:
                    break
        finally:
            # Also when Ctrl-C ends the wait.
            for wait in waits:
                wait.conclude()


def _start_all(starts: Sequence[Start], began: float, waits: list[Wait]) -> None:
    """Write the end of each experiment, also of those after one that Ctrl-C has interrupted."""
    rest = iter(starts)
    try:
        _append_each(waits, rest, began)
    except KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt):
            _append_each(waits, rest, began)
        raise


def _append_each(waits: list[Wait], starts: Iterator[Start], began: float) -> None:
    for start in starts:
        waits.append(start(began))  # noqa: PERF401 - what was started counts, also if the next one fails


def pauses() -> Iterator[None]:
    """Pause between one look and the next: short at first, and never longer than 0.1 s."""
    pause = 0.005
    while True:
        yield
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
