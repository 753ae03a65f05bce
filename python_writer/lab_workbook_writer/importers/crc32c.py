"""
CRC-32C, which TensorBoard's files have for each record and Python's library has not.

>>> hex(crc32c(b"123456789"))
'0xe3069283'
"""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE: Final = tuple(map(_entry, range(256)))


def crc32c(data: bytes) -> int:
    """Return the checksum of these bytes."""
    table, value = _TABLE, 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """Return the checksum as the records have it, so that a checksum of checksums is none."""
    value = crc32c(data)
    return (value >> 15 | value << 17) + 0xA282EAD8 & 0xFFFFFFFF
