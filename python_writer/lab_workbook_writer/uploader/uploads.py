"""
The threads that run the jobs of an upload queue.

>>> uploads = Uploads(UploadQueue(), report=print, wake=pipe.wake)
>>> uploads.start()
>>> uploads.submit("options.json", job)
>>> uploads.stop(seconds=30)
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable

from lab_workbook.errors import LabWorkbookError

from lab_workbook_writer.uploader.upload_queue import WORKERS, Job, Mark, UploadQueue


class Refused(LabWorkbookError):
    """The claim was refused: trying again is useless, and nothing else may be uploaded."""


class Uploads:
    """
    An upload queue, and one thread for each job that may be in flight.

    ``report`` is called with each error, and with None when a job has worked while no key fails any more.
    ``wake`` is called after each job.
    """

    def __init__(
        self, queue: UploadQueue, *, report: Callable[[Exception | None], None], wake: Callable[[], None]
    ) -> None:
        self.refusal: Refused | None = None
        # What ended a thread between two jobs, such as a lack of memory; its job never leaves the queue.
        self.fault: BaseException | None = None
        self._queue = queue
        self._report = report
        self._wake = wake
        self._change = threading.Condition()
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(WORKERS)]

    def start(self) -> None:
        """
        Start to upload, by as many threads as the system allows.

        Raises:
            RuntimeError: no thread can be started.
        """
        self._threads[0].start()
        # Limits of memory or processes: fewer threads deliver everything, only more slowly.
        with contextlib.suppress(RuntimeError):
            for thread in self._threads[1:]:
                thread.start()

    def stop(self, seconds: float) -> None:
        """Start no other job, and wait at most ``seconds`` for those in flight."""
        until = time.monotonic() + seconds
        with self._change:
            self._is_stopping = True
            self._change.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def submit(self, key: str, job: Job) -> None:
        """Queue a job; it replaces the one of the same key that waits."""
        with self._change:
            older = self._queue.submit(key, job)
            self._change.notify()
        if older is not None:
            older.give_way()

    def hurry(self) -> None:
        """Try at once what failed before, and look again at what was held back."""
        with self._change:
            self._queue.hurry()
            self._change.notify_all()

    def mark(self, *, is_whole: bool) -> Mark:
        """Return the present moment, for `has_delivered`."""
        with self._change:
            return self._queue.mark(is_whole=is_whole)

    def has_delivered(self, mark: Mark) -> bool:
        """Say whether all that was submitted before a mark, or newer jobs of the same keys, has arrived."""
        with self._change:
            return self._queue.has_delivered(mark)

    @property
    def is_idle(self) -> bool:
        """Whether everything has arrived."""
        with self._change:
            return self._queue.is_idle

    @property
    def is_quiet(self) -> bool:
        """Whether everything has arrived that is not held back."""
        with self._change:
            return self._queue.is_quiet

    @property
    def seconds_in_flight(self) -> float:
        """For how long the oldest job in flight has been so."""
        with self._change:
            return self._queue.seconds_in_flight(time.monotonic())

    def _work(self) -> None:
        try:
            while (taken := self._take()) is not None:
                key, job = taken
                self._settle(key, _run(job))
                self._wake()
        except BaseException as error:
            self.fault = error
            self._wake()
            raise

    def _take(self) -> tuple[str, Job] | None:
        """Wait for a job to run; None means stop."""
        with self._change:
            while not self._is_stopping:
                now = time.monotonic()
                taken = self._queue.take(now)
                if taken is not None:
                    return taken
                pause_end = self._queue.next_pause_end()
                self._change.wait(None if pause_end is None else max(0.0, pause_end - now))
        return None

    def _settle(self, key: str, error: Exception | None) -> None:
        older = None
        with self._change:
            # Every idle thread has to know when the new pause ends.
            concerns_all = True
            if error is None:
                concerns_all = self._queue.succeed(key)
            else:
                older = self._queue.fail(key, time.monotonic())
            if isinstance(error, Refused):
                self.refusal = error
                self._is_stopping = True
            # While one key works and another fails, that is one trouble, not many.
            is_news = error is not None or not self._queue.is_failing
            # This thread takes one job; its end may let another one go.
            self._change.notify(WORKERS if concerns_all else 1)
        if older is not None:
            older.give_way()
        if is_news:
            self._report(error)


def _run(job: Job) -> Exception | None:
    try:
        job.run()
    except (LabWorkbookError, OSError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - a fault of ours must not end a delivery; the log has it
        traceback.print_exc()
        return error
    return None
