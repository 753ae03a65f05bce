"""
One spool's way to the bucket, from the claim to end.json.

>>> with spool.locked() as lock:
...     Delivery(spool, LifePipe(0), lock).run()
<Result.ENDED: 'delivered'>
"""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from lab_workbook.errors import CredentialsMissing, InvalidName, LabWorkbookError, warn
from lab_workbook.protocol import _spec, names
from lab_workbook.protocol.locks import Lock
from lab_workbook.store.wire import Wire

from lab_workbook_writer.uploader.claim import ClaimJob
from lab_workbook_writer.uploader.ending import end_document
from lab_workbook_writer.uploader.growth import Growth
from lab_workbook_writer.uploader.heartbeat import Heartbeat
from lab_workbook_writer.uploader.jobs import PutJob, Sender, remove
from lab_workbook_writer.uploader.journal import Journal, Sent
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.queue import Line, Queue, destination
from lab_workbook_writer.uploader.script import Life, Script
from lab_workbook_writer.uploader.sealing import Sealing, TakeOverJob
from lab_workbook_writer.uploader.spool import Spool
from lab_workbook_writer.uploader.upload_queue import Kind, Mark, UploadQueue
from lab_workbook_writer.uploader.uploads import Uploads
from lab_workbook_writer.uploader.weather import Weather

# How long a request that is under way may hold up the end of this process.
_LAST_REQUESTS_SECONDS: Final = 30.0

# Whoever ends this process often ends its script as well: so long we wait for what it still has to say,
# and so long for requests that get nowhere. Many give ten seconds in all before they kill.
_LAST_WORDS_SECONDS: Final = 2.0
_HURRY_SECONDS: Final = 8.0


class Result(enum.Enum):
    """How a delivery came to its end."""

    ENDED = "delivered"
    CAUGHT_UP = "delivered so far; its script is still running"
    REFUSED = "refused"
    GAVE_UP = "not delivered"
    GONE = "left, because its spool is gone"
    HURRIED = "interrupted"
    SEALED = "sealed"
    TAKEN = "left, because another process delivers it now"
    LEFT = "left, because nothing moves and whether its script lives cannot be seen from here"


