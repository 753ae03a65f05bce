"""
`Experiment.metrics`: what workbook.log has put into several series is one table.
"""

from __future__ import annotations

from typing import Any

import lab_workbook
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import ArtifactNotFound, ExperimentNotFound, ExperimentRepository, NotComparable
from lab_workbook.protocol import _spec

DATES = [f"2016-02-12T22:17:{second:02}Z" for second in range(60)]
END = {"outcome": "finished"}


def series(fields: str, *rows: str, dates: list[str] = DATES) -> bytes:
    lines = [f"{row},{date}\n" for row, date in zip(rows, dates, strict=False)]
    return "".join([f"{fields},Date\n", *lines]).encode()


def test_series_are_joined_by_step(make: Any) -> None:
    """
    In the order of the steps; what was not logged is missing, and integers stay integers.
    """
    table = make(
        files={
            "metrics.csv": series("step,loss,batch", "2,0.5,9007199254740993", "0,0.75,2", "1,nan,3"),
            "metrics-2.csv": series("step,accuracy,phase", '1,0.25,"007"'),
            "metrics-10.csv": series("step,done", "3,true", dates=DATES[7:]),
        }
    ).metrics()

    assert table.index.name == "step"
    assert table.index.tolist() == [0, 1, 2, 3]
    assert list(table.columns) == ["loss", "batch", "accuracy", "phase", "done", "Date"]
    assert table["batch"].dtype == "Int64"
    assert table["batch"].tolist() == [2, 3, 9007199254740993, pd.NA]
    assert table["phase"].isna().tolist() == [True, False, True, True]
    assert table["phase"][1] == "007"
    assert table["done"].dtype == "boolean"
    np.testing.assert_array_equal(table["loss"], [0.75, np.nan, 0.5, np.nan])
    assert table["Date"].dt.second.tolist() == [1, 0, 0, 7]


def test_a_key_of_several_sets_is_one_column(make: Any) -> None:
    """
    Its values go below each other where they share a step, and nothing is lost.
    """
    table = make(
        files={
            "metrics.csv": series("step,loss,rate", "1,10,0.1", "1,11,0.2", "2,12,0.3"),
            "metrics-2.csv": series("step,loss,accuracy", "1,20,0.5", "3,21,0.6"),
            "metrics-3.csv": series("step,norm", "1,7", "1,8", "1,9", "1,10"),
        }
    ).metrics()

    assert table.index.tolist() == [1, 1, 1, 1, 2, 3]
    assert table["loss"].tolist() == [10, 11, 20, pd.NA, 12, 21]
    assert table["norm"].tolist()[:4] == [7, 8, 9, 10]
    assert table["accuracy"].tolist()[2:6:3] == [0.5, 0.6]


def test_the_long_series_is_columns_again(make: Any) -> None:
    """
    Each key has the type of its own values, whatever stands between them.
    """
    table = make(
        files={
            "metrics.csv": series("step,loss", "1,0.5"),
            "metrics-rest.csv": series(
                "step,name,value",
                *(
                    '1,"count",9007199254740993',
                    '1,"x",0.5',
                    '2,"x",1',
                    '2,"count",2',
                    '2,"text","nil"',
                    '2,"x",nil',
                ),
            ),
        }
    ).metrics()

    assert list(table.columns) == ["loss", "count", "x", "text", "Date"]
    assert table.index.tolist() == [1, 2, 2]
    assert table["count"].tolist() == [9007199254740993, 2, pd.NA]
    assert table["x"].tolist()[:2] == [0.5, 1.0]
    assert table["x"].dtype == "float64"
    assert table["text"][2].tolist()[0] == "nil"


def test_what_the_script_calls_metrics_itself_is_left_out(make: Any) -> None:
    """
    A series by epoch, a table without dates, a long series of other fields.
    """
    table = make(
        files={
            "metrics.csv": series("epoch,loss", "1,0.5"),
            "metrics-2.csv": b"step,loss\n1,2\n",
            "metrics-3.csv": series("step,loss", "1,7"),
            "metrics-rest.csv": series("step,loss", "1,8"),
            "my metrics.csv": series("step,loss", "1,9"),
            "metrics/metrics.csv": series("step,loss", "1,9"),
        }
    ).metrics()

    assert table["loss"].tolist() == [7]


def test_steps_that_are_no_whole_numbers_are_named(make: Any) -> None:
    experiment = make(files={"metrics.csv": series("step,loss", "0.5,1", "nil,2")})

    with pytest.raises(NotComparable, match=r"metrics.csv.*no whole numbers.*experiment\['metrics.csv'\]"):
        experiment.metrics()


def test_where_there_are_none_it_says_what_there_is(make: Any) -> None:
    """
    In an experiment of protocol 1.0 as well.
    """
    for experiment in (make("A", {"a.txt": b""}), make("B", {"a.txt": b"", "metrics.txt": b""}, begin=None)):
        with pytest.raises(ArtifactNotFound, match=r"has no metrics: workbook.log was not called.*'a.txt'"):
            experiment.metrics()
        with pytest.raises(ArtifactNotFound, match="no metrics of rank 3"):
            experiment.metrics(rank=3)


