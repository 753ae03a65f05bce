"""
Lanes: one for each artifact, so that nothing old ever overtakes something new.

A lane sends one job at a time. A job that waits while a newer one arrives gives way to it; a job that
fails is tried again, later and later, until it works or gives way. Several lanes go at once.

>>> with Lanes(first="begin.json", report=print, wake=pipe.wake) as lanes:
...     lanes.submit("options.json", job)
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Container, Mapping
from typing import Final, Protocol

from lab_workbook.errors import LabWorkbookError

_WORKERS: Final = 4
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Refused(LabWorkbookError):
    """No trying again will help, and nothing else may be sent: the claim was refused."""


class Job(Protocol):
    """Something to send."""

    # At least one worker is kept for jobs that are not bulky, so that rows never wait for models.
    is_bulky: bool

    def run(self) -> None:
        """Send it; an error means that it is to be tried again."""
        ...

    def give_way(self) -> None:
        """Clean up, because a newer job has taken its place."""
        ...


class _Lane:
    def __init__(self) -> None:
        self.waiting: Job | None = None
        self.is_running = False
        self.running_since = 0.0
        self.submitted = 0
        self.delivered = 0
        self.failures = 0
        self.not_before = 0.0


class Lanes:
    """
    The lanes of one experiment, and the threads that serve them.

    Until the lane ``first`` has delivered, no other moves, nor does one that ``may_move`` holds back.
    ``report`` hears of each error, and None when a job has worked and no lane waits to try again; ``wake``
    is called whenever something has changed.
    """

    def __init__(
        self,
        *,
        first: str | None,
        report: Callable[[Exception | None], None],
        wake: Callable[[], None],
        may_move: Callable[[str], bool] = lambda _name: True,
    ) -> None:
        self.refusal: Refused | None = None
        self._first = first
        self._report = report
        self._wake = wake
        self._is_let = may_move
        self._lanes: dict[str, _Lane] = {}
        self._change = threading.Condition()
        self._is_stopping = False
        self._bulky = 0
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]

    def start(self) -> None:
        """Begin to send."""
        for worker in self._workers:
            worker.start()

    def stop(self, seconds: float) -> None:
        """Send nothing new, and wait so long for what is on its way."""
        until = time.monotonic() + seconds
        with self._change:
            self._is_stopping = True
            self._change.notify_all()
        for worker in self._workers:
            if worker.ident is not None:
                worker.join(max(0.0, until - time.monotonic()))

    def submit(self, name: str, job: Job) -> None:
        """Send a job after the one under way in its lane, instead of the one that waits there."""
        with self._change:
            lane = self._lanes.setdefault(name, _Lane())
            older, lane.waiting = lane.waiting, job
            lane.submitted += 1
            self._change.notify()
        if older is not None:
            older.give_way()

    def hurry(self) -> None:
        """Try now what failed before and was to wait."""
        with self._change:
            self._hurry()

    def mark(self, *, without: Container[str] = ()) -> Mapping[str, int]:
        """Return what was submitted so far, for `has_delivered`; some lanes may be left out."""
        with self._change:
            return {name: lane.submitted for name, lane in self._lanes.items() if name not in without}

    def has_delivered(self, mark: Mapping[str, int]) -> bool:
        """Say whether all that was submitted before a `mark`, or something newer, has arrived."""
        with self._change:
            return all(self._lanes[name].delivered >= number for name, number in mark.items())

    @property
    def is_idle(self) -> bool:
        """Whether everything has arrived."""
        return self.has_delivered(self.mark())

    @property
    def is_quiet(self) -> bool:
        """Whether everything has arrived that is not held back."""
        with self._change:
            return not any(
                lane.is_running or self._may_move(name, lane) for name, lane in self._lanes.items()
            )

    @property
    def seconds_under_way(self) -> float:
        """For how long the oldest job that is being sent has been so."""
        now = time.monotonic()
        with self._change:
            return max(
                (now - lane.running_since for lane in self._lanes.values() if lane.is_running), default=0.0
            )

    def _work(self) -> None:
        while True:
            with self._change:
                name = self._next()
                if name is None:
                    return
                lane = self._lanes[name]
                job, number = lane.waiting, lane.submitted
                assert job is not None  # noqa: S101 - what `_next` has just found
                lane.waiting, lane.is_running = None, True
                lane.running_since = time.monotonic()
                self._bulky += job.is_bulky
            error = _run(job)
            self._settle(name, job, number, error)
            self._wake()

    def _next(self) -> str | None:
        """Wait for a lane that may move; None says stop."""
        while not self._is_stopping:
            now = time.monotonic()
            for name, lane in self._lanes.items():
                if self._may_move(name, lane) and lane.not_before <= now:
                    return name
            times = [lane.not_before for name, lane in self._lanes.items() if self._may_move(name, lane)]
            self._change.wait(max(0.0, min(times) - now) if times else None)
        return None

    def _may_move(self, name: str, lane: _Lane) -> bool:
        if lane.waiting is None or lane.is_running:
            return False
        if (self._first is not None and name != self._first) or not self._is_let(name):
            return False
        return not lane.waiting.is_bulky or self._bulky < _WORKERS - 1

    def _settle(self, name: str, job: Job, number: int, error: Exception | None) -> None:
        gives_way = False
        with self._change:
            lane = self._lanes[name]
            lane.is_running = False
            self._bulky -= job.is_bulky
            if error is None:
                self._succeed(name, lane, number)
            elif isinstance(error, Refused):
                self.refusal = error
                self._is_stopping = True
            else:
                gives_way = self._fail(lane, job)
            # Of several lanes one may work and another fail by turns, and that is one trouble, not many.
            is_news = error is not None or not any(each.failures for each in self._lanes.values())
            self._change.notify_all()
        if gives_way:
            job.give_way()
        if is_news:
            self._report(error)

    def _succeed(self, name: str, lane: _Lane, number: int) -> None:
        lane.delivered = number
        lane.failures = 0
        if name == self._first:
            self._first = None
        # What works for one will work for all.
        self._hurry()

    def _fail(self, lane: _Lane, job: Job) -> bool:
        """Put a job back in its lane; returns whether a newer one was there."""
        pause = min(_FIRST_PAUSE * 2**lane.failures, _LONGEST_PAUSE)
        # Many uploaders that lost the same server must not all come back at once.
        lane.not_before = time.monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        lane.failures = min(lane.failures + 1, 10)
        if lane.waiting is not None:
            return True
        lane.waiting = job
        return False

    def _hurry(self) -> None:
        for lane in self._lanes.values():
            lane.not_before = 0.0
        self._change.notify_all()


def _run(job: Job) -> Exception | None:
    try:
        job.run()
    except (LabWorkbookError, OSError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - a fault of ours must not end a delivery; the log has it
        traceback.print_exc()
        return error
    return None
