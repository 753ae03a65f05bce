"""Runs of W&B: the log that one without a network leaves, its files, and exported tables."""

from __future__ import annotations

import io
import json
import math
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook.errors import Unreadable
from lab_workbook_writer import importers
from lab_workbook_writer.importers import wandb_log
from lab_workbook_writer.importers.run import Run

from python_writer.tests.importers.conftest import FIXTURES

NAME = "offline-run-20261123_134048-abcd1234"
FOLDER = FIXTURES / "wandb" / NAME
LOG = FOLDER / "run-abcd1234.wandb"


def log(*records, kinds=(1,)):
    """Return a log of these records, each in as many pieces as there are kinds."""
    data = wandb_log._MAGIC + b"\0"
    for record in records:
        size = math.ceil(len(record) / len(kinds))
        for place, kind in enumerate(kinds):
            piece = record[place * size : (place + 1) * size]
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
    return data


def read(data):
    run = Run(origin={"rows": 0})
    file = io.BytesIO(data)
    file.name = "run.wandb"
    wandb_log.read(file, run)
    return run


def varint(number):
    """Return a number in bytes of seven bits each."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, content):
    """Return a field of a message that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def history(**values):
    """Return a record of one row."""
    items = [field(1, key.encode()) + field(16, json.dumps(value).encode()) for key, value in values.items()]
    return field(2, b"".join(field(1, item) for item in items))


def test_the_history_comes_back_at_its_steps(imported):
    """
    Also what is logged at some steps only, nan, infinity, texts and nested keys.
    """
    run = imported("wandb", FIXTURES / "wandb")[NAME]

    table = run["metrics.csv"]
    assert table.index.tolist() == [0, 10, 11, 30, 31]
    assert table["loss"].tolist() == pytest.approx([1, 0.1, 1 / 3, math.nan, math.inf], abs=0, nan_ok=True)
    assert table["train.error"].tolist() == [0, 1 / 3, 2 / 3, 1, 4 / 3]
    assert table["phase"].tolist() == ["warm up"] * 5
    assert table["wall time"].iloc[1] == 1795441250.078444
    assert run["metrics-2.csv"]["accuracy"].to_dict() == {10: 1 / 3, 30: 1 / 5, 50: 1 / 7}
    assert run.metrics().index.tolist() == [0, 10, 11, 30, 31, 50]


def test_configuration_summary_and_files_are_kept(imported):
    """
    Without W&B's own keys and without secrets.
    """
    run = imported("wandb", FOLDER)[NAME]

    assert run["config.json"] == {
        "lr": 0.1,
        "model": {"kind": "resnet", "layers": [2, 3]},
        "api_key": "[redacted]",
    }
    assert run["summary.json"]["best"] == 0.1
    assert run["summary.json"]["loss"] == "Infinity"
    assert "wandb" in run["files/requirements.txt"]
    origin = run["import.json"]
    expected = {"run": "abcd1234", "project": "digits", "title": "first try", "notes": "half the rate"}
    assert {key: origin[key] for key in expected} == expected
    assert (origin["tags"], origin["exitCode"], origin["leftOut"]) == (["a"], 0, {"secrets": 1})
    assert run.tag.startswith("202611231340-")


def test_a_run_has_one_tag_online_and_offline(source):
    """
    `wandb sync` leaves it where it is; other folders have the name without `offline-`.
    """
    (tag,) = (each.tag for each in importers.find("wandb", str(source / "wandb")))
    (source / "wandb" / NAME).rename(source / "wandb" / NAME.removeprefix("offline-"))

    assert [each.tag for each in importers.find("wandb", str(source))] == [tag]


def test_a_log_stands_for_its_run(imported):
    run = imported("wandb", LOG)[NAME]

    assert run.tag == "202611231340-Cna5vLDrfa"
    assert run["config.json"]["lr"] == 0.1


