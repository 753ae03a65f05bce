r"""
Protocol buffers, as far as it takes to read a message of a stranger without its definition.

>>> list(fields(b"\x08\x96\x01\x12\x02ok"))
[(1, 150), (2, b'ok')]

The format: https://protobuf.dev/programming-guides/encoding/. A field is a number and a value: an integer,
or bytes, which hold a text, a message, or a number in 4 or 8 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10


class Malformed(ValueError):
    """The bytes are no message."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """
    Yield the number and the value of each field, in the order in which they stand.

    Raises:
        Malformed: the bytes end too soon, or are no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise Malformed("a field has the number 0")
        if kind == _VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = varint(data, at)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise Malformed(f"a field is of the kind {kind}")
        if size > end - at:
            raise Malformed("a field is longer than its message")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """
    Return the integer at a place, and the place behind it.

    Raises:
        Malformed: it does not end.
    """
    value = 0
    for place, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise Malformed("a number does not end")


def as_bytes(value: int | bytes) -> bytes:
    """Return the bytes of a field that has to hold some, as a message and a text do."""
    if isinstance(value, bytes):
        return value
    raise Malformed("a field holds a number where bytes belong")


def as_text(value: int | bytes) -> str:
    """Return the text of a field; bytes that are no UTF-8 have a replacement in their place."""
    return as_bytes(value).decode("utf-8", "replace")


def as_int(value: int | bytes) -> int:
    """Return a whole number of 64 bits with its sign."""
    if not isinstance(value, int):
        raise Malformed("a field holds bytes where a number belongs")
    return value - (1 << 64) if value >> 63 else value


def as_float(value: int | bytes) -> float:
    """Return a number of 4 or 8 bytes."""
    data = as_bytes(value)
    if len(data) not in (4, 8):
        raise Malformed("a number has neither 4 nor 8 bytes")
    number: float = struct.unpack("<f" if len(data) == 4 else "<d", data)[0]
    return number
