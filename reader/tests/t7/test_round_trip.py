"""
What is written comes back as it was, in every format: values, types, order, and what is one object.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook import Unwritable, t7

from reader.tests.t7 import strategies

formats = st.sampled_from(strategies.FORMATS)


class Portrait:
    """Describes a value so that two of them are equal if Torch could not tell them apart."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}
        self.arrays: list[Any] = []

    def of(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, float, int, str)):
            return type(value).__name__, repr(value)
        if id(value) in self.met:
            return "again", self.met[id(value)]
        self.met[id(value)] = len(self.met)
        if isinstance(value, np.ndarray):
            return (
                "array",
                self.memory(value),
                value.shape if value.size else (0,),
                value.dtype,
                value.tobytes(),
            )
        if isinstance(value, t7.Storage):
            return "storage", self.memory(value.array), value.array.dtype, value.array.tobytes()
        if isinstance(value, t7.Record):
            return "record", value.torch_class, value.version, self.of(value.fields)
        pairs = list(enumerate(value, 1)) if isinstance(value, list) else list(value.items())
        if all(type(key) in (int, float) for key, _ in pairs):
            # Lua does not say in which order a list was written.
            is_list = {key for key, _ in pairs} == {*range(1, len(pairs) + 1)}
            pairs = [(float(key), item) for key, item in (sorted(pairs) if is_list else pairs)]
        return "table", [(self.key(key), self.of(item)) for key, item in pairs]

    def key(self, key: Any) -> Any:
        return ("key", self.of(key.value)) if isinstance(key, t7.Key) else self.of(key)

    def memory(self, array: Any) -> list[bool]:
        """Return with which of the arrays before it this one shares memory."""
        self.arrays.append(array)
        return [np.may_share_memory(array, each) for each in self.arrays[:-1]]


@given(value=strategies.values(), form=formats)
def test_any_value_comes_back(value: Any, form: t7.Format) -> None:
    assert Portrait().of(t7.loads(t7.dumps(value, format=form), format=form)) == Portrait().of(value)


@given(
    parts=st.lists(strategies.tables(), min_size=1, max_size=3),
    data=st.data(),
)
def test_what_is_one_stays_one(parts: list[Any], data: st.DataObject) -> None:
    """
    The same table, tensor or record in several places is one object, and views of one array one memory.
    """
    value = data.draw(st.lists(st.sampled_from(parts), min_size=2, max_size=6))
    bases = [part for part in parts if isinstance(part, np.ndarray) and part.size and min(part.strides) > 0]
    value += [view for base in bases for view in (base[:1], base[-1:], base.T)]

    assert Portrait().of(t7.loads(t7.dumps(value))) == Portrait().of(value)


@given(value=strategies.values())
def test_writing_again_gives_the_same_bytes(value: Any) -> None:
    """
    Reading loses nothing that a file has.
    """
    once = t7.dumps(t7.loads(t7.dumps(value)))

    assert t7.dumps(t7.loads(once)) == once


def test_a_circle_comes_back_as_a_circle() -> None:
    table: dict[str, Any] = {"list": []}
    table["self"] = table
    table["list"].append(t7.Record("nn.Graph", table))

    read = t7.loads(t7.dumps(table))

    assert read["self"] is read
    assert read["list"][0].fields is read


@pytest.mark.parametrize("form", ["little64", "ascii"])
def test_depth_has_no_limit(form: t7.Format) -> None:
    """
    Tables in tables and records in records, 100,000 deep, without recursion.
    """
    depth = 100_000
    table: Any = "core"
    for number in range(depth):
        table = [table] if number % 2 else t7.Record("nn.Shell", {"core": table})

    read = t7.loads(t7.dumps(table, format=form), format=form)

    for number in reversed(range(depth)):
        read = read[0] if number % 2 else read["core"]
    assert read == "core"


