"""
The fewest events that say what all events of a journal add up to.

They are in the vocabulary of any journal, so that every version reads them; only the segments of a series
take an event of their own. First comes what uploaders remember, then what a writer may have missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lab_workbook.protocol import jsontext

if TYPE_CHECKING:
    from lab_workbook_writer.uploader.journal import Journal

Event = dict[str, Any]

# There may be a hundred thousand events, and nothing else is recorded meanwhile.
_encode = json.JSONEncoder(ensure_ascii=False).encode

# Room for the number of bytes in the first line, which is written when all others are known.
_DIGITS = 15


def compacted(journal: Journal, number: int) -> bytes:
    """Return the lines of a journal that was compacted so many times."""
    memory, news = _lines(_memory(journal)), _lines(_news(journal))
    traffic = journal.traffic()
    first: Event = {
        "event": "compacted",
        "number": number,
        "memory": 0,
        "requests": traffic.requests,
        "bytesSent": traffic.bytes,
    }
    head = _line(first).replace(b'"memory": 0', b'"memory": %*d' % (_DIGITS, 0), 1)
    size = len(head) + len(memory)
    return (
        head.replace(b'"memory": %*d' % (_DIGITS, 0), b'"memory": %*d' % (_DIGITS, size), 1) + memory + news
    )


def _memory(journal: Journal) -> Iterator[Event]:
    for name, tried in journal.tried.items():
        sent = journal.published.get(name)
        is_implied = sent is not None and not sent.is_in_segments and tried == (sent.bytes, sent.outbox)
        if not is_implied:
            yield from _attempts(name, tried)
    for name, sent in journal.published.items():
        event: Event = {"event": "published", "name": name, "bytes": sent.bytes}
        # As these keys are where the event is written first: none is there without a value.
        event |= {"sha256": sent.sha256} if sent.sha256 else {}
        event |= {"outbox": sent.outbox} if sent.outbox else {}
        yield event | ({"isInSegments": True} if sent.is_in_segments else {})
    for name, trail in journal.trails.items():
        yield {"event": "segments", "name": name, **trail.state()}


def _attempts(name: str, tried: tuple[int, str] | None) -> Iterator[Event]:
    """Yield attempts to send an artifact: the only one, or two that differ where there were others."""
    for size, outbox in [tried] if tried else [(0, "0"), (1, "0")]:
        yield {"event": "sending", "name": name, "bytes": size} | ({"outbox": outbox} if outbox else {})


def _news(journal: Journal) -> Iterator[Event]:
    # What was sent is counted in the first line.
    for event in (*journal.others.values(), *journal.lost.values()):
        yield {key: value for key, value in event.items() if key not in ("requests", "bytesSent")}
    for document in journal.sealing:
        yield {"event": "sealing", "sha256": document}
    if journal.is_claimed:
        yield {"event": "claimed"}
    if journal.refusal is not None:
        yield {"event": "refused", "reason": journal.refusal, "message": journal.refusal_message}
    if journal.is_claim_open:
        yield {"event": "claiming"}
    if journal.overwrites is not None:
        yield {"event": "bucket", "overwrites": journal.overwrites}
    if not journal.deletes:
        yield {"event": "bucket", "deletes": False}
    yield {"event": "trouble", "message": journal.trouble} if journal.trouble else {"event": "recovered"}
    for each in journal.flushed.events():
        yield {"event": "flushed", **each}


def _lines(events: Iterator[Event]) -> bytes:
    return b"".join(map(_line, events))


def _line(event: Event) -> bytes:
    try:
        return _encode(event).encode() + b"\n"
    except UnicodeEncodeError:
        # From a line that a stranger wrote.
        return jsontext.encode(event, lambda _kind: None) + b"\n"
