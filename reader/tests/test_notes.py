"""
Notes are added by anyone, at any time, and never changed.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lab_workbook import AccessDenied, ExperimentNotFound, ExperimentRepository, InvalidValue, StoreError
from lab_workbook.cli import main
from lab_workbook.errors import AlreadyExists
from lab_workbook.store.folder import FolderStore
from lab_workbook_conformance import strategies

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEMA = Path(__file__).resolve().parents[2] / "spec/v1/schemas/note.schema.json"
NOTES = ".lab-workbook/notes"
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{6}\.json")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_note_comes_back_and_nothing_else_changes(make: Any, folder: Path) -> None:
    """
    Also after the end: the file is named and made as the spec says, and all others are as they were.
    """
    experiment = make(files={"a.txt": b"1"}, end={})
    before = files(folder)

    added = experiment.add_note("diverged\nat 30 \ud800", author="ann")

    assert experiment.notes == [added]
    assert (added["text"], added["author"]) == ("diverged\nat 30 \ufffd", "ann")
    (path,) = files(folder).keys() - before.keys()
    assert NAME.fullmatch(Path(path).name)
    assert path.startswith(f"A/{NOTES}/")
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads((folder / path).read_bytes()))
    assert {name: data for name, data in files(folder).items() if name != path} == before
    assert experiment.list_artifacts() == ["a.txt"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=strategies.texts(min_size=1).filter(str.strip))
def test_any_text_can_be_noted(make: Any, text: str) -> None:
    added = make().add_note(text, author="ann")

    assert added["text"] == text
    assert added in make().notes


def test_many_notes_of_one_second_are_all_kept(make: Any) -> None:
    """
    Several people, or a script, may have something to say at once.
    """
    experiment = make()
    texts = [f"note {number}" for number in range(40)]
    threads = [threading.Thread(target=experiment.add_note, args=[text]) for text in texts]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(note["text"] for note in experiment.notes) == sorted(texts)


def test_the_author_is_the_user_of_the_system(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ben")

    assert make().add_note("hm")["author"] == "ben"


def test_notes_in_a_bucket(s3_client: S3Client, bucket_prefix: str) -> None:
    """
    As in a folder: created, listed in order, and read by everyone.
    """
    bucket = bucket_prefix.split("/")[2]
    s3_client.put_object(Bucket=bucket, Key="exp/T/a.json", Body=b"1")
    experiment = ExperimentRepository(bucket_prefix)["T"]

    added = [experiment.add_note(text) for text in ("one", "two")]

    assert sorted(note["text"] for note in ExperimentRepository(bucket_prefix)["T"].notes) == ["one", "two"]
    assert all(note in added for note in experiment.notes)
    keys = [each["Key"] for each in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert all(NAME.fullmatch(key.rpartition("/")[2]) for key in keys if key != "exp/T/a.json")


@pytest.mark.parametrize("text", ["", " \n", None, 3, b"x", "x" * 2**20])
def test_what_is_no_text_is_no_note(make: Any, folder: Path, text: Any) -> None:
    experiment = make()

    with pytest.raises(InvalidValue, match=r"rule notes\.document"):
        experiment.add_note(text)

    assert not (folder / "A" / NOTES).exists()


def test_a_misspelt_tag_does_not_become_an_experiment(repository: ExperimentRepository, folder: Path) -> None:
    with pytest.raises(ExperimentNotFound):
        repository["B"].add_note("hello")

    assert list(folder.iterdir()) == []


def test_a_linked_folder_of_notes_is_not_written_to(make: Any, folder: Path, tmp_path: Path) -> None:
    """
    An experiment from a stranger's archive must not lead out of its folder.
    """
    experiment = make()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "A" / NOTES).symlink_to(elsewhere)

    with pytest.raises(StoreError, match="cannot be written"):
        experiment.add_note("hello")

    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_says_so(make: Any, folder: Path) -> None:
    experiment = make()
    (folder / "A/.lab-workbook").chmod(0o555)

    with pytest.raises(AccessDenied, match="may not be written"):
        experiment.add_note("hello")


def test_what_exists_is_never_replaced(folder: Path) -> None:
    """
    Of several who create one file, one has it.
    """
    store = FolderStore(f"{folder}/")
    outcomes: list[str] = []

    def create(word: str) -> None:
        try:
            store.create("A/b/c.json", io.BytesIO(word.encode()))
            outcomes.append(word)
        except AlreadyExists:
            outcomes.append("")

    threads = [threading.Thread(target=create, args=[f"word {number}"]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes)[:7] == [""] * 7
    assert [max(outcomes).encode()] == list(files(folder).values())


json_texts = strategies.json_values().map(lambda value: json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=30), json_texts))
@example(data=b'{"text": 3, "time": "x", "author": "y"}')
@example(data=b'{"text": "x", "time": {}, "author": null}')
@example(data=b"[" * 100_000)
@example(data=b'{"text": "' + b"x" * 2**21 + b'"}')
def test_a_stray_file_does_not_hide_the_notes(make: Any, data: bytes) -> None:
    """
    Each note has three texts, whatever lies beside it.
    """
    good = b'{"text": "good", "time": "2016-02-13T00:00:00Z", "author": "ann"}'
    experiment = make(
        files={f"{NOTES}/20160212T230000Z-aaaaaa.json": data, f"{NOTES}/20160213T000000Z-bbbbbb.json": good}
    )

    notes = experiment.notes

    assert notes[-1] == json.loads(good)
    assert len(notes) <= 2
    assert sum(len(note["text"]) for note in notes) < 2**20
    assert all(isinstance(note[key], str) for note in notes for key in ("text", "time", "author"))


def test_the_command_adds_and_prints_notes(make: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With a text it adds one; without, it prints all of them, safely.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))
    make("A")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["note", "A", *arguments])

    none = run()
    added = run("red \x1b[31m\nline", "--author", "ann")
    printed = run()
    listed = json.loads(run("--json").stdout)

    assert (none.stdout, none.stderr) == ("", "no notes on A\n")
    assert added.stdout == printed.stdout
    assert printed.stdout.endswith("Z  ann  red \\x1b[31m\\nline\n")
    assert [note["text"] for note in listed] == ["red \x1b[31m\nline"]
