"""
Models: what torch can save, by the torch that the caller has, and what Torch can read.

Nothing of ours imports torch before `save_torch` is called, and then the caller has it already; the same
is true of numpy and `save_t7`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab_workbook_writer.capture.optional import load
from lab_workbook_writer.capture.sink import sink
from lab_workbook_writer.place import Fill


def saves(value: object, hint: Callable[[], None] = lambda: None) -> Fill:
    """
    Return what writes the value to a path; ``hint`` is called if only unpickling could read it again.

    Raises (when it writes):
        ImportError: torch is not installed.
        OSError: the disk refused the file.
    """

    def fill(path: str) -> None:
        torch = load("torch", "save_torch needs torch, and it is not installed: pip install torch")
        with sink(path) as file:
            torch.save(value, file)
        if _needs_code(torch, path):
            hint()

    return fill


def saves_t7(value: object) -> Fill:
    """
    Return what writes the value to a path, in the format of Torch.

    Raises (when it writes):
        Unwritable: Torch has nothing like something in it.
        OSError: the disk refused the file.
    """

    def fill(path: str) -> None:
        # From the module itself: if t7/__init__.py could not be looked at, Python takes t7 for a package
        # without one, and keeps that.
        from lab_workbook.t7.writing import dump

        with open(path, "xb") as file:
            dump(value, file)

    return fill


def _needs_code(torch: Any, path: str) -> bool:
    """Say whether a file holds classes, which only their code can read, beside tensors and plain values."""
    try:
        # Mapped, so that no tensor is read. With weights_only nothing runs, whatever the file names.
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # noqa: BLE001 - or a torch without these options, a file system without maps
        # By its name, because importing pickle costs more than a tenth of a new_experiment.
        return type(error).__name__ == "UnpicklingError"
    return False
