"""
A table has a row for each experiment, with the types that were recorded.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook import ExperimentRepository
from lab_workbook.overview import frame
from lab_workbook.protocol import process
from lab_workbook.store.cache import CachedStore
from lab_workbook.store.folder import FolderStore
from lab_workbook.store.wire import Wire


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest) -> Any:
    """A repository that files can be put into: `place.put("A/options.json", b"{}")`."""
    if request.param == "folder":
        return FolderPlace(request.getfixturevalue("folder"))
    return BucketPlace(request.getfixturevalue("bucket_prefix"), request.getfixturevalue("s3_client"))


class FolderPlace:
    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder
        self._times = itertools.count(10**9)

    def put(self, key: str, data: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        # As a writer does, by renaming; and long ago, because what has just changed is not remembered.
        (self._folder.parent / "new").write_bytes(data)
        os.utime(self._folder.parent / "new", (next(self._times),) * 2)
        (self._folder.parent / "new").rename(path)

    def delete(self, key: str) -> None:
        (self._folder / key).unlink()


class BucketPlace:
    def __init__(self, bucket_prefix: str, client: Any) -> None:
        self.where = bucket_prefix
        self._client = client
        self._bucket = bucket_prefix.split("/")[2]

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=f"exp/{key}", Body=data)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=f"exp/{key}")


def begin(place: Any, tag: str, **more: Any) -> None:
    document = {"protocol": "lab-workbook 1.1", "tag": tag, "writer": "a test", "runtime": "LuaJIT 2.1.1"}
    place.put(
        f"{tag}/.lab-workbook/begin.json",
        json.dumps({**document, "started": "2016-02-12T21:49:00Z", **more}).encode(),
    )


def end(place: Any, tag: str, outcome: str = "finished") -> None:
    document = {"ended": "2016-02-12T22:17:34Z", "outcome": outcome, "error": None, "lost": {}, "files": {}}
    place.put(f"{tag}/.lab-workbook/end.json", json.dumps(document).encode())


def table(place: Any, **options: Any) -> pd.DataFrame:
    return ExperimentRepository(place.where).table(**options)


def cells(found: pd.DataFrame, column: str) -> list[Any]:
    return [
        None if not isinstance(each, tuple) and pd.isna(each) else each for each in found[column].tolist()
    ]


def test_a_row_says_what_is_known_of_an_experiment(place: Any) -> None:
    begin(place, "A", host="gpu7", note="why")
    place.put("A/options.json", b'{"learning rate": 0.1, "layers": [64, 10], "sgd": {"nesterov": true}}')
    place.put("A/model.t7", b"")
    end(place, "A")
    begin(place, "B", runtime="Python 3.12.1")
    place.put("B/options.json", b'{"learning rate": 1}')

    found = table(place)

    assert list(found.index) == ["A", "B"]
    assert found.index.name == "tag"
    assert list(found.columns) == [
        *("status", "started", "ended", "duration", "host", "language", "note"),
        *("options.layers", "options.learning rate", "options.sgd.nesterov"),
    ]
    assert cells(found, "status") == ["finished", "open"]
    assert cells(found, "language") == ["Lua", "Python"]
    assert cells(found, "host") == ["gpu7", None]
    assert cells(found, "note") == ["why", None]
    assert found.loc["A", "started"] == pd.Timestamp("2016-02-12T21:49:00Z")
    assert found.loc["A", "duration"] == pd.Timedelta(minutes=28, seconds=34)
    assert found.loc["B", "ended"] is pd.NaT
    assert cells(found, "options.layers") == [(64, 10), None]
    assert cells(found, "options.learning rate") == [0.1, 1.0]
    assert cells(found, "options.sgd.nesterov") == [True, None]


def test_of_nothing_there_is_an_empty_table(tmp_path: Path) -> None:
    found = ExperimentRepository(tmp_path / "none").table(series=True)

    assert found.shape == (0, 7)
    assert str(found["started"].dtype).startswith("datetime64")


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, None], "Int64", [1, pd.NA]),
        ([1, 0.5], "float64", [1.0, 0.5]),
        ([0.5, None], "float64", [0.5, None]),
        ([2**53 + 1, 0.5], "object", [2**53 + 1, 0.5]),
        ([2**63, 1], "float64", None),
        ([2**64 + 1, 1], "object", [2**64 + 1, 1]),
        ([True, False], "bool", [True, False]),
        ([True, None], "boolean", [True, pd.NA]),
        (["a", "b"], "str", ["a", "b"]),
        (["a", None], "str", ["a", None]),
        (["a", 1], "object", ["a", 1]),
        ([[1], "a"], "object", [(1,), "a"]),
        ([None, None], "float64", [None, None]),
    ],
)
def test_a_column_has_the_type_of_its_values(
    values: list[Any], dtype: str, expected: list[Any] | None
) -> None:
    """
    One of several types is an object column, and no number is rounded.
    """
    column = pd.Series(frame.typed(values))

    if expected is None:
        assert column.tolist() == values
        return
    assert column.dtype == dtype or (dtype == "str" and isinstance(column.dtype, pd.StringDtype))
    # What is missing is <NA> beside integers and booleans, and has other names elsewhere in older versions.
    has_na = dtype in ("Int64", "boolean")
    found = [
        each if has_na or isinstance(each, tuple) or pd.notna(each) else None for each in column.tolist()
    ]
    assert [repr(each) for each in found] == [repr(each) for each in expected]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@given(st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=5))
def test_every_value_comes_back_from_its_column(values: list[Any]) -> None:
    """
    Only None and NaN are one thing among numbers.
    """
    column = pd.Series(frame.typed(values), dtype=None if values else object).tolist()

    for value, found in zip(values, column, strict=True):
        if isinstance(value, list):
            # Lists with NaN in them are equal as texts.
            assert repr(found) == repr(tuple(value))
        elif pd.isna(value):
            assert pd.isna(found)
        else:
            assert found == value


def test_the_newest_note_counts(place: Any) -> None:
    begin(place, "A", note="first")
    notes = "A/.lab-workbook/notes/2016021{}T081500Z-abcdef.json"
    place.put(notes.format(3), b'{"time": "", "text": "second", "author": "B"}')
    place.put(notes.format(4), b'{"time": "", "text": "third", "author": "B"}')

    assert cells(table(place), "note") == ["third"]


def test_a_broken_experiment_hides_no_other(place: Any) -> None:
    """
    Nor does an artifact that is no JSON, or too large for a parameter, hide the rest of its experiment.
    """
    begin(place, "A", host=["no", "text"], started=5, note={})
    place.put("A/broken.json", b"{")
    place.put("A/list.json", b"[1]")
    place.put("A/large.json", json.dumps({"x": "y" * 70_000}).encode())
    place.put("A/deep.json", b'{"a":' * 5_000 + b"1" + b"}" * 5_000)
    place.put("A/options.json", b'{"a": 1}')
    place.put("B/.lab-workbook/begin.json", b"\xff")
    begin(place, "C", protocol="lab-workbook 9.0")
    begin(place, "D")
    place.put("D/.lab-workbook/end.json", b"[]")
    place.put("E/old.txt", b"")
    place.put("stray.txt", b"")

    found = table(place)

    assert cells(found, "status") == ["open", "unreadable", "unreadable", "unreadable", "unknown"]
    assert "upgrade" in found.loc["C", "note"]
    assert cells(found, "options.a") == [1, None, None, None, None]
    assert list(found.columns[7:]) == ["options.a"]


def test_a_table_says_whether_a_script_of_this_machine_runs(place: Any) -> None:
    """
    As `Experiment.status` does.
    """
    begin(place, "A", **process.identity())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        place.put("B/.lab-workbook/begin.json", dead(other.pid))

    repository = ExperimentRepository(place.where)

    for _ in ("cold", "warm"):
        assert cells(repository.table(), "status") == ["running", "lost"]
    assert [each.status for each in repository] == ["running", "lost"]


def dead(pid: int) -> bytes:
    identity = {**process.identity(), "pid": pid, "pidStarted": "1"}
    return json.dumps({"protocol": "lab-workbook 1.1", "tag": "B", **identity}).encode()


def test_a_script_that_ended_after_the_listing_is_not_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A listing of many pages is old when its end is there.
    """
    place = FolderPlace(folder)
    place.put("B/.lab-workbook/begin.json", dead(2**22))
    listed = list(FolderStore(f"{folder}/").keys(""))
    end(place, "B")
    true_keys = FolderStore.keys

    def late(self: FolderStore, prefix: str, *, after: str = "") -> Iterator[Any]:
        return true_keys(self, prefix, after=after) if prefix else iter(listed)

    monkeypatch.setattr(FolderStore, "keys", late)

    assert cells(table(place), "status") == ["finished"]


