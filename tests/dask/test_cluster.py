"""
Series of many experiments, read by a cluster of two processes from a bucket.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lab_workbook
import pandas as pd
import pytest
from lab_workbook import ExperimentRepository, NotComparable, Unreadable

pytest.importorskip("dask", reason="`make test-dask` installs dask")
pytestmark = pytest.mark.soak

NAME = "Training loss.csv"
DATE = "2016-02-12T22:17:34Z"
BEGIN = (
    b'{"protocol": "lab-workbook 1.1", "tag": "A", "writer": "a test", "runtime": "Lua 5.4", "started": "%b"}'
)
# A cell of every kind in every column, beside another one in every second experiment.
FIELDS = "epoch,loss,seen,phase,best,mixed,Date"
ROWS = [
    ["1", "0.1", "9007199254740993", '"007"', "true", "1"],
    ["2", "nan", "nil", '"nil"', "nil", '"1"'],
    ["3", "-inf", "-9223372036854775808", '"a,""b""\n"', "false", "true"],
    ["3", "5e-324", "0", "nil", "true", "nil"],
]


@pytest.fixture
def bucket(s3_client: Any, bucket_prefix: str) -> Any:
    """A function that puts a file of an experiment into a fresh bucket."""
    name, _, path = bucket_prefix.removeprefix("s3://").partition("/")

    def put(key: str, data: bytes) -> None:
        s3_client.put_object(Bucket=name, Key=path + key, Body=data)

    return put


@pytest.fixture
def repository(bucket_prefix: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> ExperimentRepository:
    """The bucket, at a URL that was given to the repository and is in no worker's environment."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    return ExperimentRepository(bucket_prefix, endpoint_url=s3)


def csv(*rows: list[str], fields: str = FIELDS) -> bytes:
    return "".join(",".join(row) + "\n" for row in [[fields], *([*row, DATE] for row in rows)]).encode()


def record(put: Any, tag: str, data: bytes, name: str = NAME) -> None:
    put(f"{tag}/.lab-workbook/begin.json", BEGIN % DATE.encode())
    put(f"{tag}/{name}", data)


def in_pandas(repository: ExperimentRepository, tags: list[str]) -> pd.DataFrame:
    """Return the same by the reader and pandas alone."""
    tables = [repository[tag][NAME].assign(tag=tag).astype({"tag": pd.Series([""]).dtype}) for tag in tags]
    return pd.concat(tables)


def test_the_cluster_reads_what_pandas_reads(cluster: Any, bucket: Any, repository: Any) -> None:
    """
    Cell by cell and type by type, index and order too, by both of the workers.
    """
    tags = [f"2016021221{minute:02}-PMJ8a76csB" for minute in range(20)]
    for tag in tags:
        record(bucket, tag, csv(*ROWS))

    lazy = repository.dask_csv(NAME)
    kept = cluster.persist(lazy)
    read = kept.compute()

    expected = in_pandas(repository, tags)
    pd.testing.assert_frame_equal(read, expected)
    pd.testing.assert_frame_equal(lazy.head(0), expected.iloc[:0])
    assert lazy.npartitions == len(tags)
    assert [str(dtype) for dtype in read.dtypes[:-1]] == [
        *("float64", "Int64", "str", "boolean", "object", "datetime64[us, UTC]")
    ]
    assert len({worker for workers in cluster.who_has(kept).values() for worker in workers}) == 2


def test_what_is_grouped_is_what_pandas_groups(cluster: Any, bucket: Any, repository: Any) -> None:
    for number in range(5):
        record(bucket, f"A{number}", csv(["1", f"{number}.5"], ["2", "0.25"], fields="epoch,loss,Date"))
    tags = ["A3", "A1", "A4"]

    grouped = repository.dask_csv(NAME, tags).groupby("tag").loss.agg(["min", "max", "mean"])

    expected = in_pandas(repository, tags).groupby("tag").loss.agg(["min", "max", "mean"])
    pd.testing.assert_frame_equal(cluster.compute(grouped, sync=True).sort_index(), expected)