class Delivery:
    """
    Delivers a spool whose lock the caller holds.

    With ``stays`` it goes on while the script lives; without, it leaves once all that is there was
    sent. Either way it gives up after ``idle_seconds`` in which nothing moved, unless its script may
    yet need it. ``on_claim`` is called once the tag is known to be ours, and ``on_turn`` each time that
    everything is looked at. ``is_declared_dead`` is a
    person's word about a script of which nothing is known: its experiment is sealed, and its spool kept.
    """

    def __init__(
        self,
        spool: Spool,
        life: LifePipe,
        lock: Lock,
        *,
        stays: bool = True,
        is_declared_dead: bool = False,
        idle_seconds: float = _spec.TIMING_IDLE_SECONDS,
        on_claim: Callable[[], None] = lambda: None,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._spool = spool
        self._life = life
        self._lock = lock
        self._stays = stays
        self._is_declared_dead = is_declared_dead
        self._idle_seconds = idle_seconds
        self._on_claim: Callable[[], None] | None = on_claim
        self._on_turn = on_turn
        self._begin_data, begin = spool.begin()
        self._queue = Queue(spool.file(_spec.LAYOUT_QUEUE))
        self._lines = self._queue.read()
        self._to = destination(self._lines, str(spool))
        # `lab-workbook push --tag` rewrites begin.json, and the queue keeps the tag that was taken.
        self.tag = str(begin.get("tag"))
        self._explicit = self._to.explicit or self.tag != self._to.tag
        self._script = Script(begin, spool.root, self._to.file_system)
        wire = Wire()
        compact_at = _spec.SPOOL_JOURNAL_BYTES if self._to.rereads_journal else None
        self._journal = Journal(spool.file(_spec.LAYOUT_JOURNAL), wire, compact_at=compact_at)
        self._weather = Weather(self._journal)
        self._sender = Sender(self._journal, lambda: self._to.open(self.tag, wire), self._weather.moved)
        # Of all others the journal may be an old copy, and the experiment have ended since.
        is_own = stays and self._script.life() is Life.ALIVE
        self._is_taken_over = not is_own and (self._journal.is_claimed or self._journal.is_claim_open)
        is_claimed = self._journal.is_claimed and not self._is_taken_over
        waiting = UploadQueue(is_claimed=is_claimed, may_send=self._may_send)
        self._uploads = Uploads(waiting, report=self._report, wake=life.wake)
        self._growth = Growth(self._sender, self._uploads, self._is_series_lost)
        self._sealing = Sealing(self._sender, self._uploads, spool, self._script)
        self._heartbeat = Heartbeat(self._sender, self._uploads)
        # Where the journal says that a later put of a name has arrived, earlier ones are skipped.
        self._arrived = {name: sent.outbox for name, sent in self._journal.published.items() if sent.outbox}
        self._flushes: deque[tuple[Any, Mark]] = deque()
        self._end: Line | None = None
        # No more will come; and all of it was looked at.
        self._is_ending = False
        self._is_over = False
        self._hurried_at: float | None = None
        self._lost: Counter[str] = Counter()
        # The latest version of each artifact that will never arrive, by its number in the outbox.
        self._gone: dict[str, int] = {}

    @property
    def where(self) -> str:
        """The URL of the experiment."""
        return f"{self._to.prefix}{self.tag}/"

    @property
    def reason(self) -> str:
        """Why not everything has arrived, as far as it is known."""
        return str(self._uploads.refusal or self._weather.trouble)

    @property
    def is_taken(self) -> bool:
        """Whether the tag belongs to another experiment."""
        return self._journal.refusal == "taken"

    def hurry(self) -> None:
        """Send at once what is there, and leave soon; may be called from a signal handler."""
        self._hurried_at = time.monotonic()
        self._life.wake()

    def run(self) -> Result:
        """Deliver, until there is nothing more to do."""
        # A backup may have brought this spool back, or the process that was to remove it was killed.
        if self._journal.has_ended or self._journal.is_sealed:
            result = Result.SEALED if self._journal.is_sealed else Result.ENDED
            self._journal.close()
        else:
            result = self._deliver()
        if result is Result.ENDED:
            # Somebody else may have removed it already.
            with contextlib.suppress(FileNotFoundError):
                self._spool.remove()
        elif result is Result.SEALED:
            self._spool.set_aside()
        return result

    def _deliver(self) -> Result:
        self._journal.say("started", pid=os.getpid())
        self._claim()
        # An end.json that another process may have sent is sent again as it is.
        self._is_ending = self._is_over = self._sealing.resume(self._lines)
        self._turn()
        self._uploads.start()
        try:
            while (result := self._result()) is None:
                self._life.wait(_spec.TIMING_POLL_SECONDS)
                self._turn()
        finally:
            self._uploads.stop(_LAST_REQUESTS_SECONDS)
            self._journal.close()
        return result

    def _claim(self) -> None:
        claim = None
        if not self._journal.is_claimed:
            claim = ClaimJob(
                self._journal,
                lambda: self._sender.store,
                self._begin_data,
                tag=self.tag,
                explicit=self._explicit,
            )
        if self._is_taken_over:
            is_whole = functools.partial(self._sealing.is_whole, self._lines)
            self._uploads.submit(_spec.LAYOUT_BEGIN, TakeOverJob(self._sender, claim, is_whole))
        elif claim is not None:
            self._uploads.submit(_spec.LAYOUT_BEGIN, claim)

    def _turn(self) -> None:
        """Look at everything once."""
        self._on_turn()
        if self._on_claim is not None and self._journal.is_claimed:
            on_claim, self._on_claim = self._on_claim, None
            on_claim()
        # Asked before the queue is read: what a script wrote before it died is then in there.
        is_dead = self._end is None and self._is_dead()
        lines, self._lines = self._lines + self._queue.read(), []
        was_over = self._is_over
        self._is_ending |= is_dead or any(line.get("verb") == "end" for line in lines)
        for line in lines:
            self._take(line)
        # Only now: what waits for the end is put once, and the last version of it is in these lines.
        self._is_over = self._is_ending
        if self._is_over and not was_over:
            # From now on it counts how long nothing moves; before, the script just had nothing to say.
            self._weather.moved(0)
            self._uploads.hurry()
        is_hurried = self._hurried_at is not None
        if is_hurried:
            self._uploads.hurry()
        self._publish(all_rows=self._is_over or not self._stays or is_hurried)
        self._answer_flushes()
        self._weather.watch(self._uploads.seconds_in_flight)

    def _is_dead(self) -> bool:
        return self._is_declared_dead or self._script.life() is Life.DEAD

    def _take(self, line: Line) -> None:
        verb = line.get("verb")
        if self._sealing.is_begun or (self._end is not None and verb == "series"):
            # Of a process of another rank, which has not heard yet that rank 0 has ended.
            return
        self._weather.moved(0)
        try:
            if verb == "series":
                self._take_series(names.check(line.get("name")), line.get("saveEvery"))
            elif verb == "put":
                self._take_put(names.check(line.get("name")), line.get("outbox"))
            elif verb == "flush":
                self._take_flush(line.get("id"))
            elif verb == "end":
                self._end = line
        except LabWorkbookError as error:
            warn(f"a line of the queue is passed over: {error}")
            if isinstance(error, InvalidName):
                self._lost[_spec.LOSS_ARTIFACTS] += 1

    def _take_series(self, name: str, save_every: Any) -> None:
        self._growth.add(
            self._spool.artifact(name),
            name,
            save_every if isinstance(save_every, int) else None,
            upload_every=self._to.upload_every,
        )

    def _take_put(self, name: str, outbox: Any) -> None:
        path = self._spool.outbox(outbox)
        if name in self._arrived:
            if self._arrived[name] == outbox:
                del self._arrived[name]
            remove(path)
            return

        def lose(why: str) -> None:
            self._lose(name, why, outbox=outbox)

        self._uploads.submit(name, PutJob(self._sender, self._spool, name, outbox, lose))

    def _take_flush(self, number: Any) -> None:
        if number in self._journal.flushed:
            return
        self._publish(all_rows=True)
        self._uploads.hurry()
        # The last rows of a series are in its artifact alone.
        self._flushes.append((number, self._uploads.mark(is_whole=self._is_ending)))

    def _report(self, error: Exception | None) -> None:
        # The writer restores what was removed from its spool; the network has no part in it.
        is_over = self._journal.is_sealed or self._journal.has_ended
        if not is_over and not isinstance(error, FileNotFoundError):
            self._weather.report(error)
        if isinstance(error, CredentialsMissing):
            self._sender.reopen()

    def _lose(self, name: str, why: str, **more: str) -> None:
        """Take note that an artifact will never be in the bucket as it was saved, and let the writer know."""
        self._gone[name] = int(more.get("outbox", 0))
        self._journal.say("lost", name=name, message=why, **more)

    def _losses(self) -> Counter[str]:
        """Return what is lost; an artifact that was saved again later is not."""
        published = self._journal.published
        later = [
            name
            for name, number in self._gone.items()
            if name in published and _number(published[name]) > number
        ]
        return self._lost + Counter({_spec.LOSS_ARTIFACTS: len(self._gone) - len(later)})

    def _is_series_lost(self, name: str) -> bool:
        """Return whether nobody can restore the file of a series, and count it then."""
        if not self._is_dead():
            return False
        self._lose(name, "its file was removed from the spool, and its script is gone")
        return True

    def _is_in_place(self) -> bool:
        """Return whether this is the spool that we began with; the writer replaces one that was removed."""
        return (
            os.path.exists(self._spool.file(_spec.LAYOUT_QUEUE))
            and self._queue.is_in_place()
            and self._journal.is_in_place()
        )

    def _publish(self, *, all_rows: bool) -> None:
        now = time.monotonic()
        self._growth.turn(now, all_rows=all_rows, is_over=self._is_ending)
        if not self._is_ending:
            self._heartbeat.turn(now)

    def _may_send(self, kind: Kind) -> bool:
        """Say whether a kind may be sent: artifacts wait until it is known that they can be replaced."""
        is_artifact = kind in (Kind.ARTIFACT, Kind.REFRESH)
        return not is_artifact or self._is_over or self._journal.overwrites is True

    def _answer_flushes(self) -> None:
        while self._flushes and self._uploads.has_delivered(self._flushes[0][1]):
            self._journal.say("flushed", id=self._flushes.popleft()[0])

    def _result(self) -> Result | None:
        if self._uploads.fault is not None:
            # The script starts another uploader, whose memory is its own.
            raise self._uploads.fault
        # An end.json that is there already refuses everything else.
        if self._journal.is_sealed:
            return Result.SEALED
        if self._journal.has_ended:
            return Result.ENDED
        if self._uploads.refusal is not None:
            return Result.REFUSED
        return self._result_of_leaving() or self._result_of_patience()

    def _result_of_leaving(self) -> Result | None:
        if self._hurried_at is not None and self._may_leave_in_a_hurry(self._hurried_at):
            return Result.HURRIED
        if not self._is_in_place():
            return Result.GONE
        return None if self._lock.is_held else Result.TAKEN

    def _result_of_patience(self) -> Result | None:
        if self._is_over and self._uploads.is_idle and not self._sealing.is_begun:
            self._seal()
            return None
        if not self._is_over and not self._stays and self._uploads.is_quiet:
            return Result.CAUGHT_UP
        if self._weather.idle() < self._idle_seconds:
            return None
        if self._is_over or not self._stays:
            return Result.GAVE_UP
        # A script that lives after all starts another uploader with its next row.
        is_forsaken = self._life.is_closed and self._script.life() is Life.UNKNOWN
        return Result.LEFT if is_forsaken else None

    def _may_leave_in_a_hurry(self, since: float) -> bool:
        hurried = time.monotonic() - since
        if min(hurried, self._weather.idle()) >= _HURRY_SECONDS:
            return True
        # A script that is over goes on to its end.json.
        return not self._is_over and self._uploads.is_quiet and hurried >= _LAST_WORDS_SECONDS

    def _seal(self) -> None:
        document = end_document(
            self._end,
            begin=self._begin_data,
            published=self._journal.published,
            lost=self._losses(),
            last_change=self._spool.last_change(),
            traffic=self._journal.traffic(),
        )
        self._sealing.begin(document, [self._end] if self._end else [])


def _number(sent: Sent) -> int:
    return int(sent.outbox or 0)