def test_the_files_of_a_run_with_a_network_are_read(source, imported):
    """
    There the configuration is YAML, and the summary JSON.
    """
    files = source / "wandb" / NAME / "files"
    (source / "wandb" / NAME / LOG.name).unlink()
    (files / "config.yaml").write_text(
        "_wandb:\n    value: {cli: 1}\nlr:\n    value: 0.1\nwhen:\n    desc: null\n    value: 2026-11-23\n"
    )
    (files / "wandb-summary.json").write_text('{"loss": 0.5}')
    (files / "wandb-metadata.json").write_text('{"args": ["--password", "x"], "host": "h"}')
    (files / "media").mkdir()
    (files / "media/a.txt").write_text("a")
    (files / "output.log").symlink_to("/etc/hostname")

    run = imported("wandb", source / "wandb")[NAME]

    assert run["config.json"] == {"lr": 0.1, "when": "2026-11-23"}
    assert run["summary.json"] == {"loss": 0.5}
    assert run["metadata.json"]["host"] == "h"
    assert run["files/media/a.txt"] == "a"
    assert "files/output.log" not in run
    assert run["import.json"]["leftOut"] == {"links": 1}


def test_a_folder_of_files_that_is_a_link_is_none(source, tmp_path, imported):
    """
    It may lead to the files of whoever imports.
    """
    files = source / "wandb" / NAME / "files"
    files.rename(tmp_path / "mine")
    (tmp_path / "mine/config.yaml").write_text("lr: {value: 1}\n")
    files.symlink_to(tmp_path / "mine")

    assert imported("wandb", source / "wandb")[NAME]["import.json"]["files"] == {}
    (source / "wandb" / NAME / LOG.name).unlink()
    with pytest.raises(Unreadable, match="no run of W&B"):
        list(importers.find("wandb", str(source / "wandb")))


def test_a_table_that_no_json_artifact_holds_is_told(source, imported):
    """
    The rest of the run is imported all the same, and so is the summary in its log.
    """
    deep = "[" * 600 + "]" * 600
    (source / "wandb" / NAME / "files/wandb-summary.json").write_text(f'{{"a": {deep}}}')

    run = imported("wandb", source / "wandb")[NAME]

    assert "a" not in run["summary.json"]
    assert run["config.json"]["lr"] == 0.1
    assert run["import.json"]["problems"] == ["wandb-summary.json: it is nested too deeply"]


def test_files_that_cannot_be_read_are_told(source, imported):
    files = source / "wandb" / NAME / "files"
    (files / "config.yaml").write_text("a: &a [1]\nb: *a\n")
    (files / "wandb-summary.json").write_text("{")

    run = imported("wandb", source / "wandb")[NAME]

    problems = run["import.json"]["problems"]
    assert [each.partition(":")[0] for each in problems] == ["config.yaml", "wandb-summary.json"]
    assert len(run["metrics.csv"]) == 5


def test_a_record_in_pieces_is_one():
    """
    As those are written that cross the end of a block.
    """
    rows = [history(_step=step, loss=step / 3) for step in range(3)]

    assert read(log(*rows, kinds=(2, 3, 4))).metrics["loss"].values.tolist() == [0, 1 / 3, 2 / 3]


@pytest.mark.parametrize("rest", range(8))
def test_the_end_of_a_block_where_no_head_has_room_is_skipped(rest):
    """
    Zeros stand there.
    """
    size = wandb_log._BLOCK - wandb_log._FILE_HEAD - wandb_log._HEAD.size - rest
    # A field that nobody knows fills the block.
    filler = field(15, bytes(size - 4))
    row = log(history(_step=7, loss=0.5))[wandb_log._FILE_HEAD :]
    if rest == wandb_log._HEAD.size:
        # There is room for a head, and a piece of nothing.
        row = struct.pack("<IHB", zlib.crc32(b"\2"), 0, 2) + log(history(_step=7, loss=0.5), kinds=(4,))[7:]

    run = read(log(filler) + bytes(rest if rest < wandb_log._HEAD.size else 0) + row)

    assert run.problems == []
    assert run.metrics["loss"].steps.tolist() == [7]


def test_rows_without_a_step_are_counted_and_odd_values_left_out():
    """
    An image is a table with a type; what is huge is no step and no time.
    """
    run = read(
        log(
            history(loss=1),
            history(_step=10**30, loss=2, _timestamp=10**400),
            history(_step=5, loss=None, hist={"_type": "histogram"}, many=[1, 2], plain={"a": 1}),
        )
    )

    assert run.metrics["loss"].steps.tolist() == [0, 1]
    assert all(map(math.isnan, run.metrics["loss"].times))
    assert run.left_out == {"histogram": 1, "lists and tables": 2}


