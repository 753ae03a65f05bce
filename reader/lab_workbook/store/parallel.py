"""
Many requests at once.

>>> for tag, blob in parallel.each(lambda tag: store.get(f"{tag}/options.json"), tags, "experiments"):
...     print(tag, len(blob.data))

One request to S3 takes tens of milliseconds, nearly all of which is waiting.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from tqdm import tqdm

# So many connections keep one core of Python busy, and a bucket does not notice them.
THREADS: Final = 16
# What is begun and not yet taken: enough for all threads while the caller lists a page.
_AHEAD: Final = 8 * THREADS
_PATIENCE_SECONDS: Final = 1

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Done(NamedTuple):
    item: Any
    value: Any
    error: BaseException | None


def each(function: Callable[[_T], _R], items: Iterable[_T], unit: str) -> Iterator[tuple[_T, _R]]:
    """
    Yield each item with what a function gives for it, in the order in which they are done.

    ``items`` is drawn from as there is room. The first error is raised, and what has not begun by then
    does not begin. After a second a bar on a terminal or in a notebook counts the ``unit``.
    """
    done: SimpleQueue[_Done] = SimpleQueue()

    def work(item: _T) -> None:
        try:
            done.put(_Done(item, function(item), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller can see it
            done.put(_Done(item, None, error))

    def take() -> tuple[_T, _R]:
        item, value, error = done.get()
        bar.count()
        if error is not None:
            raise error
        return item, value

    bar = _Bar(unit)
    pool = ThreadPoolExecutor(THREADS)
    begun = taken = 0
    try:
        for item in items:
            pool.submit(work, item)
            begun += 1
            if begun - taken >= _AHEAD:
                taken += 1
                yield take()
        for _ in range(begun - taken):
            yield take()
    finally:
        pool.shutdown(cancel_futures=True)
        bar.close()


class _Bar:
    """A progress bar that is only made when there is something to wait for, and somebody who waits."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._count = 0
        self._due = time.monotonic() + _PATIENCE_SECONDS
        self._shown: tqdm[Any] | None = None

    def count(self) -> None:
        self._count += 1
        if self._shown is not None:
            self._shown.update()
        elif time.monotonic() >= self._due and _is_watched():
            from tqdm.auto import tqdm

            self._shown = tqdm(initial=self._count, unit=f" {self._unit}", leave=False)

    def close(self) -> None:
        if self._shown is not None:
            self._shown.close()


def _is_watched() -> bool:
    """Say whether somebody sees a bar: on a terminal, or in a notebook, which has none."""
    # A terminal without a cursor would get a line for each step.
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return is_terminal or "ipykernel.zmqshell" in sys.modules
