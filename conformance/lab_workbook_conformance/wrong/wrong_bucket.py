"""Writers that are wrong only in a bucket; ``PLAYED`` names for each the case of level s3 that finds it."""

from __future__ import annotations

import threading
import time
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import bucket, settings
from lab_workbook_conformance.wrong.bucket import Bucket, Growing
from lab_workbook_conformance.wrong.table import Right, instead_of

_LAYOUT = SPEC["layout"]
_SCRIPT = "end.last-bucket"

# The case of level s3 that finds each of them.
PLAYED: dict[str, str] = {
    "kind.content-type": _SCRIPT,
    "tag.claim-2": "tag.claim-at-once",
    "tag.claim-3": "tag.claim-answer-lost",
    "tag.claim-4": "tag.claim-at-once",
    "begin.first": _SCRIPT,
    "layout.working-3": _SCRIPT,
    "layout.place-3": "layout.place-bucket",
    "series.publish": _SCRIPT,
    "series.publish-2": "series.publish-rows",
    "segments.rows-2": _SCRIPT,
    "segments.cover": "segments.cover-16",
    "segments.refresh": _SCRIPT,
    "segments.delete": _SCRIPT,
    "segments.first": _SCRIPT,
    "segments.first-2": "segments.first-refused",
    "heartbeat.document-2": _SCRIPT,
    "heartbeat.beat": _SCRIPT,
    "heartbeat.beat-2": "heartbeat.beat-minute",
    "end.delivery-2": _SCRIPT,
    "end.last-4": _SCRIPT,
    "kind.replace-3": "kind.replace-slow",
    "config.grammar-20": "config.grammar-seconds",
}


@instead_of("kind.content-type", bucket, "content_type")
def no_type(_: Right, _name: str) -> Any:
    """All objects are bytes and no more."""
    return "application/octet-stream"


@instead_of("tag.claim-2", Bucket, "create", also=("segments.first",))
def taken_over(_: Right, store: Bucket, name: str, data: bytes) -> Any:
    """A tag is claimed by putting begin.json, whoever had it before."""
    store.put(name, data, {})
    store.live()


@instead_of("tag.claim-3", Bucket, "may_be_ours")
def never_ours(_: Right, _store: Bucket, _attempt: int) -> Any:
    """Whatever is there was put by somebody else."""
    return False


@instead_of("tag.claim-4", Bucket, "create")
def never_told(right: Right, store: Bucket, name: str, data: bytes) -> Any:
    """Whoever comes second is not told, and records nothing."""
    try:
        right(store, name, data)
    except FileExistsError:
        time.sleep(SPEC["timing"]["claim_seconds"])
        # Nothing it does arrives any more.
        store.__dict__["_client"] = _Deaf()


class _Deaf:
    """A client that asks nobody."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


@instead_of("begin.first", Bucket, "create")
def heartbeat_first(right: Right, store: Bucket, name: str, data: bytes) -> Any:
    """The heart beats before the tag is claimed."""
    store.send(_LAYOUT["heartbeat"], store.heartbeat(is_first=True))
    right(store, name, data)
    store.may_replace = store.send(_LAYOUT["heartbeat"], store.heartbeat(is_first=False))


@instead_of("layout.working-3", Bucket, "create")
def lock_sent(right: Right, store: Bucket, name: str, data: bytes) -> Any:
    """A lock is put in the bucket."""
    right(store, name, data)
    store.send(_LAYOUT["lock"], b"")


@instead_of("layout.place-3", Bucket, "send", also=("end.files", "kind.suffix"))
def quoted_twice(right: Right, store: Bucket, name: str, data: bytes) -> Any:
    """A space in a name becomes a plus in its key."""
    return right(store, name.replace(" ", "+"), data)


@instead_of("series.publish", Bucket, "publish")
def never_published(_: Right, _store: Bucket, _name: str, _series: Growing) -> Any:
    """Rows arrive at the end and not before."""


@instead_of("series.publish-2", Growing, "is_due")
def rows_uncounted(right: Right, series: Growing, now: float, every: float) -> Any:
    """Rows wait for their time, however many there are."""
    series.every = None
    return right(series, now, every)


@instead_of("segments.rows-2", Growing, "segment")
def torn(right: Right, series: Growing) -> Any:
    """A segment may end in the middle of a row."""
    whole, series.data = series.data, series.data[:-5]
    found = right(series)
    series.data = whole
    return found


@instead_of("segments.cover", Growing, "segment")
def one_by_one(right: Right, series: Growing) -> Any:
    """Each segment holds one publication."""
    _, end = right(series)
    return [0, *series.ends][-2], end


@instead_of("segments.refresh", Bucket, "is_unfinished", also=("end.last", "series.append"))
def left_unfinished(right: Right, store: Bucket, series: Growing) -> Any:
    """An artifact that is there is left as it was refreshed last."""
    return series.refreshed == 0 and right(store, series)


@instead_of("segments.delete", Bucket, "patience")
def deleted_at_once(_: Right, _store: Bucket) -> Any:
    """What is superseded is deleted at once."""
    return 0.0


@instead_of("segments.first", Bucket, "first_headers", also=("tag.claim", "segments.rows", "segments.cover"))
def plainly(_: Right, _store: Bucket) -> Any:
    """Objects are put whether they are there or not."""
    return {}


@instead_of("segments.first-2", Bucket, "may_save", also=("end.last", "kind.replace"))
def saved_at_once(_: Right, _store: Bucket) -> Any:
    """Artifacts are put before anybody knows whether they can be replaced."""
    return True


@instead_of("heartbeat.document-2", Bucket, "heartbeat")
def always_first(right: Right, store: Bucket, *, is_first: bool) -> Any:
    """Each heartbeat says that it is the first."""
    del is_first
    return right(store, is_first=True)


@instead_of("heartbeat.beat", Bucket, "beat")
def no_heart(_: Right, _store: Bucket, _now: float) -> Any:
    """No heart beats."""


@instead_of("heartbeat.beat-2", Bucket, "beat")
def frantic(right: Right, store: Bucket, now: float) -> Any:
    """The heart beats twice, and never again."""
    if _LAYOUT["heartbeat"] not in store._there:  # noqa: SLF001 - what has been put is its own affair
        right(store, now)


@instead_of("end.delivery-2", Bucket, "count")
def requests_alone(right: Right, store: Bucket, _data: bytes) -> Any:
    """Requests are counted, and no bytes."""
    right(store, b"")


@instead_of("end.last-4", Bucket, "end")
def last_beat(_: Right, store: Bucket) -> Any:
    """The heart beats once more after the end."""
    store.send(_LAYOUT["heartbeat"], store.heartbeat(is_first=False))


@instead_of("kind.replace-3", Bucket, "save", also=("end.last",), perhaps=("end.delivery",))
def overtaking(_: Right, store: Bucket) -> Any:
    """Each artifact is sent by a thread of its own, as soon as it can be."""
    while store.may_replace and store._waiting:  # noqa: SLF001 - as above
        name, data = store._waiting.popitem()  # noqa: SLF001 - as above
        threading.Thread(target=store.send, args=(name, data)).start()


@instead_of("config.grammar-20", settings, "check_seconds")
def ten_seconds(_: Right, _key: str, _value: Any) -> Any:
    """A setting that is not a number of seconds is not refused."""
