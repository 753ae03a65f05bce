"""
Experiments that the program of 2016 wrote are read as its own reader read them, or better.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from lab_workbook import ExperimentRepository, LabWorkbookError, Model
from lab_workbook.protocol import names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GOLD = Path(__file__, "../../../conformance/gold").resolve()
CASES = sorted(path.name for path in GOLD.iterdir() if path.is_dir())

# Where the new reader does better than the one of 2016: (case, artifact) -> why.
BETTER = {
    ("json-toplevel", "null.json"): "null is None, not the bytes b'null'",
    ("json-toplevel", "nothing.json"): "null is None, not the bytes b'null'",
    ("fields-table-reused", "train.csv"): "cells stand under their own fields, not one to the left",
    ("tmp-full-torn-row", "m.csv"): "the torn last row is left out, so that all dates are dates",
    ("tmp-full-torn-row", "j.json"): "the error names the artifact and says that it is empty",
    ("strings-comma", "text.csv"): "the error names the artifact and says how to get its bytes",
    ("fields-mutated-later", "m.csv"): "the error names the artifact and says how to get its bytes",
    **{
        (case, f"{name}.{suffix}"): "texts are str, not bytes"
        for case, name in (
            ("git-binary", "Source"),
            ("git-named", "code"),
            ("git-none", "Source"),
            ("readme-flow-luajit", "Source"),
        )
        for suffix in ("git-current-commit", "git-patch")
    },
}


@functools.cache
def load(case: str) -> dict[str, Any]:
    return json.loads((GOLD / case / "case.json").read_text())


def artifacts() -> list[tuple[str, str]]:
    return [(case, each["name"]) for case in CASES for each in load(case)["objects"]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases under their own keys, as `aws s3 sync` brings them, but those that are no safe paths."""
    root = tmp_path_factory.mktemp("gold")
    for case in CASES:
        for each in load(case)["objects"]:
            if names.is_safe_path(each["key"]):
                target = root / each["key"]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(GOLD / case / each["file"], target)
    return root


@pytest.fixture(scope="module")
def gold_server(s3_server: Any) -> str:
    """A bucket with all cases; made by boto3 alone."""
    import boto3

    environment = s3_server.environment
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=s3_server.url,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    bucket = f"gold-{os.getpid()}"
    client.create_bucket(Bucket=bucket)
    for case in CASES:
        for each in load(case)["objects"]:
            data = (GOLD / case / each["file"]).read_bytes()
            client.put_object(Bucket=bucket, Key=each["key"], Body=data)
    return bucket


@pytest.fixture(scope="module")
def opened() -> dict[str, ExperimentRepository]:
    """The repositories that are open already, because a client of S3 takes a while to make."""
    return {}


@pytest.fixture(params=["folder", "s3"])
def open_case(request: pytest.FixtureRequest, opened: dict[str, ExperimentRepository]) -> Any:
    """A function that opens a case's repository and its experiment, in a folder or in S3."""
    if request.param == "folder":
        root = request.getfixturevalue("folders")
        base = f"{root}/"
    else:
        request.getfixturevalue("s3")
        base = f"s3://{request.getfixturevalue('gold_server')}/"

    def open_one(case: str) -> tuple[ExperimentRepository, str]:
        # Tags may hold a slash, and a prefix without one has become part of the tag.
        prefix = f"cases/{case}/"
        tag = load(case)["experiment_prefix"].removeprefix(prefix).removesuffix("/")
        if base + prefix not in opened:
            opened[base + prefix] = ExperimentRepository(base + prefix)
        return opened[base + prefix], tag

    return open_one


