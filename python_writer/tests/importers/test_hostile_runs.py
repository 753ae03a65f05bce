"""One hostile run is reported beside the others, in documented errors, and costs memory by its size only."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook.errors import LabWorkbookError, Unreadable
from lab_workbook_writer import importers
from lab_workbook_writer.importers import record, yamltext

from tests import work

SOURCES = {"tensorboard": "tensorboard", "mlflow": "mlruns", "wandb": "wandb", "optim-logger": "optim"}
GOOD = {"tensorboard": "x", "mlflow": "digits/second", "optim-logger": "test.log"}

META = {
    "a list as status": "run_id: abc\nstatus: [1]\n",
    "a table as status": "run_id: abc\nstatus: {a: 1}\n",
    "a list as id": "run_id: [1]\n",
    "a table as name": "run_id: abc\nrun_name: {a: {b: 1}}\nname: [x]\n",
    "an empty integer": 'run_id: abc\nstatus: !!int ""\n',
    "a word as boolean": "run_id: abc\nstatus: !!bool foo\n",
    "a word as float": "run_id: abc\nstart_time: !!float foo\n",
    "an integer as table": "run_id: !!map 5\n",
    "a list as integer": "run_id: !!int [1]\n",
    "a huge hexadecimal": f"run_id: 0x{'F' * 20_000}\n",
    "a huge integer": f"run_id: {'9' * 20_000}\nstatus: {'9' * 400}\n",
    "a sexagesimal": f"run_id: {'1:' * 5000}1\n",
    "a character beyond Unicode": 'run_id: "\\UFFFFFFFF"\n',
    "half a character": 'run_id: "\\uD800"\nrun_name: "\\uD800"\n',
    "a date": "run_id: 2016-02-12\nstart_time: 2016-02-12\n",
    "a list as key": "? [1]\n: x\nrun_id: abc\n",
    "a merge": "<<: {run_id: abc}\n",
    "a value": "=: 1\nrun_id: abc\n",
    "deep": f"run_id: {'[' * 5000}\n",
    "no text": "run_id: \x00\n",
    "nothing": "",
    "a directive": "%YAML 9.9\n---\nrun_id: abc\n",
    "several documents": "run_id: abc\n---\nrun_id: def\n",
}


def imported(kind: str, source: Path, prefix: str) -> tuple[list[str], list[str]]:
    """Import all runs; return the names of those that are imported, and of those that fail."""
    made, failed = [], []
    for found in importers.find(kind, str(source)):
        try:
            record.as_experiment(found, bucket_prefix=prefix)
            made.append(found.name)
        except LabWorkbookError:  # noqa: PERF203 - each is one run
            failed.append(found.name)
    return made, failed


@pytest.mark.parametrize("case", META)
def test_a_hostile_run_of_mlflow_hides_no_other(case: str, source: Path, tmp_path: Path) -> None:
    run = source / "mlruns/993485857127020088/hostile"
    run.mkdir()
    (run / "meta.yaml").write_text(META[case])

    made, failed = imported("mlflow", source / "mlruns", f"file://{tmp_path}/runs/")

    assert {"digits/second", "digits/first try"} <= set(made)
    assert len(made) + len(failed) in (2, 3)


@pytest.mark.parametrize("kind", GOOD)
def test_a_folder_that_is_too_deep_hides_no_run(kind: str, source: Path, tmp_path: Path) -> None:
    here = os.open(source / SOURCES[kind], os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("ddd", dir_fd=here)
        below = os.open("ddd", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    try:
        made, failed = imported(kind, source / SOURCES[kind], f"file://{tmp_path}/runs/")
    finally:
        # What cleans up after the tests goes into folders by recursion.
        subprocess.run(["rm", "-rf", source / SOURCES[kind] / "ddd"], check=True)

    assert GOOD[kind] in made
    assert len(failed) == 1
    assert failed[0].startswith("ddd/ddd")


def test_the_command_goes_on_after_an_error_that_nobody_expected(source: Path, tmp_path: Path) -> None:
    """
    As any error is while a run is read: here its file cannot be copied, because it has gone.
    """
    shutil.copytree(source / "mlruns/993485857127020088", source / "mlruns/other")
    (source / "mlruns/other/meta.yaml").write_text("name: [1]\n")
    command = [sys.executable, "-m", "lab_workbook.cli", "import", "mlflow", source / "mlruns", "--json"]

    done = subprocess.run(
        [*command, "--prefix", tmp_path / "runs"], capture_output=True, text=True, check=False
    )

    told = json.loads(done.stdout)
    assert [line["status"] for line in told].count("imported") == 2


PLAIN = [
    *(
        "run_id",
        "status",
        "start_time",
        "lifecycle_stage",
        "a",
        ": ",
        "\n",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "#",
    ),
    *(
        "!!int ",
        "!!bool ",
        "!!float ",
        "!!null ",
        "!!str ",
        "!!seq ",
        "!!map ",
        "!x ",
        "&a ",
        "*a",
        "<<",
        "=",
        "%YAML",
    ),
    *(
        "0x",
        "0o7",
        "1:1",
        "9" * 400,
        "1_0",
        ".inf",
        ".nan",
        "1e999",
        "~",
        "true",
        "yes",
        '"',
        "'",
        "\\",
        "|\n",
        ">\n",
    ),
    *("\\uD800", "\\UFFFFFFFF", "\t", "\x00", "é", "\x85", "---\n", "...\n"),
]


@given(st.lists(st.sampled_from(PLAIN), max_size=12).map("".join) | st.text(max_size=20))
@settings(max_examples=300)
def test_any_text_is_a_table_or_unreadable(text: str) -> None:
    try:
        found = yamltext.read(text.encode("utf-8", "surrogatepass"), "meta.yaml")
    except Unreadable:
        return
    json.dumps(found)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_unreadable(data: bytes) -> None:
    try:
        yamltext.read(data, "meta.yaml")
    except Unreadable:
        return


ROWS = st.dictionaries(
    st.sampled_from(["_step", "_timestamp", "loss", "", "\ud800", "_runtime"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=3)
        | st.just(int("9" * 400)),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("_type"), inner, max_size=1),
        max_leaves=3,
    ),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    rows=st.lists(ROWS, max_size=3),
    suffix=st.sampled_from([".json", ".jsonl", ".csv"]),
    extra=st.text(max_size=4),
)
def test_any_exported_history_is_imported_or_refused(
    tmp_path: Path, rows: list[dict[str, Any]], suffix: str, extra: str
) -> None:
    path = tmp_path / f"history{suffix}"
    text = json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows))
    path.write_bytes((text + extra).encode("utf-8", "surrogatepass"))

    (found,) = importers.find("wandb", str(path))
    with contextlib.suppress(Unreadable):
        found.load()


# Memory: what an importer may take beside its input.


def varint(number: int) -> bytes:
    data = b""
    while number > 127:
        data, number = data + bytes([number & 127 | 128]), number >> 7
    return data + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


MEMORY = {
    "a packed tensor of integers": (
        "tensors.scalar(field(7, b'\\x01' + b'\\x08\\x01' * (4 << 20)) + b'\\x08\\x03')",
        8,
    ),
    "empty texts": ("tensors.texts(field(8, b'') * (1 << 20))", 2),
}


@pytest.mark.parametrize("case", MEMORY)
def test_a_tensor_takes_a_small_multiple_of_its_size(case: str) -> None:
    call, megabytes = MEMORY[case]

    work.limited(
        f"""
