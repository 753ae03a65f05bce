"""
Whatever the bytes are, reading ends soon, in little memory, with a value or with `Unreadable`.
"""

from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lab_workbook import Unreadable, t7

from reader.tests.t7 import strategies

GOLD = Path(__file__).parent / "gold"
FILES = [path.read_bytes() for path in sorted(GOLD.glob("*.t7"))]
# Each object of Python costs some fifty bytes, and the shortest object of a file four.
FACTOR, CONSTANT = 50, 2**21


class Counted(io.BytesIO):
    """A stream that knows how often it was read from."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().readline(size)


def survives(data: bytes, form: t7.Format) -> Any:
    """Read bytes that may be anything; return the value, or the error."""
    stream = Counted(data)
    tracemalloc.start()
    try:
        found = t7.load(stream, format=form)
        t7.state_dict(found)
    except Unreadable as error:
        found = error
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak <= FACTOR * len(data) + CONSTANT
    assert stream.reads <= len(data) + 8
    return found


@settings(max_examples=500)
@given(data=st.binary(max_size=400), form=st.sampled_from(strategies.FORMATS))
@example(data=b"", form="little64")
def test_any_bytes(data: bytes, form: t7.Format) -> None:
    survives(data, form)


@settings(max_examples=500)
@given(
    parts=st.lists(
        st.integers(-2, 9)
        | st.sampled_from([2**31 - 1, -(2**31), 2**62])
        | st.sampled_from(
            [b"V 1", b"torch.FloatTensor", b"torch.FloatStorage", b"tds.Hash", b"tds.Vec", b"nn.A"]
        )
        | st.floats()
    )
)
def test_any_objects(parts: list[Any]) -> None:
    """
    Numbers and names that a file does have, in any order.
    """
    survives(b"".join(map(_spelled, parts)), "little64")


def _spelled(part: Any) -> bytes:
    if isinstance(part, bytes):
        return struct.pack("<i", len(part)) + part
    return struct.pack("<d" if isinstance(part, float) else "<i" if -(2**31) <= part < 2**31 else "<q", part)


@settings(max_examples=1000)
@given(
    data=st.sampled_from(FILES),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=8)), max_size=4),
    form=st.sampled_from(strategies.FORMATS),
)
def test_files_that_were_changed(data: bytes, changes: list[tuple[int, bytes]], form: t7.Format) -> None:
    """
    Bytes of real files replaced, left out, put in.
    """
    for place, new in changes:
        start = place % (len(data) + 1)
        end = start + (len(new) if place % 3 else place % 5)
        data = data[:start] + new + data[end:]

    survives(data, form)


@pytest.mark.parametrize("data", FILES, ids=range(len(FILES)))
def test_every_byte_of_a_file_changed(data: bytes) -> None:
    """
    One byte after the other, to what makes counts large, negative or zero.
    """
    # What is large has many elements, of which one is like the other.
    for place in range(0, len(data), 1 + len(data) // 1000):
        byte = (0, 0x7F, 0x80, 0xFF)[place // 4 % 4]
        survives(data[:place] + bytes([byte]) + data[place + 1 :], "little64")


def _int(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def _long(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def _torch(index: int, name: bytes, version: bytes = b"V 1") -> bytes:
    return _int(4, index, len(version)) + version + _int(len(name)) + name


def _tensor(size: list[int], stride: list[int], start: int, elements: int) -> bytes:
    head = _torch(1, b"torch.FloatTensor") + _int(len(size)) + _long(*size, *stride, start)
    return head + _torch(2, b"torch.FloatStorage") + _long(elements) + bytes(4 * min(elements, 100))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_int(9), "kind 9"),
        (_int(-1), "kind -1"),
        (_int(5, 2), "2 for a boolean"),
        (_int(2, -1), "-1 bytes"),
        (_int(2, 2**31 - 1), "ends after 3 of the 2147483647 bytes"),
        (_int(3, 1, -1), "a table of -1 elements"),
        (_int(3, 1, 2**31 - 1), "ends after"),
        (_int(3, 1, 1, 0, 0), "nil or not-a-number as a key"),
        (_int(3, 1, 1, 1) + struct.pack("<d", float("nan")) + _int(0), "nil or not-a-number as a key"),
        (_torch(1, b"torch.FloatStorage") + _long(2**62), "ends after"),
        (_torch(1, b"torch.FloatStorage") + _long(-1), "-1 elements"),
        (_torch(1, b"torch.FloatTensor") + _int(-1), "-1 dimensions"),
        (_torch(1, b"torch.FloatTensor") + _int(33), "33 dimensions"),
        (_tensor([5], [1], 1, 4), "number 5 of 4"),
        (_tensor([2], [4], 1, 4), "number 5 of 4"),
        (_tensor([1], [1], 5, 4), "number 5 of 4"),
        (_tensor([2], [2**62], 1, 4), f"number {2**62 + 1} of 4"),
        (_tensor([2**62, 4], [0, 0], 1, 4), "more elements than can be counted"),
        (_tensor([2**63 - 1, 0], [0, 0], 1, 4), "more elements than can be counted"),
        (_tensor([-1], [1], 1, 4), r"size \[-1\]"),
        (_tensor([2], [-1], 3, 4), r"stride \[-1\]"),
        (_tensor([1], [1], 0, 4), "offset 0"),
        (_torch(1, b"torch.FloatTensor") + _int(1) + _long(1, 1, 1) + _int(0), "number 1 of 0"),
        (_torch(1, b"torch.FloatTensor") + _int(0) + _long(1) + _int(3, 2, 0), "without a storage"),
        (_torch(1, b"torch.FloatTensor") + _int(0) + _long(1) + _int(4, 1), "ends after"),
        (_torch(1, b"torch.FloatTensor") + _int(0) + _long(1) + _torch(2, b"nn.A"), "storage is a 'nn.A'"),
        (
            _torch(1, b"torch.FloatTensor") + _int(0) + _long(1) + _torch(2, b"torch.IntStorage") + _long(0),
            "without a storage of float32",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data: bytes, says: str) -> None:
    found = survives(data + bytes(3), "little64")

    assert isinstance(found, Unreadable)
    with pytest.raises(Unreadable, match=f"from byte [0-9]+ on: .*{says}"):
        t7.loads(data + bytes(3))


def test_a_step_that_is_never_taken_may_be_of_any_size() -> None:
    """
    Torch leaves them so where a dimension has one element.
    """
    assert t7.loads(_tensor([1, 2], [2**62, 1], 2, 4)).shape == (1, 2)


def test_a_tensor_that_repeats_one_element_costs_one_element() -> None:
    """
    It may claim any size, and `expand` of Torch does; nothing is repeated in memory.
    """
    found = survives(_tensor([2**40], [0], 1, 1), "little64")

    assert found.shape == (2**40,)
    assert found.base.size == 1


def test_many_small_objects_cost_what_they_are() -> None:
    """
    The worst that a file can do to memory: empty tables, a dozen bytes each.
    """
    count = 20_000
    items = b"".join(_int(1) + struct.pack("<d", number) + _int(3, number + 2, 0) for number in range(count))

    found = survives(_int(3, 1, count) + items, "little64")

    assert len(found) == count


def test_names_do_not_grow_with_depth() -> None:
    """
    The names of `state_dict` are made from paths, and a deep file must not make a long one for each tensor.
    """
    value: Any = np.zeros(1)
    for _ in range(3000):
        value = {"weights": np.zeros(1), "deeper": value}

    with pytest.raises(Unreadable, match="1000 characters"):
        t7.state_dict(value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"x\n", "no integer"),
        (b"1", "1 numbers on a line"),
        (b"1 2\n3\n", "1 numbers on a line"),
        (b"1\nx\n", "no number"),
        (b"1\n1_0\n", "1 numbers on a line"),
        (b"2\n1\nabc\n", "other characters than were counted"),
        (b"2\n1\na", "a line feed"),
        (b"2\n-1\na", "-1 bytes"),
        (b"4\n1\n3\nV 1\n17\ntorch.LongStorage\n2\n1 2.5\n", "no int64"),
        (b"4\n1\n3\nV 1\n17\ntorch.LongStorage\n1\n9223372036854775808\n", "no int64"),
        (b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n3\n1 2\n", "3 numbers on a line"),
        (b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n9223372036854775807\n1 2\n", "numbers on a line"),
        (b"4\n1\n3\nV 1\n17\ntorch.ByteStorage\n3\nABCD\n", "other characters than were counted"),
    ],
)
def test_what_is_wrong_in_text_is_named(data: bytes, says: str) -> None:
    assert isinstance(survives(data, "ascii"), Unreadable)
    with pytest.raises(Unreadable, match=says):
        t7.loads(data, format="ascii")


def test_a_float_too_large_for_its_type_is_infinite() -> None:
    """
    As the C library reads it for Torch.
    """
    data = b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n2\n1e300 -nan\n"

    assert np.array_equal(t7.loads(data, format="ascii").array, [np.inf, np.nan], equal_nan=True)