def test_an_experiment_that_is_not_there_is_said_to_be_missing(repository: Any) -> None:
    with pytest.raises(ExperimentNotFound):
        repository["nothing"].metrics()


def test_another_rank_has_its_own(make: Any) -> None:
    experiment = make(
        files={
            "metrics.csv": series("step,loss", "1,1"),
            "metrics@rank1.csv": series("step,loss", "1,2"),
            "metrics-2@rank1.csv": series("step,norm", "1,3"),
            "metrics-rest@rank1.csv": series("step,name,value", '1,"more",4'),
            "metrics@rank12.csv": series("step,loss", "1,5"),
        }
    )

    assert list(experiment.metrics()["loss"]) == [1]
    assert experiment.metrics(rank=1).iloc[0, :3].tolist() == [2, 3, 4]
    assert list(experiment.metrics(rank=12)["loss"]) == [5]


def test_a_series_without_rows_is_a_column_of_holes(make: Any) -> None:
    """
    So a running experiment does not change its columns when the first row comes.
    """
    one = make("A", {"metrics.csv": series("step,loss", "1,1"), "metrics-2.csv": series("step,late")})
    none = make("B", {"metrics.csv": series("step,loss"), "metrics-rest.csv": series("step,name,value")})

    assert one.metrics()["late"].isna().tolist() == [True]
    assert list(none.metrics().columns) == ["loss", "Date"]
    assert len(none.metrics()) == 0


def test_a_damaged_series_is_not_read(make: Any) -> None:
    """
    The long one as little as the others.
    """
    files = {"metrics-rest.csv": series("step,name,value", '1,"a",4')}
    experiment = make(files=files, end={"files": {"metrics-rest.csv": {"bytes": 12, "sha256": "0" * 64}}})

    with pytest.raises(lab_workbook.Unreadable):
        experiment.metrics()


def test_attempts_are_stitched(make: Any) -> None:
    """
    As a series is: a later attempt counts from its first step on, and raw=True keeps all.
    """
    make(
        "A",
        {"metrics.csv": series("step,loss", "1,1", "2,2", "3,3"), "metrics-2.csv": series("step,a", "3,9")},
    )
    last = make("B", {"metrics.csv": series("step,loss", "3,30", "4,40")}, begin={"resumes": "A"})

    assert last.metrics(stitch=True)["loss"].tolist() == [1, 2, 30, 40]
    assert last.metrics(stitch=True)["a"].isna().all()
    assert last.metrics(raw=True)["attempt"].tolist() == ["A", "A", "A", "B", "B"]
    assert last.metrics(raw=True)["a"].tolist()[2] == 9
    assert last.metrics()["loss"].tolist() == [30, 40]
    assert last.resumes == "A"


_keys = st.sampled_from(["loss", "rate", "a,b", "x"])
_values = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans(), st.text('ab"\n0', max_size=3)
)
_calls = st.tuples(st.integers(0, 3), st.dictionaries(_keys, _values, min_size=1, max_size=3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(calls=st.lists(_calls, min_size=1, max_size=10), most=st.integers(0, 3))
def test_every_value_that_was_logged_is_there_once(
    tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch, calls: Any, most: int
) -> None:
    """
    At its step, in its column, in the order of its calls; whichever series held it.
    """
    folder = tmp_path_factory.mktemp("runs")
    with monkeypatch.context() as patched:
        patched.setattr(_spec, "METRICS_MAX_SERIES", most)
        with lab_workbook.new_experiment(bucket_prefix=folder) as workbook:
            for step, values in calls:
                workbook.log(values, step)

    table = ExperimentRepository(folder)[-1].metrics()

    found: dict[Any, list[Any]] = {}
    expected: dict[Any, list[Any]] = {}
    for key in table.columns.drop("Date"):
        for step, cell in zip(table.index, table[key], strict=True):
            if not pd.isna(cell):
                found.setdefault((step, key), []).append(cell)
    for step, values in calls:
        for key, value in values.items():
            expected.setdefault((step, key), []).append(value)
    assert found.keys() == expected.keys()
    for place, cells in expected.items():
        assert sorted(map(_text, found[place])) == sorted(map(_text, cells))


def _text(value: Any) -> str:
    # An integer among floats of its column is a float, as in any series.
    return value if isinstance(value, str) else repr(float(value))


def test_it_is_live(tmp_path: Any) -> None:
    """
    Each time there is all there is so far.
    """
    with lab_workbook.new_experiment(bucket_prefix=tmp_path) as workbook:
        experiment = ExperimentRepository(tmp_path)[-1]
        for step in range(3):
            workbook.log({"loss": step}, step)
            workbook.log({f"key {step}": step}, step)
            assert experiment.metrics()["loss"].tolist() == list(range(step + 1))
            assert len(experiment.metrics().columns) == step + 3
