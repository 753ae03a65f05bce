"""
Many requests at once give what they would give one after the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.store import parallel


@given(st.lists(st.integers(), max_size=400))
def test_every_item_comes_with_its_own_value_once(items: list[int]) -> None:
    found = list(parallel.each(lambda item: item + 1, items, "numbers"))

    assert sorted(found) == sorted((item, item + 1) for item in items)


def test_requests_wait_at_the_same_time() -> None:
    """
    Each of them waits for all the others, so one after the other none would end.
    """
    barrier = threading.Barrier(parallel.THREADS, timeout=30)

    found = list(parallel.each(lambda _: barrier.wait(), range(parallel.THREADS), "numbers"))

    assert len(found) == parallel.THREADS


def test_a_long_listing_is_not_read_ahead() -> None:
    """
    An endless one would fill the memory.
    """
    drawn = 0

    def endless() -> Iterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    found = parallel.each(lambda item: item, endless(), "numbers")
    for _ in range(1000):
        next(found)
    found.close()  # type: ignore[attr-defined]

    assert drawn <= 1000 + 8 * parallel.THREADS + 1


def test_the_first_error_is_raised_and_nothing_more_begins() -> None:
    begun = []

    def fail(item: int) -> None:
        begun.append(item)
        raise ZeroDivisionError(item)

    with pytest.raises(ZeroDivisionError):
        list(parallel.each(fail, range(10_000), "numbers"))

    assert len(begun) <= 8 * parallel.THREADS


def test_an_error_of_the_listing_is_raised() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("page 2")

    with pytest.raises(KeyError, match="page 2"):
        list(parallel.each(lambda item: item, broken(), "numbers"))


_SLOW = """
import sys, time
from lab_workbook.store import parallel
rest = [1.2, 0.01, 0.01] if sys.argv[1] == "slow" else [0.01]
for _ in parallel.each(time.sleep, rest, "naps"):
    pass
list(parallel.each(time.sleep, [1.2] if sys.argv[1] == "slow" else [], "more"))
print("tqdm" in sys.modules)
"""


@pytest.mark.parametrize("pace", ["slow", "quick"])
def test_on_a_terminal_a_bar_shows_what_takes_more_than_a_second(pace: str) -> None:
    """
    And what is quick does not even load what draws it.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW, pace],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = b""
        # So Linux says that nobody has the terminal open any more.
        with contextlib.suppress(OSError):
            while data := os.read(ours, 4096):
                shown += data
        assert process.stdout is not None
        loaded = process.stdout.read()
    os.close(ours)

    assert (b"naps" in shown, loaded) == ((True, b"True\n") if pace == "slow" else (False, b"False\n"))


def test_what_is_no_terminal_sees_no_bar() -> None:
    """
    A log file would be full of them.
    """
    done = subprocess.run([sys.executable, "-c", _SLOW, "slow"], capture_output=True, check=True)

    assert (done.stdout, done.stderr) == (b"False\n", b"")