@pytest.mark.parametrize(("first", "status"), [(False, "lost"), (True, "open")])
def test_a_heart_that_has_stopped_is_seen_from_the_listing(folder: Path, *, first: bool, status: str) -> None:
    """
    One that never beats twice, in a bucket that refuses overwrites, says nothing.
    """
    place = FolderPlace(folder)
    begin(place, "A")
    begin(place, "B")
    beat = json.dumps({"time": "2016-02-12T22:17:34Z", "first": first}).encode()
    place.put("A/.lab-workbook/heartbeat.json", beat)
    (folder / "B/.lab-workbook/heartbeat.json").write_bytes(beat)

    for _ in ("cold", "warm"):
        assert cells(table(place), "status") == [status, "running"]


class Asked(Wire):
    """What a repository asks of a bucket."""

    def __init__(self, repository: ExperimentRepository) -> None:
        super().__init__()
        store = repository._store
        assert isinstance(store, CachedStore)
        self.attach(store._store._client)

    def counted(self) -> Counter[str]:
        return Counter(self.take().requests)


def fill(place: Any, count: int) -> None:
    for number in range(count):
        begin(place, str(number))
        place.put(f"{number}/options.json", json.dumps({"number": number}).encode())
        place.put(f"{number}/loss.csv", b"epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n")
        end(place, str(number))


