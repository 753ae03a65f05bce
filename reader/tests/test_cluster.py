"""
What a Dask cluster is told to read; tests/dask has the cluster.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import lab_workbook
import pandas as pd
import pytest
from lab_workbook import ArtifactNotFound, ExperimentRepository, LabWorkbookError, NotComparable, cluster
from lab_workbook.cluster import Part, Place
from lab_workbook.fitting import Types

NAME = "Training loss.csv"


def record(prefix: str | Path, tag: str, *, has_series: bool = True) -> None:
    with lab_workbook.new_experiment(bucket_prefix=prefix, tag=tag) as workbook:
        workbook.save_json("options", {})
        if has_series:
            log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
            log(epoch=1, loss=0.5)


@pytest.fixture
def repository(tmp_path: Path) -> ExperimentRepository:
    """Two experiments with a series, and two without."""
    for tag in ("a1", "c3"):
        record(tmp_path, tag)
    for tag in ("b2", "d4"):
        record(tmp_path, tag, has_series=False)
    return ExperimentRepository(tmp_path)


def test_experiments_without_the_series_are_named_if_they_were_asked_for(
    repository: ExperimentRepository,
) -> None:
    """
    And the error says how to leave them out.
    """
    with pytest.raises(ArtifactNotFound) as caught:
        repository.dask_csv(NAME, ["a1", "b2", "d4"])

    assert str(caught.value) == (
        "2 of 3 experiments have no 'Training loss.csv': 'b2', 'd4'."
        " Leave them out by [each for each in experiments if 'Training loss.csv' in each]"
    )


def test_without_a_choice_it_is_all_that_have_the_series(repository: ExperimentRepository) -> None:
    assert cluster.having(repository._store, NAME) == ["a1", "c3"]


def test_experiments_are_chosen_by_tag_or_as_they_are(repository: ExperimentRepository) -> None:
    """
    In their order, each once; one tag alone is no list of letters.
    """
    assert cluster.chosen(repository, ["c3", repository["a1"], "c"], NAME) == ["c3", "a1"]
    assert cluster.chosen(repository, "c3", NAME) == ["c3"]


def test_an_experiment_of_another_repository_is_refused(
    repository: ExperimentRepository, tmp_path: Path
) -> None:
    """
    Its tag might be in this one too, and then another experiment would be read.
    """
    record(tmp_path / "other", "a1")
    stranger = ExperimentRepository(tmp_path / "other")["a1"]

    with pytest.raises(NotComparable, match="is not in file://"):
        repository.dask_csv(NAME, [stranger])


def test_what_is_no_series_is_refused(repository: ExperimentRepository) -> None:
    with pytest.raises(NotComparable, match="is no series"):
        repository.dask_csv("options.json", ["a1"])


def test_without_dask_the_message_says_what_to_install(
    repository: ExperimentRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)

    with pytest.raises(LabWorkbookError, match=r"pip install 'lab-workbook\[dask\]'"):
        repository.dask_csv(NAME)


def part(repository: ExperimentRepository, table: pd.DataFrame, **given: object) -> Part:
    place = Place(*(getattr(repository._config, field) for field in Place._fields))
    return Part(place, NAME, Types.of(table).changed(given), "tag")


def test_a_task_that_has_travelled_reads_what_the_reader_reads(repository: ExperimentRepository) -> None:
    """
    With the tag as a last column.
    """
    expected = repository["a1"][NAME]

    read = pickle.loads(pickle.dumps(part(repository, expected)))("a1")

    assert list(read.tag) == ["a1"]
    pd.testing.assert_frame_equal(read.drop(columns="tag"), expected)


def test_a_task_is_a_kilobyte_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A profile goes by its name; keys stay where they are.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key-of-mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-mine")
    repository = ExperimentRepository(
        "s3://some-bucket/exp/", endpoint_url="http://localhost:9000", profile="research", region="eu-west-1"
    )

    sent = pickle.dumps(part(repository, pd.DataFrame({"loss": [0.5]})))

    assert all(word.encode() in sent for word in ("some-bucket", "localhost:9000", "research", "eu-west-1"))
    assert b"of-mine" not in sent
    assert len(sent) < 1000


def test_a_series_that_does_not_fit_is_named(repository: ExperimentRepository) -> None:
    """
    With its experiment, its column, and what to do.
    """
    others = repository["a1"][NAME].astype({"loss": "int64"})

    with pytest.raises(NotComparable) as caught:
        part(repository, others)("a1")

    assert str(caught.value).startswith(
        "Training loss.csv of a1 does not fit those before it: its 'loss' is float64, and int64 cannot hold"
    )
    assert part(repository, others, loss="float64")("a1").loss.tolist() == [0.5]
