"""
Curves of several experiments stand side by side, matched by their index.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import ArtifactNotFound, ExperimentRepository, NotComparable


def curve(rows: list[tuple[Any, Any]]) -> bytes:
    return "".join(
        ["epoch,loss,Date\n", *(f"{epoch},{loss},2016-02-12T22:17:34Z\n" for epoch, loss in rows)]
    ).encode()


def test_a_column_of_each_experiment_is_labelled(make: Any, repository: ExperimentRepository) -> None:
    """
    Rows are matched by the index, and where an experiment has none there is a hole.
    """
    make("A", {"log.csv": curve([(1, 0.5), (3, 0.25)])}, end={})
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


def at(seconds: float) -> str:
    return f"{pd.Timestamp('2016-02-12T21:49:00Z') + pd.Timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def dated(rows: list[tuple[Any, Any, float]]) -> bytes:
    return "".join(
        ["epoch,loss,Date\n", *(f"{epoch},{loss},{at(second)}\n" for epoch, loss, second in rows)]
    ).encode()


def test_rows_are_matched_by_what_is_named(make: Any, repository: ExperimentRepository) -> None:
    """
    By the date, by the seconds since each experiment has begun, or by any field.
    """
    make("A", {"log.csv": dated([(1, 5, 60), (2, 4, 120)])})
    make("B", {"log.csv": dated([(1, 9, 3600), (2, 8, 3660)])}, begin={"started": at(3540)})

    def melded(x: str | None) -> pd.DataFrame:
        return repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss", x=x)

    assert melded(None).equals(melded("epoch"))
    assert melded("elapsed").index.tolist() == [60.0, 120.0]
    assert melded("elapsed").index.name == "elapsed"
    assert melded("elapsed")["b"].tolist() == [9, 8]
    assert melded("Date").index.tolist() == [pd.Timestamp(at(second)) for second in (60, 120, 3600, 3660)]
    assert melded("loss")["a"].dropna().tolist() == [4, 5]


def test_of_an_experiment_that_does_not_say_when_it_began_the_first_row_counts(
    make: Any, repository: ExperimentRepository
) -> None:
    make("A", {"log.csv": dated([(1, 5, 60), (2, 4, 120)])}, begin=None)

    table = repository.meld_csv({"A": "a"}, "log.csv", "loss", x="elapsed")

    assert table.index.tolist() == [0.0, 60.0]


def test_a_field_that_is_called_elapsed_comes_first(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": dated([(7, 5, 60)]).replace(b"epoch", b"elapsed")}, end={})

    assert repository.meld_csv({"A": "a"}, "log.csv", "loss", x="elapsed").index.tolist() == [7]


def test_holes_are_filled_between_what_is_known_alone(make: Any, repository: ExperimentRepository) -> None:
    """
    By the distance in x, and never before the first value of an experiment or after its last.
    """
    make("A", {"log.csv": curve([(0, 0.0), (10, 1.0)])})
    make("B", {"log.csv": curve([(-1, 5), (1, 7), (4, "nil"), (11, 8)])})

    def column(label: str, how: Any) -> list[Any]:
        table = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss", how=how)
        return [None if pd.isna(value) else value for value in table[label]]

    assert repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss").index.tolist() == [
        -1,
        0,
        1,
        4,
        10,
        11,
    ]
    assert column("a", "outer") == [None, 0.0, None, None, 1.0, None]
    assert column("a", "interpolate") == [None, 0.0, 0.1, 0.4, 1.0, None]
    assert column("a", "ffill") == [None, 0.0, 0.0, 0.0, 1.0, None]
    assert column("b", "interpolate") == [5.0, 6.0, 7.0, 7.3, 7.9, 8.0]
    assert column("b", "ffill") == [5, 5, 7, 7, 7, 8]


def test_dates_are_interpolated_by_their_distance(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": dated([(1, 0, 0), (2, 100, 100)])})
    make("B", {"log.csv": dated([(1, 1, 25)])})

    table = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss", x="Date", how="interpolate")

    assert table["a"].tolist() == [0.0, 25.0, 100.0]


floats = st.floats(-1e6, 1e6)
curves = st.lists(st.tuples(st.integers(0, 30), st.one_of(floats, st.just("nil"))), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(a=curves, b=curves)
def test_filling_changes_no_value_and_stays_between_its_neighbours(
    make: Any, repository: ExperimentRepository, a: list[tuple[int, Any]], b: list[tuple[int, Any]]
) -> None:
    """
    Whatever the curves are, repeated and unsorted x included, a filled hole lies within its curve.
    """
    make("A", {"log.csv": curve(a)})
    make("B", {"log.csv": curve(b)})
    outer = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss")

    for how in ("interpolate", "ffill"):
        filled = repository.meld_csv({"A": "a", "B": "b"}, "log.csv", "loss", how=how)
        assert filled.index.equals(outer.index)
        for label in ("a", "b"):
            known = outer[label].dropna().astype("float64")
            assert filled[label][outer[label].notna()].astype("float64").tolist() == known.tolist()
            within = filled[label].dropna().astype("float64")
            assert within.between(known.min(), known.max()).all()
            if len(known):
                assert within.index.min() >= known.index.min()
                assert within.index.max() <= known.index.max()
                between = (outer.index > known.index.min()) & (outer.index < known.index.max())
                assert filled[label][between].notna().all()


@pytest.mark.parametrize(
    ("x", "how", "says"),
    [
        ("epoch", "linear", "how='linear' is none of 'outer', 'interpolate', 'ffill'"),
        ("note", "interpolate", "'note' holds no numbers to interpolate by"),
        ("steps", "outer", r"has no column 'steps'\. It has"),
    ],
)
def test_what_cannot_be_matched_says_why(
    make: Any, repository: ExperimentRepository, x: str, how: Any, says: str
) -> None:
    make("A", {"log.csv": b'epoch,note,loss,Date\n1,"x",2,2016-02-12T22:17:34Z\n'})

    with pytest.raises(NotComparable, match=says):
        repository.meld_csv({"A": "a"}, "log.csv", "loss", x=x, how=how)
    with pytest.raises(NotComparable, match="are no numbers to interpolate"):
        repository.meld_csv({"A": "a"}, "log.csv", "note", how="interpolate")


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
        make(tag, {"log.csv": curve([(1, 0.5)]), "options.json": b"{}"}, end={})

    with pytest.raises(NotComparable, match=says):
        repository.meld_csv(labels, *what)


def test_a_missing_artifact_names_its_experiment(make: Any, repository: ExperimentRepository) -> None:
    make("A", {"log.csv": curve([(1, 0.5)])})

    with pytest.raises(ArtifactNotFound, match=r"A has no 'lag\.csv'"):
        repository.meld_csv({"A": "a"}, "lag.csv", "loss")
