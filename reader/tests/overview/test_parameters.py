"""
JSON artifacts become columns, whatever anyone put into them.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.overview.parameters import MAX_COUNT, Parameters

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def flattened(document: dict[str, Any], artifact: str = "options.json") -> Parameters:
    parameters = Parameters()
    parameters.add(artifact, document)
    return parameters


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    if isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        return sum(map(leaves, value))
    return 1


@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=6))
def test_every_value_has_a_column_of_its_own(document: dict[str, Any]) -> None:
    """
    Also where two names would be the same; and none holds what a terminal could take for a command.
    """
    found = flattened(document)

    assert len(found.values) == leaves(document)
    assert all(name.startswith("options") and name.isprintable() for name in found.values)
    assert found.omitted == 0


def test_names_are_joined_by_dots_and_lists_of_objects_are_numbered() -> None:
    document = {
        "sgd": {"learning rate": 0.1},
        "layers": [64, 10],
        "stages": [{"rate": 1}, {"rate": 2}],
        "none": None,
    }

    assert flattened(document).values == {
        "options.sgd.learning rate": 0.1,
        "options.layers": [64, 10],
        "options.stages.0.rate": 1,
        "options.stages.1.rate": 2,
        "options.none": None,
    }


def test_of_two_parameters_of_one_name_the_second_is_numbered() -> None:
    found = flattened({"a.b": 1, "a": {"b": 2}})

    assert found.values == {"options.a.b": 1, "options.a.b.1": 2}


def test_what_is_too_much_is_counted() -> None:
    assert len(flattened({str(number): number for number in range(10_000)}).values) == MAX_COUNT
    assert flattened({str(number): number for number in range(10_000)}).omitted == 10_000 - MAX_COUNT


def test_depth_is_bounded_and_raises_nothing() -> None:
    for opening, closing in (('{"a":', "}"), ("[", "]")):
        deep = json.loads(opening * 900 + "1" + closing * 900)

        found = flattened({"deep": deep, "flat": 1})

        assert found.values == {"options.flat": 1}
        assert found.omitted == 1


def test_half_a_character_is_replaced_and_an_escape_is_spelled_out() -> None:
    assert flattened({"a\x1b[31m\ud800": "x\ud800"}).values == {"options.a\\x1b[31m\\ud800": "x�"}
