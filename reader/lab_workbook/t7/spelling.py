"""
How numbers and texts stand in the bytes: five formats, one interface to read each and one to write it.

No file says which it is. ``little64`` is what Torch writes on the machines of today.

| format | Torch calls it |
| --- | --- |
| ``little64`` | ``binary`` |
| ``little32`` | ``b32``, written by a Torch whose longs have 4 bytes |
| ``big64``, ``big32`` | ``binary`` on a big-endian machine |
| ``ascii`` | ``ascii``: numbers as text, one line for each time that something is written |
"""

from __future__ import annotations

import struct
import sys
from typing import IO, Final, Literal, Protocol

import numpy as np

from lab_workbook.errors import Unreadable
from lab_workbook.t7.values import Array

Format = Literal["little64", "little32", "big64", "big32", "ascii"]


class Kind:
    """The number that says what an object is, before everything else."""

    NIL: Final = 0
    NUMBER: Final = 1
    STRING: Final = 2
    TABLE: Final = 3
    TORCH: Final = 4
    BOOLEAN: Final = 5
    # The first has no index, and the second lists its upvalues without their names.
    OLD_FUNCTION: Final = 6
    NAMELESS_FUNCTION: Final = 7
    FUNCTION: Final = 8


_BINARY: Final = {"little64": ("<", 8), "little32": ("<", 4), "big64": (">", 8), "big32": (">", 4)}
# A count in a file is worth nothing before the bytes have come, so no more than this is asked for at once.
_PIECE: Final = 2**20
# More characters than any number has, with what stands behind it.
_LONGEST: Final = 64


class Source(Protocol):
    """What a reader asks of the bytes. Each raises `Unreadable` where they are something else."""

    def integer(self) -> int: ...
    def longs(self, count: int) -> list[int]: ...
    def double(self) -> float: ...
    def text(self, count: int) -> bytes: ...
    def elements(self, dtype: np.dtype[np.generic], count: int) -> Array: ...
    def wrong(self, problem: str) -> Unreadable:
        """Return the error that says where the problem is."""
        ...


class Sink(Protocol):
    """The same to write."""

    def integer(self, value: int) -> None: ...
    def longs(self, values: tuple[int, ...]) -> None: ...
    def double(self, value: float) -> None: ...
    def text(self, data: bytes) -> None: ...
    def elements(self, array: Array) -> None: ...


def source(stream: IO[bytes], form: Format) -> Source:
    """Return what reads a stream in this format."""
    return AsciiSource(stream) if form == "ascii" else BinarySource(stream, *_binary(form))


def sink(stream: IO[bytes], form: Format) -> Sink:
    """Return what writes to a stream in this format."""
    return AsciiSink(stream) if form == "ascii" else BinarySink(stream, *_binary(form))


def _binary(form: str) -> tuple[str, int]:
    if form not in _BINARY:
        raise ValueError(f"{form!r} is no format of Torch: choose one of {[*_BINARY, 'ascii']}")
    return _BINARY[form]


