"""A descriptor kept in reserve, so that an experiment can end in a script that has used up all others."""

from __future__ import annotations

import contextlib
import os

from lab_workbook_writer.descriptors import identity, out_of_the_way

_CLOSED = -1


class Spare:
    """One open descriptor; after `release`, this process can open a file again."""

    def __init__(self) -> None:
        self._descriptor = _CLOSED
        self._identity = (0, 0)
        with contextlib.suppress(OSError):
            self._descriptor = out_of_the_way(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            self._identity = identity(self._descriptor)

    def release(self) -> None:
        """Close it; a script may have closed it before, and its number is then another file's."""
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED and identity(descriptor) == self._identity:
            with contextlib.suppress(OSError):
                os.close(descriptor)
