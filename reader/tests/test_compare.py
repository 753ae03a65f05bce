"""
Curves of several experiments stand side by side, matched by their index.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from lab_workbook import ArtifactNotFound, ExperimentRepository, NotComparable


def curve(rows: list[tuple[Any, Any]]) -> bytes:
    return "".join(
        ["epoch,loss,Date\n", *(f"{epoch},{loss},2016-02-12T22:17:34Z\n" for epoch, loss in rows)]
    ).encode()


def test_a_column_of_each_experiment_is_labelled(make: Any, repository: ExperimentRepository) -> None:
    """
    Rows are matched by the index, and where an experiment has none there is a hole.
    """
    make("A", {"log.csv": curve([(1, 0.5), (3, 0.25)])})
    make("B", {"log.csv": curve([(1, 0.75), (2, 0.5)])})

    table = repository.meld_csv({"A": "slow", "B": "fast"}, "log.csv", "loss")

    assert list(table.columns) == ["slow", "fast"]
    assert (table.index.name, table.index.tolist()) == ("epoch", [1, 2, 3])
    assert table["fast"].tolist()[:2] == [0.75, 0.5]
    assert math.isnan(table["fast"].tolist()[2])
    assert table["slow"].dropna().tolist() == [0.5, 0.25]


def test_an_index_value_that_comes_twice_is_matched_in_its_order(
    make: Any, repository: ExperimentRepository
) -> None:
    """
    A script that logs twice an epoch can be compared with one that logs once.
    """
    make("A", {"log.csv": curve([(1, 0.5), (1, 0.4), (2, 0.3)])})
    make("B", {"log.csv": curve([(1, 0.9), (2, 0.8)])})

    table = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss")

    assert table.index.tolist() == [1, 1, 2]
    assert table["a"].tolist() == [0.5, 0.4, 0.3]
    assert table["b"].dropna().tolist() == [0.9, 0.8]


def test_a_missing_index_value_is_kept(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": curve([(1, 0.5), ("nil", 0.4), ("nil", 0.3)])})

    table = repository.meld_csv({"A": "a"}, "log.csv", "loss")

    assert sorted(table["a"].tolist()) == [0.3, 0.4, 0.5]


def test_the_index_itself_and_the_dates_can_be_compared(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": curve([(1, 0.5), (3, 0.25)])})

    assert repository.meld_csv({"A": "a"}, "log.csv", "epoch")["a"].tolist() == [1, 3]
    assert str(repository.meld_csv({"A": "a"}, "log.csv", "Date")["a"].dt.tz) == "UTC"


def test_an_index_of_several_kinds_keeps_the_order_of_the_file(
    make: Any, repository: ExperimentRepository
) -> None:
    make("A", {"log.csv": curve([('"warm-up"', 0.5), (1, 0.25)])})

    assert repository.meld_csv({"A": "a"}, "log.csv", "loss").index.tolist() == ["warm-up", 1]


def test_a_series_without_rows_is_an_empty_column(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": curve([])})
    make("B", {"log.csv": curve([(1, 0.75)])})

    table = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss")

    assert list(table.columns) == ["a", "b"]
    assert table["b"].tolist() == [0.75]
    assert (table["a"].isna().all(), table.index.dtype) == (True, "int64")
    assert repository.meld_csv({"A": "a"}, "log.csv", "loss").shape == (0, 1)


@pytest.mark.parametrize(
    ("labels", "what", "says"),
    [
        ({}, ("log.csv", "loss"), "nothing to put side by side"),
        ({"A": "x", "B": "x"}, ("log.csv", "loss"), "2 experiments have the label 'x'"),
        (
            {"A": "x"},
            ("log.csv", "los"),
            r"no column 'los'\. Did you mean 'loss'\? It has: 'epoch', 'loss', 'Date'",
        ),
        ({"A": "x"}, ("options.json", "loss"), "is no table but dict"),
    ],
)
def test_what_cannot_be_compared_says_why(
    make: Any, repository: ExperimentRepository, labels: Any, what: tuple[str, str], says: str
) -> None:
    for tag in ("A", "B"):
        make(tag, {"log.csv": curve([(1, 0.5)]), "options.json": b"{}"})

    with pytest.raises(NotComparable, match=says):
        repository.meld_csv(labels, *what)


def test_a_missing_artifact_names_its_experiment(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": curve([(1, 0.5)])})

    with pytest.raises(ArtifactNotFound, match=r"A has no 'lag\.csv'"):
        repository.meld_csv({"A": "a"}, "lag.csv", "loss")