from lab_workbook_writer.importers import tensors
from python_writer.tests.importers.test_hostile_runs import field
allow_more_memory()
{call}
""",
        megabytes=8 * megabytes,
    )


EVENTS = """
import struct
from lab_workbook_writer.importers.crc32c import masked
from python_writer.tests.importers.test_hostile_runs import field

def record(body):
    head = struct.pack("<Q", len(body))
    return head + struct.pack("<I", masked(head)) + body + struct.pack("<I", masked(body))

def value(content):
    return record(field(5, field(1, field(1, b"tag") + content)))

data = {data}
"""
TEXT = "field(9, field(1, field(1, b'text')))"
HPARAMS = "field(9, field(1, field(1, b'hparams') + field(2, field(3, b''.join({pairs})))))"
PAIRS = "field(1, field(1, b'%d' % n)) for n in range(1 << 18)"
FILES = {
    "many texts": (
        "tensorboard",
        "a.tfevents",
        EVENTS.format(data=f"value({TEXT} + field(8, field(8, b'') * (1 << 20)))"),
        2,
    ),
    "many hyperparameters": (
        "tensorboard",
        "a.tfevents",
        EVENTS.format(data=f"value({HPARAMS.format(pairs=PAIRS)})"),
        3,
    ),
    "a row of 4 million cells": ("optim-logger", "a.log", "b'x\\t\\n' + b'1\\t' * (8 << 20) + b'\\n'", 16),
    "a header of 500,000 names": (
        "optim-logger",
        "a.log",
        "b'\\t' * 500_000 + b'\\n' + b'1\\t' * 500_000 + b'\\n'",
        2,
    ),
    "many rows": ("optim-logger", "a.log", "b'x\\t\\n' + b'0.5\\t\\n' * (2 << 20)", 10),
    "a list of empty rows": ("wandb", "a.json", "b'[' + b'{},' * (4 << 20) + b'{}]'", 12),
    "rows with one value": ("wandb", "a.jsonl", "b'{\"a\": 0.5}\\n' * (1 << 20)", 11),
    "a table": ("wandb", "a.csv", "'a,\\U0001F600\\n'.encode() + b'0.5,1.5\\n' * (1 << 20)", 8),
    "many names": ("wandb", "a.jsonl", "b''.join(b'{\"a%d\": 1}\\n' % n for n in range(1 << 20))", 14),
    "one row with many names": (
        "wandb",
        "a.jsonl",
        "b'{' + b','.join(b'\"a%d\": 1' % n for n in range(1 << 20)) + b'}'",
        12,
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_takes_a_small_multiple_of_its_size(case: str, tmp_path: Path) -> None:
    """
    At most 16 times its size, and 96 MB.
    """
    kind, name, data, megabytes = FILES[case]

    work.limited(
        f"""
from lab_workbook_writer import importers
from lab_workbook.errors import Unreadable
{data if data.startswith(chr(10)) else f"data = {data}"}
open({str(tmp_path / name)!r}, "wb").write(data)
(found,) = importers.find({kind!r}, {str(tmp_path / name)!r})
allow_more_memory()
try:
    found.load()
except Unreadable:
    pass
""",
        megabytes=96 + 16 * megabytes,
    )
