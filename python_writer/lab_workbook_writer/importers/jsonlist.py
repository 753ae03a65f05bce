"""
The objects of a JSON list, one after the other, so that the list may be larger than memory.

>>> list(objects(io.StringIO('[{"loss": 0.5}, {"loss": 0.25}]')))
[{'loss': 0.5}, {'loss': 0.25}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TextIO

#: The most characters of one object; as values of Python they take up to thirty times as much.
LONGEST: Final = 1 << 24
_CHUNK: Final = 1 << 16
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def objects(file: TextIO) -> Iterator[dict[str, Any]]:
    """
    Yield the objects of the list that a file holds.

    Raises:
        ValueError: it is not a list of objects, or an object is too long.
    """
    text = _Text(file)
    if text.take() != "[":
        raise ValueError("it is not a list of objects")
    sign = text.take() if text.peek() == "]" else ","
    while sign != "]":
        if sign != ",":
            raise ValueError("between two objects of the list there is no comma")
        yield text.decode()
        sign = text.take()
    if text.peek():
        raise ValueError("there is more behind the list")


class _Text:
    """What was read of a file and not yet used."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = ""
        self._at = 0

    def peek(self) -> str:
        """Return the next character that is not a space; empty at the end of the file."""
        while True:
            self._at = self._end_of_spaces()
            if self._at < len(self._buffer) or not self._fill():
                return self._buffer[self._at : self._at + 1]

    def take(self) -> str:
        """Return the next character that is not a space, and go on behind it."""
        sign = self.peek()
        self._at += len(sign)
        return sign

    def decode(self) -> dict[str, Any]:
        """Return the next object."""
        if self.peek() != "{":
            raise ValueError("it is not a list of objects")
        while True:
            try:
                found, self._at = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:  # noqa: PERF203 - each try has twice as much of the file
                raise ValueError("an object is nested too deeply") from None
            except ValueError:
                # An object ends with its brace, so what is not whole can only lack the rest. The buffer is
                # doubled each time, so that all tries together cost as much as the last two.
                if len(self._buffer) - self._at > LONGEST or not self._fill():
                    raise
            else:
                table: dict[str, Any] = found
                return table

    def _end_of_spaces(self) -> int:
        found = _SPACE.match(self._buffer, self._at)
        return self._at if found is None else found.end()

    def _fill(self) -> bool:
        """Read on; returns whether there was more."""
        rest = self._buffer[self._at :]
        more = self._file.read(max(_CHUNK, len(rest)))
        self._buffer, self._at = rest + more, 0
        return bool(more)


_DECODER: Final = json.JSONDecoder()
