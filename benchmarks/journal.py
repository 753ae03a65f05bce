"""
The size of a journal after many publications, and the CPU time of an uploader that takes it over.

    python -m benchmarks.journal 300000

Each publication is recorded as an uploader does: begun, arrived, its superseded segments removed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Final, NamedTuple

from lab_workbook.protocol import _spec
from lab_workbook_writer.uploader.journal import Journal

ROW_BYTES: Final = 60


class Cost(NamedTuple):
    """``seconds`` of CPU: to record all publications, and to replay the journal."""

    bytes: int
    recording_seconds: float
    replay_seconds: float


def measure(publications: int, *, compact_at: int | None = _spec.SPOOL_JOURNAL_BYTES) -> Cost:
    """Return the cost of a journal of N publications; with None it is never compacted."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "journal")
        start = time.process_time()
        journal = Journal(path, compact_at=compact_at)
        for number in range(1, publications + 1):
            _publish(journal, "loss.csv", number * ROW_BYTES)
        journal.close()
        recorded = time.process_time()
        Journal(path).close()
        replayed = time.process_time()
        return Cost(os.path.getsize(path), recorded - start, replayed - recorded)


def _publish(journal: Journal, name: str, end: int) -> None:
    journal.say("publishing", name=name, end=end)
    segment = journal.trail(name).pending
    assert segment is not None
    journal.say("published", name=name, segment=segment.range)
    if removed := [each.range for each in journal.trail(name).take_superseded()]:
        journal.say("removed", name=name, segments=removed)


def main() -> None:
    """Print the cost for the numbers of publications on the command line, compacted and not."""
    for publications in map(int, sys.argv[1:]):
        for compact_at in (None, _spec.SPOOL_JOURNAL_BYTES):
            cost = measure(publications, compact_at=compact_at)
            print(
                f"{publications:>9,} publications, {'compacted' if compact_at else 'never compacted':<15}: "
                f"{cost.bytes:>11,} bytes, replay {cost.replay_seconds:.2f} s, "
                f"recording {cost.recording_seconds / publications * 1e6:.0f} us each",
                flush=True,
            )


if __name__ == "__main__":
    main()
