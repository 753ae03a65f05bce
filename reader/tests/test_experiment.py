"""
An experiment gives its artifacts by name, and says of itself what can be known.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab_workbook import (
    ArtifactNotFound,
    ExperimentNotFound,
    ExperimentRepository,
    Unreadable,
    UnsupportedProtocol,
)
from lab_workbook.protocol import process

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_brackets_give_artifacts_by_name_and_names_by_number(make: Any) -> None:
    """
    As in 2016: a name gives what is stored, several a tuple, a number or a slice names.
    """
    experiment = make(files={"a.json": b'{"x": 1}', "b.txt": b"text", "sub/c.bin": b"\0\xff"})

    assert experiment["a.json"] == {"x": 1}
    assert experiment["a.json", "b.txt"] == ({"x": 1}, "text")
    assert experiment[:] == experiment.list_artifacts() == ["a.json", "b.txt", "sub/c.bin"]
    assert (experiment[0], experiment[-1], experiment[1:]) == ("a.json", "sub/c.bin", ["b.txt", "sub/c.bin"])
    assert experiment.get("sub/c.bin") == b"\0\xff"


def test_an_experiment_is_a_collection_of_names(make: Any) -> None:
    experiment = make(files={"a.json": b"1"})

    assert list(experiment) == ["a.json"]
    assert "a.json" in experiment
    assert "b.json" not in experiment


@pytest.mark.parametrize("key", [None, 1.5, b"a"])
def test_other_keys_are_a_type_error(make: Any, key: Any) -> None:
    with pytest.raises(TypeError):
        make(files={"a.json": b"1"})[key]


def test_it_is_shown_by_its_tag_without_asking_anyone() -> None:
    """
    A notebook prints experiments of a server that is down.
    """
    repository = ExperimentRepository("s3://bucket/exp/", endpoint_url="http://127.0.0.1:1")

    assert repr(repository["201602122149-PMJ8a76csB"]) == "<Experiment: 201602122149-PMJ8a76csB>"


def test_the_protocols_own_files_are_not_listed(make: Any) -> None:
    experiment = make(files={"a.json": b"1", ".lab-workbook/tmp/x": b"1"}, end={})

    assert experiment.list_artifacts() == ["a.json"]


def test_a_missing_artifact_names_those_that_exist_and_the_nearest(make: Any) -> None:
    experiment = make(files={"Training loss.csv": b"", "options.json": b"1"})

    with pytest.raises(ArtifactNotFound) as caught:
        experiment["Trainingloss.csv"]

    assert str(caught.value) == (
        "A has no 'Trainingloss.csv'. Did you mean 'Training loss.csv'?\n"
        "It has: 'Training loss.csv', 'options.json'."
    )
    assert isinstance(caught.value, KeyError)


def test_a_missing_artifact_among_thousands_names_a_few(make: Any) -> None:
    experiment = make(files={f"{number:03}.txt": b"" for number in range(30)})

    with pytest.raises(ArtifactNotFound, match=r"'019\.txt' and 10 more\."):
        experiment["nothing like it"]


def test_an_experiment_without_artifacts_says_so(make: Any) -> None:
    with pytest.raises(ArtifactNotFound, match="It has: no artifacts yet"):
        make()["a"]


def test_an_artifact_that_end_json_lists_is_checked_against_it(make: Any) -> None:
    """
    What end.json lists never changes, so another size means that it was changed or is not whole.
    """
    files = {"a.txt": {"bytes": 3, "sha256": ""}}
    experiment = make(files={"a.txt": b"four"}, end={"files": files})

    with pytest.raises(Unreadable, match="has 4 bytes, and had 3 when the experiment ended"):
        experiment["a.txt"]

    assert experiment.read_bytes("a.txt") == b"four"


def test_an_artifact_that_end_json_lists_and_is_gone_is_called_gone(make: Any) -> None:
    files = {"gone.txt": {"bytes": 3, "sha256": ""}}
    experiment = make(files={"a.txt": b""}, end={"files": files})

    with pytest.raises(ArtifactNotFound, match=r"'gone\.txt' of A is gone"):
        experiment["gone.txt"]

    assert experiment[:] == ["a.txt"]


@pytest.mark.parametrize("outcome", ["finished", "failed", "interrupted", "ended"])
def test_an_ended_experiment_has_the_status_of_its_outcome(make: Any, outcome: str) -> None:
    error = {"type": "ValueError", "message": "no"} if outcome == "failed" else None
    experiment = make(end={"outcome": outcome, "error": error})

    assert experiment.status == outcome
    assert experiment.error == error
    assert experiment.ended == datetime(2016, 2, 12, 22, 17, 34, tzinfo=timezone.utc)


def test_what_begin_json_says_can_be_asked_for(make: Any) -> None:
    experiment = make(begin={"note": "half the rate"})

    assert experiment.started == datetime(2016, 2, 12, 21, 49, tzinfo=timezone.utc)
    assert experiment.note == "half the rate"
    assert experiment.begin["runtime"] == "Lua 5.4"
    assert (experiment.ended, experiment.error) == (None, None)


def test_keys_and_minor_versions_of_the_future_are_read(make: Any) -> None:
    experiment = make(begin={"protocol": "lab-workbook 1.7", "colour": "green", "note": 5})

    assert (experiment.status, experiment.note) == ("open", None)


def test_another_major_version_is_refused(make: Any) -> None:
    experiment = make(files={"a.txt": b"1"}, begin={"protocol": "lab-workbook 2.0"})

    with pytest.raises(UnsupportedProtocol, match="pip install -U lab-workbook"):
        experiment["a.txt"]


def test_without_begin_json_the_status_is_unknown(make: Any) -> None:
    """
    Protocol 1.0 said nothing of itself.
    """
    experiment = make(files={"a.json": b"1"}, begin=None)

    assert (experiment.status, experiment.started, experiment.note) == ("unknown", None, None)


def test_a_process_of_this_machine_is_asked_whether_it_runs(make: Any) -> None:
    """
    While the script runs the status is `running`; once it is gone without a word, `lost`.
    """
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as script:
        begin = _identity(script.pid)
        running = make("A", begin=begin).status
        script.kill()
        script.wait()

    assert running == "running"
    assert make("A", begin=begin).status == "lost"


def _identity(pid: int) -> dict[str, Any]:
    started, image = process._started(pid), process._image(pid)
    return process.identity() | {"pid": pid, "pidStarted": started, "pidImage": image}


def test_of_a_process_elsewhere_nothing_is_guessed(make: Any) -> None:
    begin = process.identity() | {"bootId": "another machine"}

    assert make(begin=begin).status == "open"


@pytest.mark.parametrize(("age", "status"), [(0, "running"), (600, "lost")])
def test_a_heartbeat_tells_of_a_script_elsewhere(make: Any, folder: Path, age: int, status: str) -> None:
    """
    The uploader renews it once a minute; older than three minutes, the script is lost.
    """
    experiment = make(files={".lab-workbook/heartbeat.json": b"{}"})
    path = folder / "A/.lab-workbook/heartbeat.json"
    modified = path.stat().st_mtime - age
    os.utime(path, (modified, modified))

    assert experiment.status == status


@pytest.mark.parametrize(("age", "status"), [(0, "running"), (600, "open")])
def test_the_first_heartbeat_says_nothing_when_it_is_old(
    make: Any, folder: Path, age: int, status: str
) -> None:
    """
    A bucket that refuses overwrites keeps it as it was, however long the script lives.
    """
    experiment = make(files={".lab-workbook/heartbeat.json": b'{"first": true}'})
    path = folder / "A/.lab-workbook/heartbeat.json"
    modified = path.stat().st_mtime - age
    os.utime(path, (modified, modified))

    assert experiment.status == status


def test_notes_come_in_their_order(make: Any) -> None:
    notes = {
        ".lab-workbook/notes/20160213T000000Z-bbbbbb.json": b'{"text": "second"}',
        ".lab-workbook/notes/20160212T230000Z-aaaaaa.json": b'{"text": "first"}',
    }

    assert [note["text"] for note in make(files=notes).notes] == ["first", "second"]


@pytest.mark.parametrize("name", ["begin.json", "end.json"])
@pytest.mark.parametrize("data", [b"", b"[]", b'"', b"{}", b"\xff", b"[" * 100_000])
def test_a_broken_document_is_named(make: Any, name: str, data: bytes) -> None:
    """
    What comes from a bucket may be anything.
    """
    experiment = make(files={"a.txt": b"1", f".lab-workbook/{name}": data})

    with pytest.raises(Unreadable, match=f".lab-workbook/{name}"):
        experiment["a.txt"]


def test_nothing_under_a_tag_is_an_experiment_not_found(repository: ExperimentRepository) -> None:
    for ask in ("list_artifacts", "status", "begin"):
        experiment = repository["A"]

        with pytest.raises(ExperimentNotFound):
            getattr(experiment, ask)() if ask == "list_artifacts" else getattr(experiment, ask)


def test_an_experiment_that_goes_on_shows_more(make: Any) -> None:
    """
    Only what never changes is remembered.
    """
    experiment = make(files={"a.txt": b"1"})
    before = (experiment[:], experiment.status)

    make(files={"b.txt": b"2"}, end={})

    assert before == (["a.txt"], "open")
    assert (experiment[:], experiment.status) == (["a.txt", "b.txt"], "finished")


def test_an_experiment_in_s3_is_read_alike(s3_client: S3Client, bucket_prefix: str) -> None:
    """
    The same names, values and errors, whether in a folder or in a bucket.
    """
    bucket = bucket_prefix.split("/")[2]
    for key, data in (
        ("a.json", b'{"x": 1}'),
        ("sub/b.csv", b"e,l,Date\n1,2,2016-02-12T22:17:34Z\n"),
        ("", b""),
    ):
        s3_client.put_object(Bucket=bucket, Key=f"exp/TAG/{key}", Body=data)
    experiment = ExperimentRepository(bucket_prefix)["TAG"]

    assert experiment[:] == ["a.json", "sub/b.csv"]
    assert experiment["a.json"] == {"x": 1}
    assert experiment["sub/b.csv"]["l"].tolist() == [2]
    with pytest.raises(ArtifactNotFound, match="Did you mean"):
        experiment["b.csv"]
