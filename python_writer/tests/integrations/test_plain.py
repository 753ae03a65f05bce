"""What frameworks hand over, made into rows, options and names of files."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook.protocol import jsontext, names
from lab_workbook_writer.integrations.plain import file_name, scalars, told


class Layer:
    """What no rule knows."""

    def __repr__(self) -> str:
        return "Layer()" + "x" * 1000


class Faulty:
    """What cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_row_is_flat_and_exact():
    """
    Tables inside of tables become columns; numbers of numpy are what they hold.
    """
    row, left_out = scalars(
        {"loss": {"train": 0.1, "test": {"top1": np.float64(0.5)}}, "phase": "warm", "n": None}
    )

    assert row == {"loss/train": 0.1, "loss/test/top1": 0.5, "phase": "warm", "n": None}
    assert left_out == []


def test_what_no_row_can_hold_is_named():
    row, left_out = scalars(
        {"loss": 0.1, "image": np.zeros((2, 2)), "layers": [1, 2], "model": {"top": Layer()}}
    )

    assert row == {"loss": 0.1}
    assert left_out == ["image", "layers", "model/top"]


def test_a_table_that_holds_itself_comes_to_an_end():
    table: dict[str, Any] = {"loss": 0.1}
    table["again"] = table

    row, left_out = scalars(table)

    assert row["loss"] == 0.1
    assert len(left_out) == 1
    assert jsontext.encode(told(table), print)


def test_options_keep_what_has_a_rule():
    """
    The rest is a text that tells a person what it was, and is short.
    """
    given = {
        "rate": 0.1,
        "best": math.inf,
        "layers": (1, 2),
        "act": max,
        "kind": Layer,
        "top": {"layer": Layer()},
    }

    shown = json.loads(jsontext.encode(told(given), print))

    layer = f"{Layer.__module__}.Layer"
    assert shown | {"top": None} == {
        "rate": 0.1,
        "best": "Infinity",
        "layers": [1, 2],
        "act": "builtins.max",
        "kind": layer,
        "top": None,
    }
    assert shown["top"]["layer"].startswith("Layer()xxx")
    assert len(shown["top"]["layer"]) == 200
    assert told({1, Layer}) in ([1, layer], [layer, 1])
    assert told(Faulty()).endswith(".Faulty>")


_KEYS = st.text() | st.tuples(st.text())
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(Layer) | st.just(max),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.tuples(st.text()), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=_VALUES)
@settings(max_examples=60)
def test_whatever_is_told_has_a_rule(value: Any):
    jsontext.encode(told(value), lambda _: None)


@given(
    text=st.text(max_size=300) | st.sampled_from(["", "..", "a/../b", ".lab-workbook/end.json", "a" * 5000])
)
@settings(max_examples=100)
def test_whatever_a_file_is_called_is_a_name(text: str):
    names.check(file_name(text))


@given(text=st.from_regex(r"[a-z]{1,9}(/[a-z0-9=.-]{1,9}[a-z0-9]){0,2}", fullmatch=True))
@settings(max_examples=60)
def test_a_name_that_is_one_stays(text: str):
    assert file_name(text) == text