def test_a_cold_table_asks_thrice_for_each_experiment_and_a_warm_one_for_none(
    bucket_prefix: str, s3_client: Any
) -> None:
    """
    Beside the pages of one listing; what has changed is asked for again, and nothing else.
    """
    place = BucketPlace(bucket_prefix, s3_client)
    fill(place, 7)
    repository = ExperimentRepository(bucket_prefix)
    asked = Asked(repository)

    cold = repository.table()
    cold_requests = asked.counted()
    warm = repository.table()
    warm_requests = asked.counted()
    place.put("3/options.json", b'{"number": 33}')
    begin(place, "new")
    changed = repository.table()
    changed_requests = asked.counted()

    assert cold_requests == {"LIST": 1, "GET": 3 * 7}
    assert warm_requests == {"LIST": 1}
    pd.testing.assert_frame_equal(cold, warm)
    assert cells(changed, "options.number") == [0, 1, 2, 33, 4, 5, 6, None]
    # Of 3, begin.json and end.json come from the copies; of the new one only begin.json is there.
    assert changed_requests == {"LIST": 1, "GET": 2}


@pytest.mark.parametrize(
    "change", ["parameters", "end", "deleted artifact", "deleted experiment", "made again"]
)
def test_a_warm_table_is_what_a_cold_one_would_be(
    place: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place, 3)
    begin(place, "running")
    table(place, series=True)

    if change == "parameters":
        place.put("1/options.json", b'{"number": 5, "more": "text"}')
    elif change == "end":
        end(place, "running", "failed")
    elif change == "deleted artifact":
        place.delete("1/options.json")
    elif change == "deleted experiment":
        for name in (".lab-workbook/begin.json", ".lab-workbook/end.json", "options.json", "loss.csv"):
            place.delete(f"1/{name}")
    else:
        begin(place, "1", note="another", runtime="Python 3")
        place.put("1/loss.csv", b"epoch,loss,Date\n1,0.9,2016-02-12T22:17:34Z\n")
    warm = table(place, series=True)
    monkeypatch.setenv("LAB_WORKBOOK_CACHE_BYTES", "0")
    cold = table(place, series=True)

    pd.testing.assert_frame_equal(warm, cold)


FILES = {
    ".lab-workbook/begin.json": [
        b'{"protocol": "lab-workbook 1.1", "host": "%d"}' % number for number in range(3)
    ],
    ".lab-workbook/end.json": [b'{"outcome": "finished"}', b'{"outcome": "failed"}', b"{"],
    ".lab-workbook/notes/20160213T081500Z-abcdef.json": [b'{"text": "1"}', b'{"text": "2"}'],
    ".lab-workbook/heartbeat.json": [b'{"first": true}', b'{"first": false}'],
    "options.json": [b'{"a": 1}', b'{"a": 2}', b'{"a": "1"}', b"[]"],
    "loss.csv": [b"a,Date\n1,2016-02-12T22:17:34Z\n", b"a,Date\n2,2016-02-12T22:17:34Z\n"],
}
CHANGES = st.tuples(
    st.sampled_from("AB"),
    st.sampled_from(sorted(FILES)).flatmap(
        lambda name: st.tuples(st.just(name), st.none() | st.sampled_from(FILES[name]))
    ),
)


