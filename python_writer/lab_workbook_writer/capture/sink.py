"""
A file that other libraries write, which remembers why the disk refused.

Some of them turn a full disk into an error of their own, which then looks like a fault of the value.

>>> with sink(path) as file:
...     torch.save(value, file)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from io import FileIO
from typing import Any


@contextlib.contextmanager
def sink(path: str) -> Iterator[FileIO]:
    """
    Make a new file to write to.

    Raises:
        OSError: the disk refused it, whatever the library in the ``with`` has made of that.
    """
    with _Sink(path, "x") as file:
        try:
            yield file
        except Exception as error:
            if file.refusal is None:
                raise
            raise file.refusal from error


class _Sink(FileIO):
    """A file that writes all it is given, and remembers why it could not."""

    refusal: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.refusal = error
            raise
        return size
