"""
Pictures as PNG, by numpy and zlib: an image that a script logs needs no further package.

>>> len(png(numpy.zeros((3, 32, 32)), "CHW"))
85

The format: https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

# Colour types, by the number of channels: grey, grey with alpha, RGB, RGBA.
_COLOURS: Final = {1: 0, 2: 4, 3: 2, 4: 6}
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def png(image: Any, axes: str) -> bytes:
    """
    Return a picture whose axes are named in their order: ``H``, ``W`` and perhaps ``C``.

    Integers count from 0 to 255, all other numbers from 0 to 1; what is beyond is cut.

    Raises:
        ValueError: it has other axes, or no number of channels that PNG has.
    """
    import numpy as np

    array = np.asarray(image)
    if sorted(axes) not in (["H", "W"], ["C", "H", "W"]) or array.ndim != len(axes):
        raise ValueError(f"an image of shape {array.shape} has no axes {axes!r}: give them as dataformats=")
    array = array.transpose([axes.index(axis) for axis in ("HWC" if "C" in axes else "HW")])
    height, width, channels = array.shape if array.ndim == 3 else (*array.shape, 1)
    if channels not in _COLOURS:
        raise ValueError(f"an image has 1 to 4 channels, not {channels}: give its axes as dataformats=")
    if array.dtype.kind not in "iu":
        array = np.nan_to_num(np.asarray(array, dtype="float64") * 255).round()
    rows = array.clip(0, 255).astype("uint8").reshape(height, width * channels)
    # Each row begins with its filter, 0 for none.
    filtered = np.concatenate([np.zeros((height, 1), dtype="uint8"), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    parts = (
        _chunk(b"IHDR", head),
        _chunk(b"IDAT", zlib.compress(filtered.tobytes())),
        _chunk(b"IEND", b""),
    )
    return _SIGNATURE + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
