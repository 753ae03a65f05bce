"""
Rank 0 as the host of the other ranks: it says where its experiment is, and ends it for all of them.

A process of another rank appends to files of its own in our folder (`guest`), and nobody can forbid it to do
so for one more second. So when we end, each such file is copied and replaced by its copy: what the other
process still writes goes to a file that has no name any more. It looks at the name after each row, and so
knows which of its rows came too late.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.place import Tree
from lab_workbook_writer.rendezvous import Meeting, Run

_OF_A_RANK: Final = re.compile(rf"{_spec.RANKS_MARK}[0-9]+{re.escape(_spec.KIND_SERIES_SUFFIX)}$")
_BLOCK_BYTES: Final = 1 << 20


class Host:
    """The experiment of rank 0 as the other ranks find it: below ``root``, from now on until `close`."""

    def __init__(self, meeting: Meeting, run: Run) -> None:
        self._meeting = meeting
        self._tree = Tree(run.root)
        # Without it the others say that they did not find us, which is all that a full disk may do.
        with contextlib.suppress(OSError):
            meeting.announce(run)

    def close(self, known: Collection[str], lost: Callable[[str], None]) -> list[str]:
        """
        Let nobody in any more, make the series of other ranks files of our own, and return their names.

        Whoever still has one of them open writes into a file without a name from then on. ``known`` are the
        names that are ours already; ``lost`` is told of what cannot be copied.
        """
        self._meeting.leave()
        names = []
        for name in _of_ranks(self._tree.root):
            if name not in known:
                try:
                    _replace_by_copy(self._tree, name)
                except OSError as error:
                    lost(f"{name!r}: {error}")
                else:
                    names.append(name)
        return names


def _of_ranks(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        if folder == root:
            folders[:] = [each for each in folders if each.lower() != _spec.LAYOUT_RESERVED]
        yield from (
            os.path.join(folder, file).removeprefix(root) for file in files if _OF_A_RANK.search(file)
        )


def _replace_by_copy(tree: Tree, name: str) -> None:
    descriptors: list[int] = []

    def fill(path: str) -> None:
        descriptors.append(os.open(tree.root + name, os.O_RDONLY | os.O_CLOEXEC))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptors.append(os.open(path, flags, 0o666))
        _copy(*descriptors)

    try:
        tree.replace(name, tree.write_temporary(fill))
        # What came while it was copied; from now on whoever appends sees that it is no longer theirs.
        _copy(*descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _copy(source: int, target: int) -> None:
    while block := os.read(source, _BLOCK_BYTES):
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(target, rest) :]
