"""
Experiments are found by what is in the table, and nothing in the table can run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook import ExperimentRepository, InvalidQuery
from lab_workbook.overview import select


@pytest.fixture
def filled(make: Any, repository: ExperimentRepository) -> ExperimentRepository:
    for tag, rate, language in (("A", 0.1, "Lua 5.4"), ("B", 0.01, "Python 3.12"), ("C", 1, "LuaJIT 2.1")):
        options = {"learning rate": rate, "layers": [64, 10], "name": f"run {tag}"}
        make(
            tag,
            {"options.json": json.dumps(options).encode()},
            {"runtime": language},
            {} if tag != "B" else None,
        )
    make("D", {"other.json": b'{"deep": {"flag": true}, "text": "`status`"}'})
    return repository


@pytest.mark.parametrize(
    ("query", "values", "expected"),
    [
        (None, {}, "ABCD"),
        ("`options.learning rate` < 0.5", {}, "AB"),
        ('`options.learning rate` < 0.5 and status == "finished"', {}, "A"),
        ("`options.learning rate` < 0.5", {"language": "Lua"}, "A"),
        (None, {"language": "Lua", "status": "finished"}, "AC"),
        (None, {"options.layers": [64, 10]}, "ABC"),
        (None, {"options.layers": (64,)}, ""),
        (None, {"options.learning rate": 1}, "C"),
        (None, {"options.learning rate": None}, "D"),
        (None, {"options.learning rate": "1"}, ""),
        ("`other.deep.flag`", {}, "D"),
        ("not other.deep.flag", {}, "ABC"),
        ("other.deep.flag == false", {}, ""),
        ("other.deep.flag is missing", {}, "ABC"),
        ("tag in ['A', 'D']", {}, "AD"),
        ('started > "2016-02-12"', {}, "ABCD"),
        ("ended is missing", {}, "BD"),
        ("options.name contains 'B'", {}, "B"),
        (None, {"options.layers": [64, 10], "tag": "B"}, "B"),
        (None, {"other.deep.flag": True}, "D"),
        (None, {"other.deep.flag": 1}, ""),
        (None, {"started": "2016-02-12T21:49:00Z"}, "ABCD"),
        ('`other.text` == "`status`"', {}, "D"),
    ],
)
def test_experiments_are_found_by_conditions_and_values(
    filled: ExperimentRepository, query: str | None, values: dict[str, Any], expected: str
) -> None:
    assert [each.tag for each in filled.find(query, **values)] == list(expected)


@pytest.mark.parametrize(
    "query",
    [
        "options.learning rate < 1",
        "status ==",
        "status",
        "x = 1",
        "`nothing` > 1",
        "",
        "`status",
        "1 < 2",
        "@no",
    ],
)
def test_what_is_no_condition_is_said_with_what_to_write(filled: ExperimentRepository, query: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^cannot use the filter at .* \(grammar: docs/filters\.md\)$"):
        filled.find(query)


def test_an_unknown_column_names_a_near_one(filled: ExperimentRepository) -> None:
    for name in ("learning rate", "options.learnign rate"):
        with pytest.raises(InvalidQuery, match=r"did you mean `options\.learning rate`"):
            filled.find(**{name: 0.1})


def test_in_an_empty_folder_nothing_is_found(tmp_path: Path) -> None:
    """
    Whatever the columns are, because those of later experiments are not known; but it has to be a filter.
    """
    assert ExperimentRepository(tmp_path / "none").find("`options.rate` > 1", anything=2) == []
    with pytest.raises(InvalidQuery):
        ExperimentRepository(tmp_path / "none").find("open('x')")


NAMES = st.text(st.sampled_from("`'\"\\@\n\x1b ()._#a1:=,[]é\ud800") | st.characters(), min_size=1)


@given(name=NAMES, other=NAMES)
def test_any_name_can_be_asked_for_and_is_no_other(name: str, other: str) -> None:
    """
    Also one that looks like code, and two that differ in a sign only.
    """
    table = pd.DataFrame({name: [1, 2], **({other: [2, 1]} if other != name else {})}, index=["A", "B"])
    quoted = name.replace("`", "``")

    assert select.tags(table, f"`{quoted}` == 2", {}) == ["B"]
    assert select.tags(table, None, {name: 1}) == ["A"]


@pytest.mark.parametrize(
    ("name", "other"), [("o.a.b", "o.a_DOT_b"), ("o.a  b", "o.a_ b"), ("o.__import__('os')", "o.x")]
)
def test_no_stranger_can_put_a_column_in_place_of_another(make: Any, name: str, other: str) -> None:
    make("A", {"o.json": json.dumps({other.partition(".")[2]: 5, name.partition(".")[2]: 1}).encode()})
    experiment = make("B", {"o.json": json.dumps({name.partition(".")[2]: 2}).encode()})

    assert ExperimentRepository(Path(experiment.where.removeprefix("file://")).parent).find(f"`{name}` == 1")