def described(value: Any) -> Any:
    """Return a value in the words of case.json."""
    if isinstance(value, pd.DataFrame):
        rows = [[described(cell) for cell in row] for row in zip(*(value[c] for c in value), strict=True)]
        return {
            "type": "DataFrame",
            "columns": [str(column) for column in value.columns],
            "dtypes": [str(dtype) for dtype in value.dtypes],
            "index": [described(cell) for cell in value.index],
            "index_dtype": str(value.index.dtype),
            "index_levels": value.index.nlevels,
            "index_name": value.index.name,
            "rows": rows,
            "shape": list(value.shape),
        }
    if value is pd.NaT:
        return {"$nat": True}
    if isinstance(value, pd.Timestamp):
        return {"$time": value.isoformat()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$nan": True} if math.isnan(value) else {"$inf": int(math.copysign(1, value))}
    return value.item() if hasattr(value, "item") else value


def told(case: str, name: str) -> Any:
    """Return what the ported reader of 2016 gave."""
    read = load(case)["read"][name]
    return next((value for key, value in read.items() if key.startswith("same_reader_py3")), None)


def same(expected: Any, read: Any) -> bool:
    """Say whether the reader gave what the ported one gave."""
    if isinstance(read, LabWorkbookError):
        return False
    if expected["type"] == "DataFrame":
        return at_home(expected) == described(read)
    if expected["type"] == "bytes":
        return isinstance(read, bytes) and len(read) == expected["len"]
    return type(read).__name__ == expected["type"] and exactly(read) == exactly(expected["value"])


def exactly(value: Any) -> str:
    """Return a value so that 1, 1.0, True and -0.0 stay apart."""
    return json.dumps(value, sort_keys=True)


def at_home(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a described frame as this pandas would have it: before 3, texts were objects, times in ns."""
    if int(pd.__version__.partition(".")[0]) >= 3:
        return frame
    old = {"str": "object", "datetime64[us, UTC]": "datetime64[ns, UTC]"}
    dtypes = [old.get(dtype, dtype) for dtype in frame["dtypes"]]
    return frame | {"dtypes": dtypes, "index_dtype": old.get(frame["index_dtype"], frame["index_dtype"])}


@pytest.mark.parametrize(("case", "name"), artifacts(), ids="/".join)
def test_an_artifact_of_2016_is_read_as_it_was_or_better(open_case: Any, case: str, name: str) -> None:
    """
    Each artifact gives what the ported reader gave; each exception is listed, and still one.
    """
    repository, tag = open_case(case)
    if not names.is_safe_path(name) and "file://" in repository.where:
        pytest.skip("a key that is no safe path is read from S3 only")
    expected = told(case, name)

    try:
        read = repository[tag][name]
    except LabWorkbookError as error:
        read = error

    if expected is None:
        digest = next(each["sha256"] for each in load(case)["objects"] if each["name"] == name)
        data = bytes(read) if isinstance(read, Model) else read
        assert hashlib.sha256(data).hexdigest() == digest
    else:
        assert same(expected, read) == ((case, name) not in BETTER)


@pytest.mark.parametrize("case", CASES)
def test_a_case_lists_all_its_artifacts(open_case: Any, case: str) -> None:
    """
    Names in sub-folders are whole, and odd names are shown; only a folder hides what is no safe path.
    """
    repository, tag = open_case(case)
    expected = sorted(each["name"] for each in load(case)["objects"])
    if "file://" in repository.where:
        expected = list(filter(names.is_safe_path, expected))
    if not expected:
        pytest.skip("a key that is no safe path is read from S3 only")

    listed = repository[tag].list_artifacts()

    assert listed == sorted(expected, key=str.encode)


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_listed_with_status_unknown(open_case: Any, case: str) -> None:
    """
    Protocol 1.0 says neither how an experiment ended nor when it began, and nothing is guessed.
    """
    repository, tag = open_case(case)
    if not any(names.is_safe_path(each["name"]) for each in load(case)["objects"]):
        pytest.skip("a key that is no safe path is read from S3 only")

    experiment = repository[tag]

    assert tag.partition("/")[0] in [each.tag for each in repository[:]]
    assert (experiment.status, experiment.started, experiment.ended) == ("unknown", None, None)


def test_a_null_is_none(open_case: Any) -> None:
    repository, tag = open_case("json-toplevel")

    assert repository[tag]["null.json", "nothing.json"] == (None, None)


def test_cells_behind_the_header_stand_under_their_own_fields(open_case: Any) -> None:
    """
    One table of fields for two logs made rows that end with two dates under a header with one.
    """
    repository, tag = open_case("fields-table-reused")

    train = repository[tag]["train.csv"]

    assert (train.index.name, list(train.index)) == ("step", [1, 2])
    assert train["loss"].tolist() == [5, 4]
    assert str(train["Date"].dt.tz) == "UTC"
    assert list(train.columns) == ["loss", "Date", "Date.1"]


def test_a_torn_last_row_is_left_out(open_case: Any) -> None:
    """
    A full disk cut the file at 16,384 bytes, in the middle of a row.
    """
    repository, tag = open_case("tmp-full-torn-row")
    whole_rows = (GOLD / "tmp-full-torn-row/objects/m.csv").read_bytes().count(b"\n") - 1

    table = repository[tag]["m.csv"]

    assert len(table) == whole_rows
    assert str(table["Date"].dt.tz) == "UTC"


@pytest.mark.parametrize(
    ("case", "name", "says"),
    [
        ("strings-comma", "text.csv", "row 2"),
        ("fields-mutated-later", "m.csv", "row 2"),
        ("tmp-full-torn-row", "j.json", "it is empty"),
    ],
)
def test_what_cannot_be_read_says_why_and_gives_its_bytes(
    open_case: Any, case: str, name: str, says: str
) -> None:
    """
    The message names the artifact, what is wrong, and how to get the bytes.
    """
    repository, tag = open_case(case)
    experiment = repository[tag]

    with pytest.raises(LabWorkbookError) as caught:
        experiment[name]

    assert name in str(caught.value)
    assert says in str(caught.value)
    assert experiment.read_bytes(name) == (GOLD / case / "objects" / name).read_bytes()


@pytest.mark.parametrize("name", ["Source.git-current-commit", "Source.git-patch"])
def test_texts_of_git_keep_every_byte(open_case: Any, name: str) -> None:
    """
    A patch may hold a line in Latin-1 and one that ends with CR LF.
    """
    repository, tag = open_case("git-binary")

    text = repository[tag][name]

    stored = (GOLD / "git-binary/objects" / name).read_bytes()
    assert text.encode(errors="surrogateescape") == stored


def test_a_tag_that_was_glued_to_its_prefix_is_pointed_to(open_case: Any) -> None:
    """
    Protocol 1.0 wrote exp<tag>/ under the prefix .../exp; today's prefix ends with a slash.
    """
    repository, tag = open_case("prefix-no-slash")
    inside = ExperimentRepository(f"{repository.where}exp")

    with pytest.raises(LabWorkbookError) as caught:
        inside[tag.removeprefix("exp")][:]

    assert repr(repository.where) in str(caught.value)
    assert repr(tag) in str(caught.value)
    assert repository[tag]["p.json"] == {"v": 1}
