"""
TensorFlow's tensors, as far as an event file needs them: one number, or some texts.

The message is tensorflow/core/framework/tensor.proto; its values stand in a list of their type, or as the
bytes of the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from lab_workbook_writer.importers.wire import Malformed, as_bytes, as_int, as_text, fields, varint

_TYPE, _SHAPE, _CONTENT, _TEXTS = 1, 2, 4, 8
_BFLOAT16: Final = 14

# The number of each type, how its bytes are spelled, and the field with the list of its values.
_TYPES: Final = {
    1: ("f", 5),
    2: ("d", 6),
    3: ("i", 7),
    4: ("B", 7),
    5: ("h", 7),
    6: ("b", 7),
    9: ("q", 10),
    10: ("?", 11),
    _BFLOAT16: ("H", 13),
    17: ("H", 7),
    19: ("e", 13),
    22: ("I", 16),
    23: ("Q", 17),
}
_FLOATS: Final = "fd"


def scalar(data: bytes) -> float | int | None:
    """
    Return the one number of a tensor, or None where it has another number of them or of another type.

    Raises:
        Malformed: it is no tensor.
    """
    found = dict(fields(data))
    kind = as_int(found.get(_TYPE, 0))
    if kind not in _TYPES:
        return None
    spelling, listed = _TYPES[kind]
    if _CONTENT in found:
        content = as_bytes(found[_CONTENT])
        if len(content) != struct.calcsize(f"<{spelling}"):
            return None
        return _number(content, spelling, kind)
    if listed not in found:
        # A tensor that lists no values is full of zeros; without dimensions it is one of them.
        is_single = not as_bytes(found.get(_SHAPE, b""))
        return (0.0 if spelling in "fde" or kind == _BFLOAT16 else 0) if is_single else None
    value = found[listed]
    if spelling in _FLOATS:
        packed = as_bytes(value)
        return _number(packed, spelling, kind) if len(packed) == struct.calcsize(spelling) else None
    number = as_int(value) if isinstance(value, int) else _only(value)
    if number is None:
        return None
    if kind in (_BFLOAT16, 19):
        # Half a float stands in the lower bytes of an integer.
        return _number(struct.pack("<H", number & 0xFFFF), spelling, kind)
    return bool(number) if spelling == "?" else number


def texts(data: bytes) -> Iterator[str]:
    """
    Yield the texts of a tensor.

    Raises:
        Malformed: it is no tensor.
    """
    return (as_text(value) for number, value in fields(data) if number == _TEXTS)


def _number(content: bytes, spelling: str, kind: int) -> float | int:
    if kind == _BFLOAT16:
        # The upper half of a float.
        content, spelling = b"\0\0" + content, "f"
    number: float | int = struct.unpack(f"<{spelling}", content)[0]
    return number


def _only(packed: bytes) -> int | None:
    """Return the one integer of a packed list."""
    try:
        number, end = varint(packed, 0)
    except Malformed:
        return None
    return as_int(number) if end == len(packed) else None
