"""Calls the parsers of models, series, JSON, filters and names with bytes."""

from __future__ import annotations

import contextlib
from typing import Final

import pandas as pd
from lab_workbook import filters, growing, models, series, t7
from lab_workbook.errors import LabWorkbookError, NotFound
from lab_workbook.protocol import documents, jsontext, names, prefix, segments, tags


def read_t7(data: bytes) -> None:
    # The first byte chooses the format, so that all are tried.
    spellings: tuple[t7.Format, ...] = ("little64", "little32", "big64", "ascii")
    value = t7.loads(data[1:], format=spellings[data[0] % len(spellings)] if data else "little64")
    with contextlib.suppress(LabWorkbookError):
        t7.state_dict(value)
    repr(value)


def read_safetensors(data: bytes) -> None:
    models.of_bytes("model.safetensors", data).load()


def read_series(data: bytes) -> None:
    table = series.read(data, "loss.csv")
    for column in table.columns[:2]:
        with contextlib.suppress(LabWorkbookError, NotFound):
            series.values(data, "loss.csv", str(column))


def grow_series(data: bytes) -> None:
    """Read the first half, then the rest: what grew is what is read at once, where both can be read."""
    half = data.rfind(b"\n", 0, len(data) // 2) + 1
    first, rest = data[:half], data[half:]
    known = growing.remember(first, series.read(first, "loss.csv"))
    if known is not None:
        growing.grow(known, known.last + rest, "loss.csv")


def read_documents(data: bytes) -> None:
    for read in (documents.read_begin, documents.read_end):
        with contextlib.suppress(LabWorkbookError):
            read(data)


def read_json(data: bytes) -> None:
    value = jsontext.decode(data)
    jsontext.encode(value, lambda *_: None)


def apply_filter(data: bytes) -> None:
    text = data.decode(errors="replace")
    with contextlib.suppress(LabWorkbookError):
        filters.parse(text).apply(_TABLE)


_TABLE: Final = pd.DataFrame(
    {
        "status": ["finished", "failed", None],
        "options.rate": [0.1, float("nan"), 5],
        "epochs": [1, 2, 10**400],
        "labels": [["a"], [], None],
        "started": pd.to_datetime(["2016-02-12T21:49Z", "NaT", "2026-11-28T00:00Z"]),
    }
)


def check_names(data: bytes) -> None:
    """Names, tags, prefixes and segments, as they come from a listing or a configuration."""
    text = data.decode(errors="surrogateescape")
    for check in (names.check, tags.check, prefix.parse, segments.parse):
        with contextlib.suppress(LabWorkbookError):
            check(text)
