"""Thousands of metrics become few series, and no point is lost."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook.protocol import _spec
from lab_workbook_writer.importers import grouping
from lab_workbook_writer.importers.run import Run

points = st.lists(
    st.tuples(st.integers(-3, 3), st.sampled_from([math.nan, 1.5, 2.5]), st.integers()),
    min_size=1,
    max_size=4,
)
names = st.sampled_from(["loss", "step", "Date", "wall time", "", "step_", "wall time 2"])


def run_of(metrics):
    run = Run()
    for name, found in metrics.items():
        for step, time, value in found:
            run.add(name, step, time, value)
    return run


@given(st.dictionaries(names, points, max_size=6))
def test_every_point_stands_in_one_cell(metrics):
    """
    Under a title of its own, in a series whose first field is the step.
    """
    tables = [
        (table.name, table.fields, list(table.rows)) for table in grouping.tables(run_of(metrics).metrics)
    ]

    cells = []
    for number, (_, fields, rows) in enumerate(tables, start=1):
        assert fields[0] == "step"
        assert len(set(fields)) == len(fields)
        assert "Date" not in fields
        clock = grouping.WALL_TIME if number == 1 else f"{grouping.WALL_TIME} {number}"
        for row in rows:
            assert set(row) == set(fields)
            cells += [(row["step"], row[field]) for field in fields[1:] if field != clock]
    assert sorted(cells) == sorted((step, value) for found in metrics.values() for step, _, value in found)


def test_metrics_of_the_same_steps_stand_side_by_side():
    """
    A thousand of them in one series; the time of a row is that of its first value.
    """
    run = Run()
    for step in range(3):
        for number in range(1000):
            run.add(f"m{number}", step, 100.0 - number / 1000, number)

    (table,) = grouping.tables(run.metrics)

    assert table.name == "metrics"
    assert len(table.fields) == 1002
    assert [row["wall time"] for row in table.rows] == [100.0 - 0.999] * 3


def test_the_rest_share_one_series():
    """
    As `workbook.log` has it, so that experiment.metrics() reads it.
    """
    run = Run()
    for number in range(_spec.METRICS_MAX_SERIES + 3):
        run.add(f"m{number}", number, 1.0, number / 2)

    tables = list(grouping.tables(run.metrics))

    assert len(tables) == _spec.METRICS_MAX_SERIES + 1
    assert tables[1].fields == ["step", "m1", "wall time 2"]
    assert tables[-1].name == "metrics-rest"
    assert list(tables[-1].rows)[-1] == {"step": 18, "name": "m18", "value": 9.0}


def test_a_run_without_times_has_no_column_for_them():
    (table,) = grouping.tables(run_of({"loss": [(1, math.nan, 5)]}).metrics)

    assert table.fields == ["step", "loss"]
    assert list(table.rows) == [{"step": 1, "loss": 5}]


@settings(max_examples=50)
@given(st.lists(st.text(), max_size=8))
def test_titles_can_head_a_table(given_names):
    """
    Whatever a stranger has called things, also with what UTF-8 cannot spell.
    """
    titles = grouping.titles([*given_names, "\udcff", "a\0"], ["step"])

    assert len({*titles, "step", "Date", ""}) == len(given_names) + 5
    assert all("\0" not in title for title in titles)
    "".join(titles).encode()
