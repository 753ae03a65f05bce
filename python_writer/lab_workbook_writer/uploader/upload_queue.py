"""
Order and retry of S3 uploads: one entry for each key, rows first, artifacts in turn.

Of one key, one job is in flight at a time and at most one waits: a newer job replaces the waiting one. Claim,
rows and documents go before artifacts. Among equals, the key goes first that was sent longest ago. So a key
that is saved again and again never starves another.

Every operation costs the same however many keys there are. The queue has neither threads nor a clock;
`uploads.Uploads` runs it.

>>> queue = UploadQueue()
>>> queue.submit("options.json", job)
>>> key, job = queue.take(now=0.0)
>>> job.run()
>>> queue.succeed(key)
"""

from __future__ import annotations

import enum
import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

# How many jobs may be in flight.
WORKERS: Final = 6

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
# 0.5 * 2**6 is more than the longest pause.
_MOST_DOUBLINGS: Final = 6

# Stale records are dropped when there are more of them than live ones, and more than this.
_STALE_RECORDS: Final = 64


class Kind(enum.Enum):
    """
    What a job uploads.

    ``is_urgent``: goes before artifacts. ``is_awaited``: readers that know segments need it to see all that
    was logged and saved, so a flush waits for it.
    """

    CLAIM = ("claim", True, True)
    ROWS = ("rows", True, True)
    # The heartbeat and end.json.
    DOCUMENT = ("document", True, False)
    ARTIFACT = ("artifact", False, True)
    # A series as one object, for tools that do not know segments.
    REFRESH = ("refresh", False, False)
    # Superseded segments.
    REMOVAL = ("removal", False, False)

    def __init__(self, _name: str, is_urgent: bool, is_awaited: bool) -> None:  # noqa: FBT001 - fields of a member
        self.is_urgent = is_urgent
        self.is_awaited = is_awaited


class Job(Protocol):
    """An upload that can be tried again."""

    kind: Kind
    # Takes long enough to make others wait.
    is_bulky: bool

    def run(self) -> None:
        """Upload it; an exception means that it is to be tried again."""
        ...

    def give_way(self) -> None:
        """Clean up, because a newer job of the same key has replaced this one."""
        ...


class Mark(NamedTuple):
    """A moment: what was submitted until then, either all of it or only the awaited kinds."""

    number: int
    is_whole: bool


