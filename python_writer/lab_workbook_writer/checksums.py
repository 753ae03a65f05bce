"""
Sizes and SHA-256 sums of the files in a folder, for end.json (rule ``end.files``).

A script ends only when its files were read for their sums. Small files are read first, and when the time is
over the others are listed with their sizes alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from lab_workbook.errors import warn

from lab_workbook_writer import guard
from lab_workbook_writer.descriptors import open_regular
from lab_workbook_writer.place import size_of, twice

_BLOCK_BYTES: Final = 1 << 20

Facts = dict[str, Any]


def describe(root: str, names: Iterable[str], until: float, seconds: float) -> dict[str, Facts]:
    """
    Return size and sum of each file; one that cannot be read is left out, with a warning.

    Files are read until a time of `time.monotonic`, ``seconds`` after the end began.

    >>> describe(
    ...     "/home/me/lab-workbook/201602122149-PMJ8a76csB/", ["options.json"], time.monotonic() + 300, 300
    ... )
    {'options.json': {'bytes': 2, 'sha256': '44136fa355b3…'}}
    """
    sha256 = _sha256()
    found: dict[str, Facts] = {}
    for name in sorted(names, key=lambda name: size_of(root + name)):
        with guard.absorbing(partial(_warn_of_unreadable, root + name)):
            found[name] = twice(partial(_describe, root + name, sha256, until))
    without = sum("sha256" not in facts for facts in found.values())
    if without and sha256:
        warn(
            f"end.json lists {without} of {len(found)} files without their sums, because reading them would"
            f" take longer than exitMax, which is {seconds:g} s"
        )
    return dict(sorted(found.items()))


def update(
    root: str, names: Iterable[str], found: dict[str, Facts], until: float, seconds: float
) -> dict[str, Facts]:
    """Return what `describe` does, and read only those files whose size is not the one that was found."""
    there = set(names)
    changed = {name for name in there if found.get(name, {}).get("bytes") != size_of(root + name)}
    kept = {name: facts for name, facts in found.items() if name in there - changed}
    return dict(sorted((kept | describe(root, changed, until, seconds)).items()))


def _describe(path: str, sha256: Callable[[], Any] | None, until: float) -> Facts:
    digest, size = sha256() if sha256 else None, 0
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            size += len(block)
            if digest is not None:
                digest.update(block)
            if time.monotonic() >= until:
                return {"bytes": os.fstat(file.fileno()).st_size}
    return {"bytes": size, **({} if digest is None else {"sha256": digest.hexdigest()})}


def _sha256() -> Callable[[], Any] | None:
    """Return what makes a digest, or None if it cannot be loaded: a checksum is optional, end.json is not."""
    with guard.absorbing(lambda why: warn(f"end.json lists no checksums: {why}")):
        import hashlib

        return hashlib.sha256
    return None


def _warn_of_unreadable(path: str, why: str) -> None:
    warn(f"{path} cannot be read again ({why}): end.json does not list it")
