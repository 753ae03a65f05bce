"""
What a growing series becomes in a bucket: segments, an artifact that is refreshed, and what they replace.

After publication *i* one segment holds the last b^v publications, where b = 16 and v is how often 16
divides i. So each byte is sent a few times and not once a publication, and a reader needs at most 15
segments of each length. The artifact itself is refreshed whenever it has doubled. Nothing here sends
anything; the trail of a series follows the events of the journal, and answers what comes next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.segments import Segment

_BASE: Final = _spec.SEGMENT_BASE


class Trail:
    """
    What of one series is in the bucket, or may be.

    >>> trail = Trail("loss.csv")
    >>> trail.publish(4096)
    Segment(name='loss.csv', start=0, end=4096)
    >>> trail.delivered(trail.pending)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.publications = 0
        # To where the segments reach.
        self.end = 0
        # The segment whose sending was begun, and of which nobody knows yet whether it has arrived.
        self.pending: Segment | None = None
        # What is superseded and not known to be removed; and what of it is still to be taken.
        self._superseded: dict[str, Segment] = {}
        self._untaken: dict[str, Segment] = {}
        self._lock = threading.Lock()
        # How many bytes the artifact had when it was sent last.
        self.refreshed = 0
        self._needed: list[Segment] = []
        # Where the last publication ended whose number 16^k divides, for each k.
        self._ends: list[int] = []
        self._sending: int | None = None
        self._given_up: int | None = None
        self._refreshed_in_all = 0

    @property
    def lasting(self) -> int:
        """
        How many bytes the artifact will have at least, whatever happens.

        A request that was given up on may still land, and put an older version in place of a newer one.
        """
        return self.refreshed if self._given_up is None else min(self.refreshed, self._given_up)

    @property
    def refresh(self) -> int | None:
        """How many bytes the artifact should be refreshed with now; None as long as it serves as it is."""
        if self.end <= self.refreshed:
            return None
        is_small = (
            self.end <= _spec.SEGMENT_REFRESH_BYTES and self._refreshed_in_all < _spec.SEGMENT_REFRESH_BUDGET
        )
        return self.end if is_small or self.end >= 2 * self.refreshed else None

    def bytes_up_to(self, end: int) -> int:
        """Return how many bytes the segment has that publishes all rows up to a byte."""
        return end - self._next_start()

    def publish(self, end: int) -> Segment:
        """Begin a publication of all rows up to a byte; returns the segment to send."""
        self.pending = Segment(self.name, self._next_start(), end)
        return self.pending

    def delivered(self, segment: Segment) -> None:
        """Take note that a segment is in the bucket, and so a publication complete."""
        self.pending = None
        self.publications += 1
        self.end = max(self.end, segment.end)
        level = _level(self.publications)
        self._ends += [0] * (level + 1 - len(self._ends))
        self._ends[: level + 1] = [segment.end] * (level + 1)
        self._supersede([each for each in self._needed if segment.holds(each)])
        self._needed.append(segment)

    def sending(self, size: int) -> None:
        """Take note that the artifact is about to be sent with so many bytes."""
        if self._sending is not None:
            # Nobody has said what became of the last attempt.
            self._given_up = self._sending if self._given_up is None else min(self._given_up, self._sending)
        self._sending = size
        self._refreshed_in_all += size

    def sent(self, size: int) -> None:
        """Take note that the artifact is in the bucket with so many bytes."""
        self._sending = None
        self.refreshed = size
        self._supersede([each for each in self._needed if each.end <= self.lasting])

    def removed(self, ranges: Iterable[str]) -> None:
        """Take note that superseded segments are gone."""
        with self._lock:
            for each in ranges:
                self._superseded.pop(each, None)
                self._untaken.pop(each, None)

    def take_superseded(self) -> list[Segment]:
        """Hand over the segments that nobody needs any more, each of them once."""
        with self._lock:
            taken, self._untaken = self._untaken, {}
        return list(taken.values())

    def keep_superseded(self) -> None:
        """Forget what is superseded, because the bucket refuses to delete it."""
        with self._lock:
            self._superseded, self._untaken = {}, {}

    def state(self) -> dict[str, Any]:
        """Return all that is known, as a JSON object for `from_state`."""
        with self._lock:
            superseded = list(self._superseded)
        return {
            "publications": self.publications,
            "end": self.end,
            "pending": self.pending.range if self.pending else None,
            "needed": [each.range for each in self._needed],
            "superseded": superseded,
            "ends": self._ends,
            "refreshed": self.refreshed,
            "refreshedInAll": self._refreshed_in_all,
            "sending": self._sending,
            "givenUp": self._given_up,
        }

    @classmethod
    def from_state(cls, name: str, state: Mapping[str, Any]) -> Trail:
        """
        Return a trail that knows what another one has returned as its `state`.

        Raises:
            KeyError, TypeError, ValueError: this is not such a state.
        """
        trail = cls(name)
        trail.publications = int(state["publications"])
        trail.end = int(state["end"])
        trail.pending = trail._segment(state["pending"]) if state["pending"] else None
        trail._needed = [trail._segment(each) for each in state["needed"]]
        trail._ends = [int(each) for each in state["ends"]]
        trail.refreshed = int(state["refreshed"])
        trail._refreshed_in_all = int(state["refreshedInAll"])
        trail._sending, trail._given_up = state["sending"], state["givenUp"]
        trail._superseded = {each: trail._segment(each) for each in state["superseded"]}
        trail._untaken = dict(trail._superseded)
        return trail

    def _segment(self, bytes_range: str) -> Segment:
        end, _, start = bytes_range.partition("-")
        return Segment(self.name, int(start), int(end))

    def may_shrink_below(self, size: int) -> bool:
        """Say whether the artifact may be found shorter than this, though it was sent whole."""
        return any(sent is not None and sent < size for sent in (self._sending, self._given_up))

    def _next_start(self) -> int:
        level = _level(self.publications + 1)
        return self._ends[level] if level < len(self._ends) else 0

    def _supersede(self, segments: list[Segment]) -> None:
        with self._lock:
            for each in segments:
                self._superseded[each.range] = self._untaken[each.range] = each
        self._needed = [each for each in self._needed if each not in segments]


def _level(publication: int) -> int:
    """Return how often 16 divides the number of a publication."""
    level = 0
    while publication % _BASE ** (level + 1) == 0:
        level += 1
    return level
