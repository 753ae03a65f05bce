"""
What was read once from a bucket is not sent again, and is never out of date.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook.protocol import prefix
from lab_workbook.store.cache import CachedStore
from lab_workbook.store.cache_folder import CacheFolder
from lab_workbook.store.s3 import S3Store
from lab_workbook.store.wire import Wire


class Watched(Wire):
    """Counts what was asked, and the bytes of the bodies that came back."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0

    def attach(self, client: Any) -> None:
        super().attach(client)
        client.meta.events.register("after-call.s3.GetObject", self._answered)

    def _answered(self, http_response: Any, parsed: Any, **_more: Any) -> None:
        if http_response.status_code < 300:
            self.received += parsed["ContentLength"]


@pytest.fixture
def wire() -> Watched:
    return Watched()


@pytest.fixture
def open_store(bucket_prefix: str, wire: Watched, tmp_path: Path) -> Callable[[], CachedStore]:
    def opened() -> CachedStore:
        folder = CacheFolder(f"{tmp_path}/cache/", 10**9)
        return CachedStore(S3Store(prefix.parse(bucket_prefix), wire=wire), folder)

    return opened


def put(store: CachedStore, key: str, data: bytes) -> None:
    store.replace(key, io.BytesIO(data))


def test_what_has_not_changed_is_not_sent_again(open_store: Any, wire: Watched) -> None:
    """
    Also not to another process: the server is asked, and answers that nothing has changed.
    """
    put(open_store(), "A/model.pt", b"x" * 100_000)
    first = open_store().get("A/model.pt")
    received, wire.received = wire.received, 0

    second = open_store().get("A/model.pt")

    assert (received, wire.received) == (100_000, 0)
    assert second.data == first.data == b"x" * 100_000
    assert (second.etag, second.modified) == (first.etag, first.modified)
    assert abs((second.now - first.now).total_seconds()) < 60


def test_a_version_that_a_listing_has_just_shown_is_not_asked_for(open_store: Any, wire: Watched) -> None:
    put(open_store(), "A/options.json", b"{}")
    (entry,) = open_store().keys("A/")
    open_store().get("A/options.json")
    wire.take()

    blob = open_store().get("A/options.json", etag=entry.etag)

    assert blob.data == b"{}"
    assert wire.take().requests == {}


@pytest.mark.parametrize("asks_by", ["etag", "key"])
def test_what_was_deleted_and_made_again_is_never_stale(open_store: Any, asks_by: str) -> None:
    store = open_store()
    put(store, "A/options.json", b"1")
    assert store.get("A/options.json").data == b"1"
    store.delete("A/options.json")
    with pytest.raises(KeyError):
        store.get("A/options.json")
    put(store, "A/options.json", b"2")
    (entry,) = store.keys("A/")

    blob = store.get("A/options.json", etag=entry.etag if asks_by == "etag" else "")

    assert blob.data == b"2"


def test_objects_of_one_key_in_two_buckets_are_two(open_store: Any, s3_client: Any, wire: Watched) -> None:
    put(open_store(), "A/a", b"1")
    assert open_store().get("A/a").data == b"1"
    s3_client.create_bucket(Bucket="another")
    other = CachedStore(S3Store(prefix.parse("s3://another/exp/")), open_store()._folder)
    put(other, "A/a", b"2")

    assert other.get("A/a").data == b"2"
    wire.received = 0
    assert open_store().get("A/a").data == b"1"
    assert wire.received == 0


def test_the_rest_of_an_object_is_read_past_the_copies(open_store: Any) -> None:
    store = open_store()
    put(store, "loss.csv", b"0123")
    store.get("loss.csv")
    put(store, "loss.csv", b"012345")

    assert store.get("loss.csv", start=4).data == b"45"
    assert b"".join(store.chunks("loss.csv")) == b"012345"
    assert store.get("loss.csv").data == b"012345"


def test_it_lists_and_creates_as_the_bucket_does(open_store: Any) -> None:
    store = open_store()
    store.create("A/a", io.BytesIO(b"1"))

    assert [entry.key for entry in store.keys("", after="")] == ["A/a"]
    assert list(store.folders("")) == ["A"]


KEYS = st.sampled_from(["A/a", "A/b", "B/a"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.binary(max_size=3)),
    st.tuples(st.sampled_from(["delete", "get", "get as listed", "get together"]), KEYS, st.just(b"")),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=20))
def test_whatever_happens_what_is_read_is_what_lies_there(
    bucket_prefix: str, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, bytes]]
) -> None:
    """
    However it is asked for, by two readers who share their copies, and who do not see each other's changes.
    """
    path = f"{tmp_path_factory.mktemp('cache')}/"
    bucket = S3Store(prefix.parse(bucket_prefix))
    for entry in bucket.keys(""):
        bucket.delete(entry.key)
    readers = itertools.cycle([CachedStore(bucket, CacheFolder(path, 10**9)) for _ in range(2)])
    truth: dict[str, bytes] = {}

    for step, key, data in steps:
        store = next(readers)
        listed = {entry.key: entry for entry in store.keys("")}
        if step == "put":
            put(store, key, data)
            truth[key] = data
        elif step == "delete":
            store.delete(key)
            truth.pop(key, None)
        elif step == "get together":
            found = store.get_together([entry for name, entry in listed.items() if name.startswith(key[:2])])
            assert found == {name: data for name, data in truth.items() if name.startswith(key[:2])}
        elif key not in truth:
            with pytest.raises(KeyError):
                store.get(key)
        else:
            assert store.get(key, etag=listed[key].etag if step == "get as listed" else "").data == truth[key]


def test_what_was_read_together_is_not_sent_again_by_itself(open_store: Any, wire: Watched) -> None:
    """
    Nor the other way round, when only one of several objects has changed.
    """
    for name in "abc":
        put(open_store(), f"A/{name}", b"x" * 100)
    entries = list(open_store().keys("A/"))
    assert set(open_store().get_together(entries)) == {"A/a", "A/b", "A/c"}
    wire.received = 0

    assert open_store().get("A/a").data == b"x" * 100
    assert wire.received == 0
    put(open_store(), "A/b", b"y" * 10)
    assert open_store().get_together(open_store().keys("A/"))["A/b"] == b"y" * 10
    assert wire.received == 10
