"""
The uploader, as its writer sees it: started, listened to through the journal, waited for.

The uploader is a grandchild in a process session of its own, so Ctrl-C reaches only the script, no
zombie is left, and a script that waits for all of its children does not wait for ours.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from lab_workbook.errors import warn
from lab_workbook.protocol import _spec, process

from lab_workbook_writer.awake import AwakeClock
from lab_workbook_writer.descriptors import identity, out_of_the_way
from lab_workbook_writer.ends import pauses
from lab_workbook_writer.journal_reader import Event, JournalReader
from lab_workbook_writer.news import News
from lab_workbook_writer.search_path import absolute_search_path

# Run by a second Python. The script's own folders come after all others, so that a random.py beside
# the script does not become the uploader's; "" would be the working directory.
_BOOTSTRAP: Final = """\
import os, sys
if os.fork():
    os._exit(0)
sys.path[:] = [path for path in sys.path if path]
sys.path.extend(path for path in sys.argv[2:] if path not in sys.path)
from lab_workbook_writer.uploader.__main__ import main
sys.exit(main([sys.argv[1]]))
"""

_RESTART_SECONDS: Final = 60.0
# So long a new one may take until it says that it has started.
_STARTING_SECONDS: Final = 5.0


class Delivery:
    """
    One spool's uploader.

    Args:
        spool: Path of the spool, with a slash at its end.
        exit_timeout: Seconds without progress after which the wait at the end is given up.
        exit_max: Seconds after which it is given up in any case.
        keep: Restores what was removed from the spool, at most once a second; returns whether it is whole.
    """

    def __init__(
        self,
        spool: str,
        exit_timeout: float,
        exit_max: float,
        *,
        keep: Callable[[], bool] = lambda: True,
    ) -> None:
        self._spool = spool
        self._keep = keep
        self._exit_timeout = exit_timeout
        self._exit_max = exit_max
        self._news = News(spool)
        self._journal = JournalReader(spool, self._news)
        # The uploader leaves when files of its spool were replaced, and another one is to follow it soon.
        self._is_leaving = False
        self._life: int | None = None
        self._life_identity = (0, 0)
        self._started_at: float | None = None
        self._can_start = True
        # Why the wait at the end was given up, as the end of a sentence.
        self._given_up = ""
        # Whether the uploader has delivered everything.
        self.has_arrived = False
        self._is_revived = False
        self._wait_clock = AwakeClock()
        self._moved = 0.0
        self._steps = -1
        # Never waited for: a thread or a signal handler that finds it taken has nothing to add.
        self._looking = threading.Lock()

    @property
    def journal(self) -> JournalReader:
        """What the uploader has reported."""
        return self._journal

    @property
    def lost_artifacts(self) -> set[str]:
        """The artifacts that were removed from the spool before they were uploaded, and not saved again."""
        return self._journal.lost_artifacts

    def expect_another_uploader(self) -> None:
        """Take note that files were restored: the uploader that has read the removed ones leaves."""
        self._is_leaving = True

    def start(self) -> Event | None:
        """Start the uploader and wait a little for the claim; return the event that refuses it, if any."""
        self._start()
        if self._life is None:
            return None
        self._wait(_spec.TIMING_CLAIM_SECONDS, lambda: self._journal.has("claimed", "refused"))
        refusal = self._journal.last("refused")
        if refusal is None and not self._journal.has("claimed"):
            trouble = self._journal.last("trouble") or {}
            reason = trouble.get("message") or f"no answer within {_spec.TIMING_CLAIM_SECONDS} s"
            warn(f"not in the bucket yet ({reason}); training goes on, the uploader keeps trying")
            self._news.was_said(time.monotonic())
        return refusal

    def look(self) -> None:
        """
        Say what is new about deliveries, and start another uploader if this one has died.

        Costs little more than a stat of the journal; an uploader is started at most once a minute.
        """
        if not self._looking.acquire(blocking=False):
            return
        try:
            is_whole = self._keep()
            self._journal.read()
            self._say_news()
            patience = _STARTING_SECONDS if self._is_leaving else _RESTART_SECONDS
            has_stopped = self._journal.has("refused", "sealed")
            if is_whole and not has_stopped and self._is_dead(patience):
                self._start()
        finally:
            self._looking.release()

    def wait_for_flush(self, number: int, seconds: float) -> bool:
        """Wait until a flush has arrived; returns whether it has."""

        def arrived() -> bool:
            self.look()
            return self._journal.has_flushed(number)

        return self._wait(seconds, lambda: self.is_sealed or arrived()) and not self.is_sealed

    @property
    def is_sealed(self) -> bool:
        """Whether another process has sealed the experiment, as far as we have heard."""
        return self._news.is_sealed

    def wait_for_end(self) -> bool:
        """Wait until everything has arrived, or is given up; return whether it has arrived."""
        self.begin_wait()
        for _ in pauses():
            if self.is_over():
                break
        return self.has_arrived

    def begin_wait(self) -> None:
        """Let the uploader know that the script ends, and begin to count the time."""
        self.let_go()
        self._wait_clock = AwakeClock()
        self._moved = self._wait_clock()
        self._steps = -1

    def is_over(self) -> bool:
        """
        Look whether everything has arrived, or is given up.

        That is after ``exit_timeout`` seconds without progress, and ``exit_max`` in all.
        """
        now = self._wait_clock()
        if self._journal.has("ended"):
            # Where our end is the uploader's too, as in a container, it would leave the spool behind.
            if not self.has_arrived:
                self.has_arrived, self._moved = True, now
            is_over = self._is_removed() or now - self._moved >= _spec.TIMING_REMOVAL_SECONDS
            if is_over:
                self._say_news()
            return is_over
        self._say_news()
        if self._journal.has("refused", "sealed"):
            return True
        self._revive()
        if self._journal.steps != self._steps:
            self._steps, self._moved = self._journal.steps, now
        if now - self._moved >= self._exit_timeout:
            self._given_up = f", and nothing has arrived for {self._exit_timeout:g} s (exitTimeout)"
        elif now >= self._exit_max:
            self._given_up = f", and {self._exit_max:g} s (exitMax) are over"
        return bool(self._given_up) or not self._can_start

    def _revive(self) -> None:
        """Start another uploader at the end, once, or whenever its files were restored."""
        may_start = self._keep() and (self._is_leaving or not self._is_revived)
        if may_start and self._is_dead(_STARTING_SECONDS):
            # Whatever has ended the last one, nobody else will deliver what is left.
            self._is_revived = True
            self._start()
            self.let_go()

    def _is_removed(self) -> bool:
        return not os.path.isdir(self._spool)

    def say_how_to_push(self) -> None:
        """Say that something is left in the spool, why, and the command that delivers it."""
        if self.is_sealed:
            advice = f"lab-workbook push --discard {_quoted(self._spool)} removes the spool"
            warn(f"not everything is in the bucket, because the experiment was sealed; {advice}")
            return
        if self._is_removed():
            warn(f"not everything is in the bucket, and the rest is lost: {self._spool} was removed")
            return
        event = self._journal.last("refused") or self._journal.last("trouble") or {}
        reason = f" ({event['message']})" if event.get("message") else ""
        tag = " --tag NEW" if event.get("reason") == "taken" else ""
        warn(f"not everything is in the bucket{reason}{self._given_up}; deliver the rest with:")
        warn(f"  lab-workbook push{tag} {_quoted(self._spool.rstrip('/'))}")

    def let_go(self) -> None:
        """Close the life pipe: the uploader looks now whether this process still lives."""
        if self._life is not None:
            life, self._life = self._life, None
            # The script may have closed it, and its number is then another file's.
            if identity(life) == self._life_identity:
                os.close(life)

    def _say_news(self) -> None:
        line = self._news.line(time.monotonic())
        if line is not None:
            warn(line)

    def _start(self) -> None:
        self._started_at = time.monotonic()
        self._is_leaving = False
        self.let_go()
        try:
            self._journal.open()
            self._life = _spawn(self._spool)
            self._life_identity = identity(self._life)
            self._can_start = True
        except OSError as error:
            if self._can_start:
                warn(f"the uploader cannot be started ({error}); training goes on and the spool is kept")
            self._can_start = False

    def _is_dead(self, seconds: float) -> bool:
        """Say whether no uploader runs, though the last one was started so many seconds ago."""
        if self._started_at is None or time.monotonic() - self._started_at < seconds:
            return False
        started = self._journal.last("started")
        return started is None or not process.exists(started.get("pid"))

    def _wait(self, seconds: float, done: Callable[[], bool]) -> bool:
        until = time.monotonic() + seconds
        for _ in pauses():
            if done():
                return True
            if time.monotonic() >= until:
                break
        return False


def _spawn(spool: str) -> int:
    """Start an uploader; returns the end of the life pipe that this process keeps."""
    import subprocess

    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("this program is no plain Python that could run it")
    theirs, ours = os.pipe()
    try:
        with open(spool + _spec.LAYOUT_LOG, "ab") as log:
            first = subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
                [sys.executable, "-c", _BOOTSTRAP, spool, *absolute_search_path()],
                cwd="/",
                stdin=theirs,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,
            )
        # It forks and ends as soon as Python has started; a machine that is too busy must not stop us.
        with contextlib.suppress(subprocess.TimeoutExpired):
            first.wait(timeout=_spec.TIMING_CLAIM_SECONDS)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return out_of_the_way(ours)


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