def test_a_view_shows_its_memory_and_changes_it() -> None:
    """
    Tensors that share a storage in Torch are views of one array here, and can be written.
    """
    base = np.arange(12, dtype="float32").reshape(3, 4)

    whole, column = t7.loads(t7.dumps([base, base[:, 1]]))
    column[:] = -1

    assert whole.tolist() == [[0, -1, 2, 3], [4, -1, 6, 7], [8, -1, 10, 11]]
    assert whole.base is column.base


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6)[::-1],
        np.arange(6, dtype=">i4"),
        np.frombuffer(bytes(range(16)), "u1")[1:13].view("i4"),
        np.zeros((3,), [("a", "f4"), ("b", "f8")])["b"],
        np.zeros((3,), [("a", "f4"), ("b", "f8")])["a"],
        np.arange(3, dtype="i4").view("u1"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((3, 0), "f4"),
    ],
    ids=[
        "backwards",
        "other endian",
        "other type",
        "a field",
        "a first field",
        "bytes of another type",
        "columns first",
        "empty",
    ],
)
def test_what_torch_could_not_step_through_is_copied(array: Any) -> None:
    """
    Values and types stay; only memory that Torch could not describe is no longer shared.
    """
    read = t7.loads(t7.dumps(array))

    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.tolist() == (array.tolist() if array.size else [])


def test_columns_may_come_first() -> None:
    """
    Memory that is stored column by column is shared as it is.
    """
    base = np.asfortranarray(np.arange(6.0).reshape(2, 3))

    whole, row = t7.loads(t7.dumps([base, base[0]]))

    assert whole.strides == base.strides
    assert np.shares_memory(whole, row)


def test_copies_that_come_and_go_are_not_taken_for_each_other() -> None:
    """
    Each is in memory for a moment, and the next may lie in the same place.
    """
    arrays = [np.full(1000, number)[::-1] for number in range(50)]

    assert [array[0] for array in t7.loads(t7.dumps(arrays))] == list(range(50))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3.0),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.array(7), 7.0),
        (np.True_, True),
        ((1, "a"), [1.0, "a"]),
        ([], {}),
        ({2: "b", 1: "a"}, ["a", "b"]),
        ({1: "a", 3: "c"}, {1: "a", 3: "c"}),
        (b"caf\xe9", "caf\udce9"),
        ({True: "yes", 2: "no"}, {t7.Key(True): "yes", 2: "no"}),
    ],
    ids=repr,
)
def test_what_lua_does_not_tell_apart_comes_back_as(value: Any, read: Any) -> None:
    """
    All that a round trip changes.
    """
    found = t7.loads(t7.dumps(value))

    assert found == read
    assert type(found) is type(read)


def test_one_and_true_are_two_keys() -> None:
    """
    Python holds them equal, and Lua does not.
    """
    table = {1: "one", t7.Key(True): "true", "1": "text"}

    assert t7.loads(t7.dumps(table)) == table


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (2**53 + 1, "doubles"),
        (10**400, "doubles"),
        ([1, None], "leave it out"),
        ({"a": None}, "leave it out"),
        ({None: 1}, "as a key"),
        ({float("nan"): 1}, "as a key"),
        ({True: 1, t7.Key(True): 2}, "twice"),
        ({np.True_: 1, t7.Key(True): 2}, "twice"),
        ({"é": 1, "é".encode(): 2}, "twice"),
        ("\ud800", "UTF-8"),
        ({1, 2}, "builtins.set"),
        (1j, "builtins.complex"),
        (np.array(["a"]), "astype"),
        (np.array([True]), "astype"),
        (np.ma.masked_array([1.0]), "MaskedArray"),
        (t7.Function(b"", None), "Function"),
        (t7.Record("torch.FloatTensor", {}), "use an array"),
    ],
    ids=repr,
)
def test_what_torch_has_nothing_like_is_refused(value: Any, says: str) -> None:
    """
    The message says what was found, and what would do instead.
    """
    with pytest.raises(Unwritable, match=says):
        t7.dumps([value])


def test_a_format_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="'b32' is no format of Torch"):
        t7.loads(b"", format="b32")  # type: ignore[arg-type]


def test_a_stream_is_written_to() -> None:
    stream = io.BytesIO()

    t7.dump([1], stream)

    assert stream.getvalue() == t7.dumps([1])