def test_what_comes_before_damage_is_imported_and_told(source, imported):
    path = source / "wandb" / NAME / LOG.name
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)

    run = imported("wandb", path.parent)[NAME]

    (problem,) = run["import.json"]["problems"]
    assert "is damaged; what comes before it is imported" in problem
    assert 0 < len(run["metrics.csv"]) < 5


@settings(max_examples=60)
@given(st.data())
def test_no_damage_goes_unseen(data):
    good = LOG.read_bytes()
    whole = list(_records(good))
    at = data.draw(st.integers(7, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    found = []

    try:
        found.extend(_records(bad))
        is_told = False
    except wandb_log.Damaged:
        is_told = True

    assert found == whole[: len(found)]
    # A length that became longer than the file looks like a torn end.
    assert is_told or len(found) < len(whole)


def _records(data):
    file = io.BytesIO(data)
    file.read(wandb_log._FILE_HEAD)
    return wandb_log.records(file)


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_records_of_strangers_never_crash(data):
    """
    Their checksums are right, and what is in them is not.
    """
    for each in (data, field(2, data), field(17, data), field(2, field(1, data))):
        run = read(log(each))
        assert all("what comes before it is imported" in problem for problem in run.problems)


def test_other_files_are_refused():
    with pytest.raises(Unreadable, match="no log of W&B"):
        read(b"PK\3\4")


ROWS = [
    {"_step": 0, "_timestamp": 1700000000.5, "_runtime": 1.0, "loss": 0.1, "phase": "warm up"},
    {"_step": 5, "_timestamp": 1700000001.5, "_runtime": 2.0, "loss": "NaN", "error": 3},
]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_an_exported_history_is_read(tmp_path, imported, suffix):
    """
    Each cell at its step; an empty one is none.
    """
    path = tmp_path / f"history{suffix}"
    if suffix == ".csv":
        path.write_text(
            "_step,_timestamp,_runtime,loss,error,phase\r\n"
            "0,1700000000.5,1.0,0.1,,warm up\r\n5,1700000001.5,2.0,NaN,3,\r\n"
        )
    else:
        text = json.dumps(ROWS).replace('"NaN"', "NaN")
        path.write_text(text if suffix == ".json" else text[1:-1].replace("}, {", "}\n{"))

    run = imported("wandb", path)["history"]

    table = run.metrics()
    assert table["loss"].tolist() == pytest.approx([0.1, math.nan], abs=0, nan_ok=True)
    assert table["error"].dropna().to_dict() == {5: 3}
    assert table["phase"].dropna().to_dict() == {0: "warm up"}
    assert table["wall time"].iloc[0] == 1700000000.5


def test_steps_of_an_exported_table_may_be_floats_or_missing(tmp_path, imported):
    """
    As they are where the column had holes; without any, rows are counted.
    """
    (tmp_path / "a.csv").write_text("Step,loss\n5.0,1\n7.5,2\n,3\n")
    (tmp_path / "b.jsonl").write_text('{"loss": 1}\n\n{"loss": 2}\n')

    assert imported("wandb", tmp_path / "a.csv")["a"]["metrics.csv"]["loss"].to_dict() == {5: 1, 1: 2, 2: 3}
    assert imported("wandb", tmp_path / "b.jsonl")["b"]["metrics.csv"]["loss"].to_dict() == {0: 1, 1: 2}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", '{"a": 1}', "not a list of objects"),
        ("a.jsonl", "[1]", "not a list of objects"),
        ("a.jsonl", "{", "no table that can be read"),
        ("a.csv", "\xff\xfe", "no table that can be read"),
        ("a.txt", "", r"no table that W&B exports: those are \.csv, \.json, \.jsonl"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, text, why):
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    with pytest.raises(Unreadable, match=why):
        [each.load() for each in importers.find("wandb", str(tmp_path / name))]


def test_where_there_is_nothing_it_is_said(tmp_path):
    with pytest.raises(Unreadable, match="no run of W&B"):
        list(importers.find("wandb", str(tmp_path)))
