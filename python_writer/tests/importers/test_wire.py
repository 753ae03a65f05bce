"""Messages of protocol buffers, which nobody has checked before."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook_writer.importers.wire import Malformed, as_bytes, as_float, as_int, as_text, fields


def test_each_field_has_its_number_and_its_value():
    """
    The first is the example of the format's own description.
    """
    assert list(fields(b"\x08\x96\x01\x12\x02ok\x1d\0\0\0\x3f\x21" + bytes(8) + b"\x82\x01\x00")) == [
        (1, 150),
        (2, b"ok"),
        (3, b"\0\0\0\x3f"),
        (4, bytes(8)),
        (16, b""),
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x12\x03ok", "a field is longer than its message"),
        (b"\x0d\0\0\0", "a field is longer than its message"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01ok", "a field is longer than its message"),
        (b"\x00\x00", "a field has the number 0"),
        (b"\x0b", "a field is of the kind 3"),
        (b"\x08", "a number does not end"),
        (b"\x08" + b"\xff" * 11, "a number does not end"),
    ],
)
def test_what_is_no_message_is_refused(data, why):
    with pytest.raises(Malformed, match=why):
        list(fields(data))


@given(st.binary(max_size=60))
def test_bytes_of_strangers_never_crash(data):
    """
    What is given lies in the message.
    """
    found = []
    with contextlib.suppress(Malformed):
        found.extend(fields(data))
    assert sum(len(value) for _, value in found if isinstance(value, bytes)) <= len(data)
    assert all(number > 0 for number, _ in found)


def test_values_are_read_as_what_they_have_to_be():
    assert as_int((1 << 64) - 1) == -1
    assert as_int((1 << 63) - 1) == (1 << 63) - 1
    assert as_float(b"\0\0\0\x3f") == 0.5
    assert as_float(b"\0\0\0\0\0\0\xe0\x3f") == 0.5
    assert as_text(b"a\xff") == "a�"
    for read, wrong in ((as_int, b""), (as_float, b"abc"), (as_float, 1), (as_text, 1), (as_bytes, 1)):
        with pytest.raises(Malformed):
            read(wrong)
