"""
An experiment that was resumed is one series.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import ArtifactNotFound, ExperimentNotFound, ExperimentRepository, NotComparable

DATE = "2016-02-12T22:17:34Z"


def series(*rows: tuple[Any, ...], fields: str = "epoch,loss") -> bytes:
    return "".join([f"{fields},Date\n", *(",".join(map(str, [*row, DATE])) + "\n" for row in rows)]).encode()


def test_where_attempts_overlap_the_later_one_counts(make: Any) -> None:
    """
    A script that goes on from a checkpoint logs some rows once more.
    """
    make("A", {"log.csv": series((1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6))}, end={"outcome": "interrupted"})
    make("B", {"log.csv": series((3, 0.5), (4, 0.4))}, begin={"resumes": "A"})
    last = make("C", {"log.csv": series((5, 0.3))}, begin={"resumes": "B"})

    table = last.stitch("log.csv")

    assert table.index.name == "epoch"
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    assert table["loss"].tolist() == [0.9, 0.8, 0.5, 0.4, 0.3]
    assert list(table.columns) == ["loss", "Date"]


def test_all_rows_stay_on_request(make: Any) -> None:
    """
    Each with the tag of its attempt, in the order in which they were logged.
    """
    make("A", {"log.csv": series((1, 0.9), (2, 0.8))})
    last = make("B", {"log.csv": series((2, 0.5), (3, 0.4))}, begin={"resumes": "A"})

    table = last.stitch("log.csv", raw=True)

    assert table.index.tolist() == [1, 2, 2, 3]
    assert table["attempt"].tolist() == ["A", "A", "B", "B"]


def test_a_later_attempt_that_goes_further_back_counts_against_all_before_it(make: Any) -> None:
    make("A", {"log.csv": series((1, 0), (2, 0), (3, 0))})
    make("B", {"log.csv": series((3, 1), (4, 1))}, begin={"resumes": "A"})
    last = make("C", {"log.csv": series((2, 2), (3, 2))}, begin={"resumes": "B"})

    assert last.stitch("log.csv")["loss"].tolist() == [0, 2, 2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(starts=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=4))
def test_each_place_is_that_of_the_last_attempt_that_was_there(make: Any, starts: list[Any]) -> None:
    """
    As a dictionary of a script would be that is cut back to where the script resumes, and goes on.
    """
    expected: dict[int, int] = {}
    experiment: Any = None
    for number, (start, count) in enumerate(starts):
        rows = [(x, number) for x in range(start, start + count)]
        resumes = {"resumes": f"T{number - 1}"} if number else {}
        experiment = make(f"T{number}", {"log.csv": series(*rows)}, begin=resumes)
        if rows:
            expected = {x: value for x, value in expected.items() if x < start} | dict(rows)

    table = experiment.stitch("log.csv")

    assert dict(table["loss"]) == expected
    assert len(table) == len(expected)


def test_types_are_those_of_one_file(make: Any) -> None:
    """
    A hole, another field or a whole number in one attempt takes no exactness from the others.
    """
    big = 2**53 + 1
    make("A", {"log.csv": series((1, big, "nil"), (2, "nil", "nil"), fields="epoch,count,note")})
    last = make(
        "B", {"log.csv": series((3, "nil", '"x"', 1), fields="epoch,count,note,rate")}, begin={"resumes": "A"}
    )

    table = last.stitch("log.csv")

    assert [str(dtype) for dtype in table.dtypes[["count", "note"]]] == [
        "Int64",
        str(last["log.csv"]["note"].dtype),
    ]
    assert table["count"].dropna().tolist() == [big]
    assert table["rate"].dropna().tolist() == [1]
    assert str(table["Date"].dt.tz) == "UTC"
    assert list(table.columns) == ["count", "note", "Date", "rate"]


def test_one_attempt_is_the_series_itself(make: Any) -> None:
    experiment = make("A", {"log.csv": series((1, 0.5), ("nil", 1))})

    pd.testing.assert_frame_equal(experiment.stitch("log.csv"), experiment["log.csv"])


def test_an_attempt_without_the_series_is_passed_over(make: Any) -> None:
    """
    It may have ended before its first row. If none has it, the error says what there is.
    """
    make("A", {"log.csv": series((1, 0.5))})
    make("B", {"other.csv": series()}, begin={"resumes": "A"})
    last = make("C", {"other.csv": series()}, begin={"resumes": "B"})

    assert last.stitch("log.csv").index.tolist() == [1]
    with pytest.raises(ArtifactNotFound, match=r"C has no 'lag\.csv'"):
        last.stitch("lag.csv")


@pytest.mark.parametrize("tag", ["A", "B"])
def test_attempts_in_a_circle_are_said(make: Any, repository: ExperimentRepository, tag: str) -> None:
    make("A", {"log.csv": series((1, 1))}, begin={"resumes": "B"})
    make("B", {"log.csv": series((1, 1))}, begin={"resumes": "A"})

    with pytest.raises(NotComparable, match="in a circle"):
        repository[tag].stitch("log.csv")


def test_an_attempt_that_is_not_there_is_said(make: Any) -> None:
    with pytest.raises(ExperimentNotFound, match="B resumes 'A', which is not there"):
        make("B", {"log.csv": series((1, 1))}, begin={"resumes": "A"}).stitch("log.csv")


@pytest.mark.parametrize("resumes", ["../A", "", "a/b", 3, [], "x" * 200])
def test_what_is_no_tag_leads_nowhere(make: Any, resumes: Any) -> None:
    """
    begin.json may come from a stranger.
    """
    with pytest.raises(NotComparable, match="which is no tag"):
        make("B", {"log.csv": series((1, 1))}, begin={"resumes": resumes}).stitch("log.csv")


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (series((1, 1)), series((1, 1), fields="step,loss"), "another first field in each attempt"),
        (series(('"a"', 1)), series(('"b"', 1)), "holds no numbers.*raw=True"),
    ],
)
def test_series_that_do_not_fit_say_why(make: Any, first: bytes, second: bytes, says: str) -> None:
    make("A", {"log.csv": first})

    with pytest.raises(NotComparable, match=says):
        make("B", {"log.csv": second}, begin={"resumes": "A"}).stitch("log.csv")


def test_a_field_called_attempt_is_not_hidden(make: Any) -> None:
    experiment = make("A", {"log.csv": series((1, 1), fields="epoch,attempt")})

    assert experiment.stitch("log.csv")["attempt"].tolist() == [1]
    with pytest.raises(NotComparable, match="has a field 'attempt' of its own"):
        experiment.stitch("log.csv", raw=True)
