"""
Models: what torch can save, by the torch that the caller has, and what Torch can read.

Nothing of ours imports torch before `save_torch` is called, and then the caller has it already; the same
is true of numpy and `save_t7`.
"""

from __future__ import annotations

import importlib
import sys
from io import FileIO
from typing import Any

from lab_workbook_writer.place import Fill


def saves(value: object) -> Fill:
    """
    Return what writes the value to a path.

    Raises (when it writes):
        ImportError: torch is not installed.
        OSError: the disk refused the file.
    """

    def fill(path: str) -> None:
        torch = _torch()
        with _Sink(path, "x") as sink:
            try:
                torch.save(value, sink)
            except Exception as error:
                # torch turns a full disk into a RuntimeError of its own; anything else is about the value.
                if sink.refusal is None:
                    raise
                raise sink.refusal from error

    return fill


def saves_t7(value: object) -> Fill:
    """
    Return what writes the value to a path, in the format of Torch.

    Raises (when it writes):
        Unwritable: Torch has nothing like something in it.
        OSError: the disk refused the file.
    """

    def fill(path: str) -> None:
        from lab_workbook import t7

        with open(path, "xb") as file:
            t7.dump(value, file)

    return fill


def _torch() -> Any:
    try:
        return sys.modules.get("torch") or importlib.import_module("torch")
    except ImportError as error:
        raise ImportError("save_torch needs torch, and it is not installed: pip install torch") from error


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