class _Stream:
    """A stream that is only ever read forwards, and not beyond what is asked for."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._position = 0

    def wrong(self, problem: str) -> Unreadable:
        """Return the error that says where the problem is."""
        return Unreadable(
            f"this is no .t7 file from byte {self._position} on: {problem}."
            " If another kind of machine wrote it, say so by format="
        )

    def _take(self, count: int, wanted: str) -> bytearray:
        if count < 0:
            raise self.wrong(f"{wanted} of {count} bytes")
        data = bytearray()
        while len(data) < count:
            piece = self._stream.read(min(count - len(data), _PIECE))
            if not piece:
                raise self.wrong(f"it ends after {len(data)} of the {count} bytes of {wanted}")
            data += piece
        self._position += count
        return data


class BinarySource(_Stream):
    """Bytes as they lie in the memory of the machine that wrote them."""

    def __init__(self, stream: IO[bytes], order: str, long_size: int) -> None:
        super().__init__(stream)
        self._order = order
        self._long = "q" if long_size == 8 else "i"
        self._long_size = long_size
        self._integer = struct.Struct(f"{order}i")
        self._double = struct.Struct(f"{order}d")

    def integer(self) -> int:
        return int(self._integer.unpack(self._take(4, "an int"))[0])

    def longs(self, count: int) -> list[int]:
        data = self._take(self._long_size * count, "longs")
        return list(struct.unpack(f"{self._order}{count}{self._long}", data))

    def double(self) -> float:
        return float(self._double.unpack(self._take(8, "a double"))[0])

    def text(self, count: int) -> bytes:
        return bytes(self._take(count, "a text"))

    def elements(self, dtype: np.dtype[np.generic], count: int) -> Array:
        stored = _stored(dtype, self._order, self._long_size)
        data = self._take(stored.itemsize * count, "a storage")
        # Only what another machine wrote is copied.
        return np.frombuffer(data, stored).astype(dtype, copy=False)


class AsciiSource(_Stream):
    """Numbers as text: what was written at once stands on one line, nothing if it was nothing."""

    def integer(self) -> int:
        return self._integers(1)[0]

    def longs(self, count: int) -> list[int]:
        return self._integers(count)

    def double(self) -> float:
        (word,) = self._words(1)
        try:
            return float(word)
        except ValueError:
            raise self.wrong("no number") from None

    def text(self, count: int) -> bytes:
        data = bytes(self._take(count, "a text"))
        if data and self._take(1, "a line feed") != b"\n":
            raise self.wrong("a text has other characters than were counted")
        return data

    def elements(self, dtype: np.dtype[np.generic], count: int) -> Array:
        # Torch takes bytes for characters.
        if dtype.itemsize == 1:
            return np.frombuffer(bytearray(self.text(count)), dtype)
        convert = int if dtype.kind == "i" else float
        words = self._words(count)
        try:
            with np.errstate(over="ignore"):
                return np.fromiter(map(convert, words), dtype, count)
        except (ValueError, OverflowError):
            raise self.wrong(f"an element that is no {dtype}") from None

    def _integers(self, count: int) -> list[int]:
        words = self._words(count)
        try:
            return [int(word) for word in words]
        except ValueError:
            raise self.wrong("no integer") from None

    def _words(self, count: int) -> list[bytes]:
        if count < 0:
            raise self.wrong(f"{count} numbers")
        line = self._stream.readline(min(count * _LONGEST, sys.maxsize)) if count else b""
        words = line.split()
        # Python takes 1_0 for a number.
        if len(words) != count or b"_" in line or (count and not line.endswith(b"\n")):
            raise self.wrong(f"{count} numbers on a line were expected")
        self._position += len(line)
        return words


class BinarySink:
    """Writes bytes as they would lie in the memory of a machine."""

    def __init__(self, stream: IO[bytes], order: str, long_size: int) -> None:
        self._write = stream.write
        self._order = order
        self._long_size = long_size

    def integer(self, value: int) -> None:
        self._write(struct.pack(f"{self._order}i", value))

    def longs(self, values: tuple[int, ...]) -> None:
        self._write(struct.pack(f"{self._order}{len(values)}{'q' if self._long_size == 8 else 'i'}", *values))

    def double(self, value: float) -> None:
        self._write(struct.pack(f"{self._order}d", value))

    def text(self, data: bytes) -> None:
        self._write(data)

    def elements(self, array: Array) -> None:
        stored = array.astype(_stored(array.dtype, self._order, self._long_size), copy=False)
        self._write(stored.view("u1").data)


class AsciiSink:
    """Writes numbers as text, with as many digits as Torch gives them."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._write = stream.write

    def integer(self, value: int) -> None:
        self.longs((value,))

    def longs(self, values: tuple[int, ...]) -> None:
        self._line("%d", values)

    def double(self, value: float) -> None:
        self._line("%.17g", (value,))

    def text(self, data: bytes) -> None:
        if data:
            self._write(data + b"\n")

    def elements(self, array: Array) -> None:
        if array.dtype.itemsize == 1:
            self.text(array.tobytes())
        else:
            pattern = "%d" if array.dtype.kind == "i" else "%.17g" if array.dtype.itemsize == 8 else "%.9g"
            self._line(pattern, tuple(array.tolist()))

    def _line(self, pattern: str, values: tuple[float, ...]) -> None:
        if values:
            self._write(" ".join(pattern % value for value in values).encode() + b"\n")


def _stored(dtype: np.dtype[np.generic], order: str, long_size: int) -> np.dtype[np.generic]:
    """Return what elements of a type are in the file."""
    return np.dtype(f"{order}i{long_size}" if dtype == np.dtype("i8") else f"{order}{dtype.str[1:]}")
