"""
A filter means the same for each row, whatever the cells are, and is what its text says.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook import InvalidQuery, filters
from lab_workbook.filters import columns
from lab_workbook.overview import frame

STARTED = pd.to_datetime(["2016-02-12T21:49:00Z", "2016-02-13T00:00:00Z", None])
TABLE = pd.DataFrame(
    {
        "status": ["finished", "failed", "Finished"],
        "started": STARTED,
        "ended": STARTED + pd.Timedelta(seconds=90),
        "duration": pd.to_timedelta([90, 3600, None], unit="s"),
        "options.rate": [0.1, 1.0, math.nan],
        "options.epochs": pd.array([10, 2**53 + 1, None], "Int64"),
        "options.name": frame.typed(["sgd", "adam w", None]),
        "options.mixed": frame.typed([1, "1", True]),
        "options.limit": frame.typed(["Infinity", "NaN", 5]),
        "options.layers": frame.typed([[64, 10], [], None]),
        "options.nesterov": frame.typed([True, False, None]),
        "options.huge": frame.typed([2**64, -(2**64), 0]),
        "options.day": frame.typed(["2016-02-12", "yesterday", None]),
        "validation.accuracy.max": [0.9, 0.8, 0.7],
        "a b`c": [1, 2, 3],
    },
    index=pd.Index(["A", "B", "C"], name="tag"),
)


def found(text: str, table: pd.DataFrame = TABLE) -> str:
    return "".join(table.index[filters.parse(text).apply(table)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Names.
        ("tag == 'A'", "A"),
        ("validation.accuracy.max > 0.75", "AB"),
        ("`validation.accuracy.max` > 0.75", "AB"),
        ("`a b``c` == 2", "B"),
        # Texts, with their case.
        ("status == 'finished'", "A"),
        ('status == "Finished"', "C"),
        ("status < 'a'", "C"),
        ("options.name contains 'am'", "B"),
        ("options.name contains ' '", "B"),
        ("options.name startswith 'sg'", "A"),
        ("not options.name startswith 'sg'", "BC"),
        (r"options.name != 'a\\\'\"\n\t'", "ABC"),
        # Missing values.
        ("options.rate is missing", "C"),
        ("options.rate is not missing", "AB"),
        ("started is missing and duration is missing", "C"),
        ("options.rate < 9", "AB"),
        ("options.rate != 1", "AC"),
        ("not options.rate == 1", "AC"),
        ("options.rate not in [1]", "AC"),
        ("options.rate == options.rate", "AB"),
        ("options.rate >= options.rate", "AB"),
        ("-options.rate is missing", "C"),
        # Values of several types.
        ("options.mixed == 1", "A"),
        ("options.mixed == '1'", "B"),
        ("options.mixed == true", "C"),
        ("options.mixed", "C"),
        ("options.mixed < 2", "A"),
        ("options.mixed != 1", "BC"),
        ("options.mixed in [1, true]", "AC"),
        ("options.name > 1 or options.name <= 1", ""),
        # Numbers.
        ("options.epochs == 9007199254740993", "B"),
        ("options.epochs == 9007199254740992", ""),
        ("options.huge > 18446744073709551615", "A"),
        ("options.huge == -18446744073709551616", "B"),
        ("0.1 <= options.rate < 1", "A"),
        ("options.rate in [1e-1, .5, 1.]", "AB"),
        ("options.limit > 1e300", "A"),
        ("options.limit == 1e999", "A"),
        ("options.rate < 'Infinity'", "AB"),
        ("options.rate > '-Infinity'", "AB"),
        ("options.limit in ['Infinity']", "A"),
        ("options.limit == 'NaN'", "B"),
        ("options.limit < 0 or options.limit >= 0", "AC"),
        ("options.limit is missing", ""),
        # Calculations.
        ("options.rate * 2 + 1 == 3", "B"),
        ("options.rate - -1 == +2", "B"),
        ("(options.rate + 1) * 2 == 4", "B"),
        ("options.rate / 0 is missing", "ABC"),
        ("options.name * 3 is missing", "ABC"),
        ("options.huge * options.huge > 1e38", "AB"),
        ("options.limit - options.limit is missing", "AB"),
        ("options.huge + 1 == options.huge", "AB"),
        ("ended - started == 90", "AB"),
        ("ended + started is missing", "ABC"),
        # Booleans.
        ("options.nesterov", "A"),
        ("not options.nesterov", "BC"),
        ("options.nesterov == false", "B"),
        ("options.nesterov == 1", ""),
        ("options.nesterov < true or options.nesterov >= true and tag == 'B'", ""),
        ("options.nesterov == True or status == 'failed'", "AB"),
        ("not (options.nesterov or status == 'failed')", "C"),
        ("options.nesterov or status == 'failed' and options.rate > 5", "A"),
        # Times and durations.
        ("started > '2016-02-12'", "AB"),
        ("started >= '2016-02-13'", "B"),
        ("started < '2016-02-12T22:49:00.000001+01:00'", "A"),
        ("started == '2016-02-12 21:49'", "A"),
        ("'2016-02-12T21:49:00Z' == started", "A"),
        ("started in ['2016-02-12T21:49:00Z', 'never']", "A"),
        ("duration > 60 * 2", "B"),
        ("options.day == '2016-02-12'", "A"),
        ("options.day == '2016-02-12T00:00:00Z'", ""),
        ("options.day < started", "A"),
        # Lists.
        ("options.layers == [64, 10]", "A"),
        ("options.layers == (64.0, 10)", "A"),
        ("options.layers == [64, true]", ""),
        ("options.layers == []", "B"),
        ("options.layers contains 10", "A"),
        ("options.layers < [99]", ""),
        ("tag in []", ""),
        ("tag not in ('A', 'C',)", "B"),
    ],
)
def test_a_filter_finds_what_the_page_says(text: str, expected: str) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("status == 'x' and options.rat > 1", 19, "did you mean options.rate"),
        ("rate > 1", 1, "did you mean options.rate"),
        ("status == 'x' and zq > 1", 19, "the table has 15: status, started"),
        ("`a b` > 1", 1, "did you mean `a b``c`"),
        ("tag == 'A' or status", 15, "has no booleans"),
        ("started > 'yesterday'", 11, "not a time"),
        ("started startswith '2016-02'", 20, "not a time"),
        ("status = 'x'", 8, "write =="),
        ("status == 'x' & tag == 'y'", 15, "write `and`"),
        ("status.isna()", 1, "no functions"),
        ("options.layers[0] == 1", 1, "no indexing"),
        ("status == @x", 11, "no variables"),
        ("status is None", 11, "is missing"),
        ("status in 'abc'", 11, "needs a list"),
        ("status in [tag]", 12, "literals only"),
        ("(status == 'x') == true", 2, "not a value"),
        ("status == `x", 11, "backtick"),
        ("status == 'x", 11, "quote"),
        (r"status == '\x41'", 12, "knows only"),
        ("options.rate + 1", 1, "true or false"),
        ("status 'x'", 8, "missing or too much"),
    ],
)
def test_an_error_has_a_position_and_a_next_step(text: str, position: int, why: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        found(text)

    assert f"at character {position}, " in str(caught.value)
    assert why in str(caught.value)


def test_the_columns_are_known_before_there_is_a_table() -> None:
    condition = filters.parse("b > 1 and `c d` contains 'missing' or not a and b is not missing and 'e' == b")

    assert condition.columns == ("b", "c d", "a")


@given(st.text(min_size=1, max_size=30))
def test_a_name_that_is_suggested_can_be_written(name: str) -> None:
    if name.isprintable():
        assert filters.parse(f"{columns.quoted(name)} is missing").columns == (name,)


# A tree of the test's own: how it is written, and what it means for one row, one cell after the other.
Row = dict[str, Any]


class Node(NamedTuple):
    text: str
    of: Callable[[Row], Any]


NAMES = ("a", "b.c", "d e")
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.integers(-3, 3)
TEXTS = st.sampled_from(
    ["", "x", "xy", "Infinity", "-Infinity", "NaN", "it's", '"', "\\", "\n", "é", "2016-02-12"]
)
CELLS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.lists(st.booleans() | st.integers(-2, 2) | TEXTS, max_size=2)
)


def literal(value: Any) -> Node:
    if isinstance(value, list):
        return Node(f"[{', '.join(literal(each).text for each in value)}]", lambda _: tuple(value))
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else spelled(value)
    return Node(text, lambda _: value)


def spelled(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return repr(value).replace("inf", "1e999")


def column(name: str) -> Node:
    return Node(columns.quoted(name), lambda row: row[name])


def kind(value: Any) -> str:
    return {bool: "b", int: "n", float: "n", str: "t", tuple: "l", type(None): ""}[type(value)]


def number(value: Any) -> Any:
    return {"Infinity": math.inf, "-Infinity": -math.inf}.get(value) if isinstance(value, str) else value


def alike(left: Any, right: Any) -> tuple[Any, Any] | None:
    if {kind(left), kind(right)} == {"n", "t"}:
        left, right = number(left), number(right)
    return (left, right) if kind(left) == kind(right) != "" else None


def same(left: Any, right: Any) -> bool:
    pair = alike(left, right)
    if pair is None:
        return False
    if isinstance(pair[0], tuple):
        return [(kind(each), each) for each in pair[0]] == [(kind(each), each) for each in pair[1]]
    return bool(pair[0] == pair[1])


def below(left: Any, right: Any) -> bool:
    pair = alike(left, right)
    return pair is not None and kind(pair[0]) in "nt" and bool(pair[0] < pair[1])


def result(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    operands = [number(left), number(right)]
    if any(kind(each) != "n" for each in operands):
        return None
    try:
        value = bounded(operation(*map(bounded, operands)))
    except ZeroDivisionError:
        return None
    return None if math.isnan(value) else value


def bounded(value: Any) -> Any:
    return float(value) if not -(2**63) <= value < 2**63 else value


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": below,
    ">": lambda left, right: below(right, left),
    "<=": lambda left, right: same(left, right) or below(left, right),
    ">=": lambda left, right: same(left, right) or below(right, left),
}
SEARCHES: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda left, right: (
        any(same(each, right) for each in left)
        if isinstance(left, tuple)
        else kind(left) == kind(right) == "t" and right in left
    ),
    "startswith": lambda left, right: kind(left) == kind(right) == "t" and left.startswith(right),
}
ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}

ATOMS = st.sampled_from(NAMES).map(column) | (st.booleans() | NUMBERS | TEXTS).map(literal)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(
            lambda left, sign, right: Node(
                f"({left.text} {sign} {right.text})",
                lambda row: result(ARITHMETIC[sign], left.of(row), right.of(row)),
            ),
            inner,
            st.sampled_from(sorted(ARITHMETIC)),
            inner,
        )
        | st.sampled_from(NAMES).map(
            lambda name: Node(f"-{columns.quoted(name)}", lambda row: result(operator.sub, 0, row[name]))
        )
    ),
    max_leaves=4,
)
LISTS = st.lists(st.booleans() | NUMBERS | TEXTS, max_size=3).map(literal)


def compared(first: Node, others: list[tuple[str, Node]]) -> Node:
    def of(row: Row) -> bool:
        values = [first.of(row), *(node.of(row) for _, node in others)]
        return all(
            SIGNS[sign](*pair) for (sign, _), pair in zip(others, itertools.pairwise(values), strict=True)
        )

    return Node(" ".join([first.text, *(f"{sign} {node.text}" for sign, node in others)]), of)


def searched(left: Node, word: str, right: Node) -> Node:
    return Node(f"{left.text} {word} {right.text}", lambda row: SEARCHES[word](left.of(row), right.of(row)))


def listed(left: Node, word: str, right: Node) -> Node:
    def of(row: Row) -> bool:
        return any(same(left.of(row), each) for each in right.of(row)) == (word == "in")

    return Node(f"{left.text} {word} {right.text}", of)


def missing(left: Node, word: str) -> Node:
    return Node(f"{left.text} is {word}", lambda row: (left.of(row) is None) == (word == "missing"))


def joined(left: Node, word: str, right: Node) -> Node:
    def of(row: Row) -> bool:
        return (left.of(row) and right.of(row)) if word == "and" else (left.of(row) or right.of(row))

    return Node(f"({left.text}) {word} ({right.text})", of)


CONDITIONS = st.recursive(
    st.builds(
        compared,
        VALUES | LISTS,
        st.lists(st.tuples(st.sampled_from(sorted(SIGNS)), VALUES | LISTS), min_size=1, max_size=3),
    )
    | st.builds(searched, VALUES, st.sampled_from(sorted(SEARCHES)), VALUES)
    | st.builds(listed, VALUES, st.sampled_from(["in", "not in"]), LISTS)
    | st.builds(missing, VALUES, st.sampled_from(["missing", "not missing"])),
    lambda inner: (
        st.builds(lambda node: Node(f"not ({node.text})", lambda row: not node.of(row)), inner)
        | st.builds(joined, inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=5,
)


@settings(max_examples=500)
@given(CONDITIONS, st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_a_filter_means_for_each_row_what_a_plain_evaluation_gives(
    condition: Node, rows: list[tuple[Any, Any, Any]]
) -> None:
    cells = dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))
    table = pd.DataFrame({name: frame.typed(column) for name, column in cells.items()})
    given = [
        {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in zip(NAMES, row, strict=True)}
        for row in rows
    ]

    # A filter has to name a column, and this adds one without changing what it means.
    text = f"({condition.text}) and (a is missing or 1 == 1)"

    answer = filters.parse(text).apply(table).tolist()

    assert answer == [condition.of(row) for row in given]


@given(
    st.datetimes(pd.Timestamp(0).to_pydatetime(), pd.Timestamp("2100").to_pydatetime()), st.integers(-23, 23)
)
def test_a_time_is_the_same_however_it_is_written(time: datetime, hours: int) -> None:
    zone = timezone.utc
    table = pd.DataFrame({"x": pd.to_datetime([time.replace(tzinfo=zone)]), "naive": [time]})
    moved = time.replace(tzinfo=zone).astimezone(timezone(pd.Timedelta(hours=hours).to_pytimedelta()))

    for text in (time.isoformat(), f"{time.isoformat(' ')}", moved.isoformat()):
        assert filters.parse(f"x == {json.dumps(text)} and naive == x").apply(table).all()
