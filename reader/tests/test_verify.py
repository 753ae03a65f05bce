"""
`Experiment.verify` finds every byte that has changed since the end, and names the file.
"""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook import Experiment, ExperimentNotFound, ExperimentRepository

BEGIN = ".lab-workbook/begin.json"
END = ".lab-workbook/end.json"


def record(prefix: object) -> Experiment:
    """Record an experiment with a few kinds of files, by the real writer."""
    with lab_workbook.new_experiment(bucket_prefix=str(prefix), note="to be kept") as workbook:
        workbook.save_json("options", {"rate": 0.1})
        workbook.save_text("notes/first.txt", "Warm up first.\n")
        workbook.save_text("empty.txt", "")
        log = workbook.new_time_series_log("loss", ["epoch", "loss"])
        for epoch in range(20):
            log(epoch=epoch, loss=1 / (epoch + 1))
    return ExperimentRepository(str(prefix))[workbook.tag]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a sealed experiment."""
    folder = tmp_path_factory.mktemp("kept")
    root = folder / record(folder).tag
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def written(root: Path, files: dict[str, bytes]) -> Experiment:
    for name, data in files.items():
        path = root / "A" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return ExperimentRepository(root)["A"]


def test_what_a_writer_has_written_is_sound(kept: dict[str, bytes], tmp_path: Path) -> None:
    """
    Everything but end.json is counted, and end.json has a sum to keep elsewhere.
    """
    found = written(tmp_path, kept).verify()

    assert found.is_sound
    assert found
    assert (found.files, found.problems, found.without_sum) == (len(kept) - 1, {}, ())
    assert found.bytes == sum(map(len, kept.values())) - len(kept[END])
    assert found.end_sha256 == hashlib.sha256(kept[END]).hexdigest()
    assert repr(found) == f"<Verification of A: sound, 5 files, {found.bytes} bytes>"


@given(data=st.data())
def test_any_change_of_any_file_is_found_and_named(
    data: st.DataObject, kept: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    A flipped bit, a cut or an added byte, a file that is gone, renamed or new; and nothing else is accused.
    """
    name = data.draw(st.sampled_from(sorted(set(kept) - {END})))
    change = data.draw(st.sampled_from(["flip", "cut", "grow", "delete", "rename", "add"]))
    files, wrong = dict(kept), {name}
    contents = files[name]
    if change == "flip" and contents:
        at = data.draw(st.integers(0, 8 * len(contents) - 1))
        flipped = bytearray(contents)
        flipped[at // 8] ^= 1 << at % 8
        files[name] = bytes(flipped)
    elif change == "cut" and contents:
        files[name] = contents[: data.draw(st.integers(0, len(contents) - 1))]
    elif change == "delete":
        del files[name]
    elif change == "rename":
        new = data.draw(st.sampled_from(["new.txt", "notes/other", ".lab-workbook/other.json"]))
        files[new] = files.pop(name)
        wrong = {name, new}
    elif change == "add":
        new = data.draw(st.sampled_from(["new.txt", "figures/new.png", ".lab-workbook/queue"]))
        files[new] = data.draw(st.binary(max_size=3))
        wrong = {new}
    else:
        files[name] = contents + data.draw(st.binary(min_size=1, max_size=3))
    root = tmp_path_factory.mktemp("changed")

    found = written(root, files).verify()

    assert set(found.problems) == wrong
    assert not found.is_sound


def test_in_a_bucket_too(bucket_prefix: str, s3_client: Any) -> None:
    """
    Each file is read from the bucket anew, although all of them were read before and lie in the cache.
    """
    experiment = record(bucket_prefix)
    whole = experiment.verify()
    for name in experiment:
        experiment[name]
    bucket, _, path = bucket_prefix.removeprefix("s3://").partition("/")
    key = f"{path}{experiment.tag}/options.json"
    body = s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3_client.put_object(Bucket=bucket, Key=key, Body=body.replace(b"1", b"2"))

    assert whole.is_sound, whole.problems
    assert experiment.verify().problems == {"options.json": "has other bytes than when the experiment ended"}


def test_notes_may_come_at_any_time(kept: dict[str, bytes], tmp_path: Path) -> None:
    """
    They are the one thing that is added after the end; a heartbeat and old segments are left beside it.
    """
    beside = dict.fromkeys(
        (
            ".lab-workbook/notes/20160213T081500Z-x7Rk2a.json",
            ".lab-workbook/heartbeat.json",
            ".lab-workbook/segments/loss.csv/000000000000009-000000000000000",
        ),
        b"{}",
    )

    assert written(tmp_path, kept | beside).verify().is_sound


def test_without_an_end_there_is_nothing_to_compare_with(kept: dict[str, bytes], tmp_path: Path) -> None:
    """
    That is not sound, and no problem of any file either.
    """
    found = written(tmp_path, {name: data for name, data in kept.items() if name != END}).verify()

    assert (found.is_sealed, found.is_sound, found.problems) == (False, False, {})
    assert "cannot be verified: it has no .lab-workbook/end.json" in repr(found)


def test_of_files_without_a_sum_the_size_is_compared(make: Any) -> None:
    """
    Plain Lua has no sums where the system has no `sha256sum`; that is said.
    """
    files = {"a.txt": b"x", "b.txt": b"x", "c.txt": b"x"}
    listed = {"a.txt": {"bytes": 1}, "b.txt": {"bytes": 2}, "c.txt": {"bytes": 0}}

    found = make("A", files, begin=None, end={"files": listed}).verify()

    assert found.problems == {"b.txt": "has 1 bytes, and had 2", "c.txt": "has 1 bytes, and had 0"}
    assert found.without_sum == ("a.txt",)


def test_a_hostile_end_leads_nowhere(make: Any, tmp_path: Path) -> None:
    """
    A listed name outside of the experiment is gone, whatever lies there; a link is no file.
    """
    (tmp_path / "secret").write_bytes(b"x")
    listed = {"bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    names = ["../../secret", str(tmp_path / "secret"), "link", "odd"]
    experiment = make("A", begin=None, end={"files": {**dict.fromkeys(names, listed), "odd": [1]}})
    os.symlink(tmp_path / "secret", tmp_path / "experiments" / "A" / "link")
    (tmp_path / "experiments" / "A" / "odd").write_bytes(b"x")

    problems = experiment.verify().problems

    assert [problems[name] for name in names[:3]] == ["is gone"] * 3
    assert "does not give its size" in problems["odd"]


def test_an_end_that_is_none_is_a_problem_like_any_other(make: Any) -> None:
    """
    So that `verify --all` goes on with the rest.
    """
    found = make("A", {END: b"{"}).verify()

    assert not found.is_sound
    assert "is not JSON" in found.problems[END]


def test_nothing_under_the_tag_is_said(repository: ExperimentRepository) -> None:
    with pytest.raises(ExperimentNotFound, match="there is no experiment 'B'"):
        repository["B"].verify()


def test_a_large_file_passes_through_in_pieces(make: Any, folder: Path) -> None:
    """
    Memory does not grow with the files.
    """
    size = 64 * 2**20
    digest = hashlib.sha256(bytes(size)).hexdigest()
    experiment = make("A", begin=None, end={"files": {"model.bin": {"bytes": size, "sha256": digest}}})
    with open(folder / "A" / "model.bin", "wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        found = experiment.verify()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.is_sound
    assert peak < size / 8