class UploadQueue:
    """
    The uploads of one experiment that wait, are in flight, or pause after a failure.

    Until the claim has succeeded no other kind is taken, unless ``is_claimed``; nor is one that ``may_send``
    holds back.
    """

    def __init__(
        self, *, is_claimed: bool = True, may_send: Callable[[Kind], bool] = lambda _kind: True
    ) -> None:
        self._is_claimed = is_claimed
        self._may_send = may_send
        self._entries: dict[str, _Entry] = {}
        self._lines: dict[tuple[Kind, bool], _Line] = {}
        self._in_flight: dict[str, _InFlight] = {}
        self._by_level = [0] * _LEVELS
        self._paused: dict[str, float] = {}
        self._pauses: list[tuple[float, str]] = []
        self._failing = 0
        # Keys with a job that waits, by kind; and keys that have anything to deliver.
        self._waiting: Counter[Kind] = Counter()
        self._undelivered = 0
        self._owed = {True: _Owed(), False: _Owed()}
        self._submissions = 0
        self._turns = itertools.count()

    def submit(self, key: str, job: Job) -> Job | None:
        """
        Queue a job behind the one of its key that is in flight.

        Returns the waiting job that it replaces, which has to give way.
        """
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(key, next(self._turns))
        self._submissions += 1
        older = entry.waiting
        if older is None:
            self._undelivered += entry.sending is None
            entry.since = self._submissions
        if older is None or older.kind.is_awaited != job.kind.is_awaited:
            self._owed[job.kind.is_awaited].add(self._submissions, entry)
        self._set_waiting(entry, job)
        return older

    def take(self, now: float) -> tuple[str, Job] | None:
        """Return the job to run next, with its key, or None if there is none now; it is then in flight."""
        self._end_pauses(now)
        best = min(self._ready(), default=None)
        if best is None:
            return None
        entry = self._entries[best.key]
        job = entry.waiting
        assert job is not None  # noqa: S101 - lines hold entries that wait
        self._set_waiting(entry, None)
        entry.sending, entry.since = entry.since, None
        self._in_flight[entry.key] = _InFlight(job, now)
        self._by_level[_level(job)] += 1
        return entry.key, job

    def succeed(self, key: str) -> bool:
        """
        Take note that the job of a key that was in flight has worked.

        Returns whether jobs that were held back or paused may go now. Pauses end, because what works for one
        key will work for all.
        """
        entry, job = self._land(key)
        is_first_claim = job.kind is Kind.CLAIM and not self._is_claimed
        self._is_claimed |= is_first_claim
        self._failing -= entry.failures > 0
        entry.failures = 0
        if entry.waiting is None:
            self._undelivered -= 1
        else:
            self._line(entry.waiting).add(entry)
        # Another document than the claim may have shown what may be sent.
        return self.hurry() or is_first_claim or job.kind is Kind.DOCUMENT

    def fail(self, key: str, now: float) -> Job | None:
        """
        Take note that the job of a key has failed: it is tried again after a pause, which doubles each time.

        Returns the job if a newer one has replaced it, and it has to give way.
        """
        # `_land` forgets it.
        since = self._entries[key].sending
        entry, job = self._land(key)
        # Many uploaders that lost the same server must not all come back at once.
        pause = min(_FIRST_PAUSE * 2**entry.failures, _LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311
        self._paused[key] = now + pause
        heapq.heappush(self._pauses, (now + pause, key))
        self._failing += not entry.failures
        entry.failures = min(entry.failures + 1, _MOST_DOUBLINGS)
        # The waiting job answers for all that this one would have delivered.
        entry.since = since
        if entry.waiting is not None:
            return job
        self._set_waiting(entry, job)
        return None

    def hurry(self) -> bool:
        """End all pauses; returns whether there were any."""
        paused, self._paused = self._paused, {}
        self._pauses.clear()
        for key in paused:
            self._end_pause(self._entries[key])
        return bool(paused)

    def next_pause_end(self) -> float | None:
        """Return when the first pause ends, or None without one."""
        return self._pauses[0][0] if self._pauses else None

    def mark(self, *, is_whole: bool) -> Mark:
        """Return the present moment, for `has_delivered`."""
        return Mark(self._submissions, is_whole)

    def has_delivered(self, mark: Mark) -> bool:
        """Say whether all that was submitted before a mark, or newer jobs of the same keys, has arrived."""
        parts = (True, False) if mark.is_whole else (True,)
        return all(self._owed[part].oldest() > mark.number for part in parts)

    @property
    def is_idle(self) -> bool:
        """Whether everything has arrived."""
        return not self._undelivered

    @property
    def is_quiet(self) -> bool:
        """Whether everything has arrived that is not held back."""
        waits = any(count and self._is_open(kind) for kind, count in self._waiting.items())
        return not self._in_flight and not waits

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt of any key has failed."""
        return self._failing > 0

    def seconds_in_flight(self, now: float) -> float:
        """Return for how long the oldest job in flight has been so."""
        return max((now - each.since for each in self._in_flight.values()), default=0.0)

    def _land(self, key: str) -> tuple[_Entry, Job]:
        entry, job = self._entries[key], self._in_flight.pop(key).job
        self._by_level[_level(job)] -= 1
        entry.sending = None
        entry.turn = next(self._turns)
        return entry, job

    def _set_waiting(self, entry: _Entry, job: Job | None) -> None:
        """Let a job wait in an entry, in the line of its kind if it may go when it is its turn."""
        older, entry.waiting = entry.waiting, job
        if older is not None:
            self._waiting[older.kind] -= 1
            self._line(older).remove(entry)
        if job is not None:
            self._waiting[job.kind] += 1
            if entry.sending is None and entry.key not in self._paused:
                self._line(job).add(entry)

    def _end_pauses(self, now: float) -> None:
        while self._pauses and self._pauses[0][0] <= now:
            key = heapq.heappop(self._pauses)[1]
            del self._paused[key]
            self._end_pause(self._entries[key])

    def _end_pause(self, entry: _Entry) -> None:
        assert entry.waiting is not None  # noqa: S101 - a paused entry waits
        self._line(entry.waiting).add(entry)

    def _line(self, job: Job) -> _Line:
        place = (job.kind, job.is_bulky)
        if place not in self._lines:
            self._lines[place] = _Line()
        return self._lines[place]

    def _ready(self) -> Iterator[_Place]:
        """Yield the first place of each line that has one, may be sent and has a worker left."""
        for (kind, is_bulky), line in self._lines.items():
            first = line.first()
            if first is not None and self._is_open(kind) and self._has_worker(kind, is_bulky=is_bulky):
                yield _Place(not kind.is_urgent, *first)

    def _is_open(self, kind: Kind) -> bool:
        return (self._is_claimed or kind is Kind.CLAIM) and self._may_send(kind)

    def _has_worker(self, kind: Kind, *, is_bulky: bool) -> bool:
        level = _levels(kind, is_bulky=is_bulky)
        return all(sum(self._by_level[each:]) < WORKERS - each for each in range(level + 1))


# Jobs of a level and of those after it take all workers but as many as its number. So whatever is uploaded,
# a worker is free for each level before: small urgent jobs, bulky urgent jobs, small others, bulky others.
_LEVELS: Final = 4


def _levels(kind: Kind, *, is_bulky: bool) -> int:
    return 2 * (not kind.is_urgent) + is_bulky


def _level(job: Job) -> int:
    return _levels(job.kind, is_bulky=job.is_bulky)


class _Place(NamedTuple):
    """The place of an entry among all that are ready: what is less goes first."""

    is_patient: bool
    turn: int
    key: str


class _InFlight(NamedTuple):
    job: Job
    since: float


class _Entry:
    """The jobs of one key."""

    __slots__ = ("failures", "key", "sending", "since", "turn", "waiting")

    def __init__(self, key: str, turn: int) -> None:
        self.key = key
        # When it was sent last or, before that, submitted first.
        self.turn = turn
        self.waiting: Job | None = None
        # The number of the first submission that the waiting job, and the one in flight, would deliver.
        self.since: int | None = None
        self.sending: int | None = None
        self.failures = 0

    def owes(self, number: int) -> bool:
        """Say whether a submission, or a newer one, is still to arrive."""
        return any(first is not None and first <= number for first in (self.sending, self.since))


class _Line:
    """Entries of one kind that may go, in the order of their turns."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}
        # Those that have left stay here until they come first, or are too many.
        self._heap: list[tuple[int, str]] = []

    def add(self, entry: _Entry) -> None:
        self._turns[entry.key] = entry.turn
        if len(self._heap) > 2 * len(self._turns) + _STALE_RECORDS:
            self._heap = [(turn, key) for key, turn in self._turns.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (entry.turn, entry.key))

    def remove(self, entry: _Entry) -> None:
        self._turns.pop(entry.key, None)

    def first(self) -> tuple[int, str] | None:
        while self._heap and self._turns.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None


class _Owed:
    """Numbers of submissions, each until its entry has delivered it or something newer."""

    def __init__(self) -> None:
        self._records: deque[tuple[int, _Entry]] = deque()
        self._most = _STALE_RECORDS

    def add(self, number: int, entry: _Entry) -> None:
        self._records.append((number, entry))
        if len(self._records) > self._most:
            self._records = deque(record for record in self._records if record[1].owes(record[0]))
            self._most = 2 * len(self._records) + _STALE_RECORDS

    def oldest(self) -> float:
        while self._records and not self._records[0][1].owes(self._records[0][0]):
            self._records.popleft()
        return self._records[0][0] if self._records else float("inf")
