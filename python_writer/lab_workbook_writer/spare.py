"""A descriptor and memory in reserve, so that an experiment can end in a script that has used up the rest."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import Final

from lab_workbook_writer.descriptors import identity, out_of_the_way

_CLOSED = -1

# Enough to load OpenSSL and to read files in blocks. Nothing is written to it, not even zeros. So it takes
# addresses, which `ulimit -v` limits, and no memory.
_MEMORY_BYTES: Final = 16 << 20


class Spare:
    """One open descriptor and some memory; after `release`, this process can open and read a file again."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        with contextlib.suppress(OSError):
            self._memory = mmap.mmap(-1, _MEMORY_BYTES)
        self._descriptor = _CLOSED
        self._identity = (0, 0)
        with contextlib.suppress(OSError):
            self._descriptor = out_of_the_way(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            self._identity = identity(self._descriptor)

    def release(self) -> None:
        """Give both back; a script may have closed the descriptor, and its number is then another file's."""
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED and identity(descriptor) == self._identity:
            with contextlib.suppress(OSError):
                os.close(descriptor)
