"""
The cases, level by level.

Each module offers ``cases()``. What SPEC.md shows as an example becomes a case of the same rule and number,
``series.row-2``; what an example cannot show is a case with a word for a name, ``series.date-window``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from lab_workbook_conformance.case import Case

_MODULES = (
    "core",
    "refusals",
    "beyond",
    "claims",
    "closing",
    "warned",
    "watched",
    "sources",
    "shared",
    "settings",
    "exits",
    "git",
    "submodules",
    "models",
    "watching",
    "pins",
    "kills",
    "reading",
    "damaged",
    "readable",
    "s3",
    "s3_settings",
    "s3_reading",
)


def cases() -> Iterator[Case]:
    """Yield every case of every level, writers first."""
    for name in _MODULES:
        yield from importlib.import_module(f"{__name__}.{name}").cases()