def test_types_that_differ_become_those_of_the_first(cluster: Any, bucket: Any, repository: Any) -> None:
    """
    Experiments of protocol 1.0 are read together with others, and one without rows decides nothing.
    """
    fields = "epoch,loss,note,Date"
    record(bucket, "A", csv(fields=fields))
    record(bucket, "B", csv(["1", "0.5", '"x"'], fields=fields))
    record(bucket, "C", csv(["2", "1", "nil"], fields=fields))
    record(bucket, "D", csv(["3", "nil"], fields="epoch,loss,Date"))
    bucket(f"E/{NAME}", csv(["4", "3", "y"], fields=fields))

    read = cluster.compute(repository.dask_csv(NAME), sync=True)

    assert read.index.tolist() == [1, 2, 3, 4]
    assert read.tag.tolist() == ["B", "C", "D", "E"]
    assert read.dtypes.astype(str).tolist() == ["float64", "str", "datetime64[us, UTC]", "str"]
    assert read.loss.fillna(-1).tolist() == [0.5, 1.0, -1, 3.0]
    assert read.note.fillna("").tolist() == ["x", "", "", "y"]


def test_a_series_that_does_not_fit_is_an_error_here(cluster: Any, bucket: Any, repository: Any) -> None:
    """
    It comes from the worker as what it is, and a type that fits all is the way out.
    """
    record(bucket, "A", csv(["1", "1"], fields="epoch,loss,Date"))
    record(bucket, "B", csv(["1", "0.5"], fields="epoch,loss,Date"))

    with pytest.raises(NotComparable, match=r"of B does not fit .* 'loss' is float64, and int64 cannot hold"):
        cluster.compute(repository.dask_csv(NAME), sync=True)

    wide = repository.dask_csv(NAME, dtypes={"loss": "float64"})
    assert cluster.compute(wide, sync=True).loss.tolist() == [1.0, 0.5]


def test_what_is_broken_says_so_here(cluster: Any, bucket: Any, repository: Any) -> None:
    record(bucket, "A", csv(["1", "1"], fields="epoch,loss,Date"))
    record(bucket, "B", csv(["1", "1", "1"], fields="epoch,loss,Date"))

    with pytest.raises(Unreadable, match="it has 4 cells and the header 3"):
        cluster.compute(repository.dask_csv(NAME), sync=True)


def test_a_tag_is_a_text_whatever_it_says(cluster: Any, bucket: Any, repository: Any) -> None:
    """
    Names of a bucket are data on the way to a worker, and there.
    """
    tags = [
        "$(touch pwned)",
        "('lab-workbook', 0)",
        "__import__('os').system('touch pwned')",
        "`touch pwned`; touch pwned",
        "{tag!r} %s \u2028 snow \u96ea",
    ]
    for tag in tags:
        record(bucket, tag, csv(["1", "1"], fields="epoch,loss,Date"))

    read = cluster.compute(repository.dask_csv(NAME), sync=True)

    assert sorted(read.tag) == sorted(tags)
    assert not any(cluster.run(os.path.exists, "pwned").values())
    assert not os.path.exists("pwned")


def test_rows_are_those_that_are_there_when_it_is_computed(
    cluster: Any, bucket: Any, repository: Any
) -> None:
    """
    Also for a table that was made before, and for one that the cluster has kept.
    """
    rows = [["1", "1"], ["2", "2"], ["3", "3"]]
    record(bucket, "A", csv(*rows[:1], fields="epoch,loss,Date"))
    lazy = repository.dask_csv(NAME)
    kept = cluster.persist(lazy)
    assert len(kept) == 1

    record(bucket, "A", csv(*rows[:2], fields="epoch,loss,Date"))

    assert len(kept) == 1
    assert len(cluster.compute(repository.dask_csv(NAME), sync=True)) == 2
    del kept
    record(bucket, "A", csv(*rows, fields="epoch,loss,Date"))
    assert len(cluster.compute(repository.dask_csv(NAME), sync=True)) == 3


def test_a_folder_of_tags_that_a_column_has(cluster: Any, tmp_path: Path) -> None:
    """
    A series with a field ``tag`` keeps it, if the tags have another name.
    """
    with lab_workbook.new_experiment(bucket_prefix=tmp_path, tag="A") as workbook:
        workbook.new_time_series_log("Training loss", ["epoch", "tag"])(epoch=1, tag="mine")
    repository = ExperimentRepository(tmp_path)

    with pytest.raises(NotComparable, match="has a column 'tag' of its own"):
        repository.dask_csv(NAME)

    read = cluster.compute(repository.dask_csv(NAME, tag_column="experiment"), sync=True)
    assert read[["tag", "experiment"]].to_numpy().tolist() == [["mine", "A"]]


def test_nothing_to_read_is_an_error(bucket: Any, repository: Any) -> None:
    bucket("A/options.json", b"{}")

    for chosen in (None, []):
        with pytest.raises(NotComparable, match="there is nothing to read"):
            repository.dask_csv(NAME, chosen)