@settings(max_examples=40)
@given(st.lists(st.lists(CHANGES, max_size=4), max_size=6))
def test_whatever_changes_a_warm_table_is_a_cold_one(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[str, tuple[str, bytes | None]]]]
) -> None:
    """
    Files come, are replaced and go, and after each round the same is seen with and without a cache.
    """
    root = tmp_path_factory.mktemp("table")
    (root / "experiments").mkdir()
    place = FolderPlace(root / "experiments")

    for changes in rounds:
        for tag, (name, data) in changes:
            if data is not None:
                place.put(f"{tag}/{name}", data)
            elif (root / "experiments" / tag / name).exists():
                place.delete(f"{tag}/{name}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LAB_WORKBOOK_CACHE_DIR", str(root / "cache"))
            warm = table(place, series=True)
            patch.setenv("LAB_WORKBOOK_CACHE_BYTES", "0")
            cold = table(place, series=True)
        pd.testing.assert_frame_equal(warm, cold)


def test_what_has_not_changed_is_not_opened(folder: Path) -> None:
    """
    Seen by a change that nothing in the listing shows.
    """
    place = FolderPlace(folder)
    place.put("A/options.json", b'{"a": 1}')
    table(place)
    status = (folder / "A/options.json").stat()

    (folder / "A/options.json").write_bytes(b'{"a": 2}')
    os.utime(folder / "A/options.json", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert cells(table(place), "options.a") == [1]


def test_a_damaged_catalogue_is_as_if_there_were_none(place: Any, isolation: Path) -> None:
    fill(place, 2)
    cold = table(place)

    for file in (isolation / ".cache").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1])

    pd.testing.assert_frame_equal(table(place), cold)


def test_series_are_summed_up_on_request(place: Any) -> None:
    """
    The last, lowest and highest value of each column; of texts the last.
    """
    begin(place, "A")
    place.put(
        "A/loss.csv",
        b'epoch,loss,phase,Date\n1,0.5,"a",2016-02-12T22:17:34Z\n2,0.25,"b",2016-02-12T22:17:35Z\n3,',
    )
    place.put("A/other.csv", b"a,b\n1,2\n")
    place.put("A/broken.csv", b"epoch,Date\n1,2,3,2016-02-12T22:17:34Z\n")
    begin(place, "B")

    for _ in ("cold", "warm"):
        found = table(place, series="loss.csv")

        assert list(found.columns[7:]) == [
            *("loss.epoch.last", "loss.epoch.max", "loss.epoch.min"),
            *("loss.loss.last", "loss.loss.max", "loss.loss.min", "loss.phase.last"),
        ]
        assert cells(found, "loss.loss.last") == [0.25, None]
        assert cells(found, "loss.loss.max") == [0.5, None]
        assert cells(found, "loss.phase.last") == ["b", None]
        assert str(found["loss.epoch.max"].dtype) == "Int64"
    assert "other.b.last" in table(place, series=True)
    assert list(table(place, series=["none.csv"]).columns[7:]) == []


def test_rows_in_segments_are_summed_up_too(bucket_prefix: str, s3_client: Any) -> None:
    """
    While a script runs, its newest rows lie beside the artifact.
    """
    place = BucketPlace(bucket_prefix, s3_client)
    begin(place, "A")
    head, row = b"epoch,Date\n", b"%d,2016-02-12T22:17:34Z\n"
    place.put("A/loss.csv", head)
    length = len(head)
    for epoch in (1, 2):
        data = row % epoch
        place.put(f"A/.lab-workbook/segments/loss.csv/{length + len(data):015}-{length:015}", data)
        length += len(data)

        assert cells(table(place, series=True), "loss.epoch.last") == [epoch]


def test_a_great_many_columns_are_bounded(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """
    The commonest stay, and what is left out is said.
    """
    place = FolderPlace(folder)
    for number in range(3):
        begin(place, str(number))
        own = {f"own {number} {each}": each for each in range(900)}
        place.put(f"{number}/options.json", json.dumps({"common": number, **own}).encode())

    found = table(place)

    assert found.shape == (3, 7 + frame.MAX_COLUMNS)
    assert cells(found, "options.common") == [0, 1, 2]
    assert "without 701 values" in capfd.readouterr().err


def test_a_long_table_is_read_whole_from_many_pages(bucket_prefix: str, s3_client: Any) -> None:
    """
    An experiment whose files are on two pages of the listing is one row.
    """
    place = BucketPlace(bucket_prefix, s3_client)
    begin(place, "A")
    for number in range(1500):
        place.put(f"A/{number}.txt", b"")
    place.put("A/options.json", b'{"a": 1}')

    found = table(place)

    assert cells(found, "options.a") == [1]
