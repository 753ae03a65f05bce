"""
An input of twice the size takes twice the work, whatever a stranger has put into it.
"""

from __future__ import annotations

import contextlib
import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from lab_workbook import filters, live, series
from lab_workbook.overview.listing import Listed
from lab_workbook.overview.parameters import Parameters
from lab_workbook.protocol import jsontext
from lab_workbook.protocol.segments import Segment
from lab_workbook.store import Entry
from lab_workbook_writer.importers import grouping, yamltext

from tests import work

# Twice, and some work that does not grow.
MOST = 2.2


def header(names: list[str]) -> bytes:
    return ",".join([*names, "Date"]).encode() + b"\n"


def segments(count: int) -> dict[str, bytes]:
    return {f"A/{Segment('a.csv', number, number + 1)}": b"x" for number in range(count)}


class Store:
    """As much of a store as a growing series needs, with its objects in memory."""

    def __init__(self, found: dict[str, bytes]) -> None:
        self._found = found

    def keys(self, prefix: str, *, after: str = "") -> Any:
        return (
            Entry(key, len(data))
            for key, data in self._found.items()
            if key.startswith(prefix) and key > after
        )

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Any:
        del etag
        return type("Found", (), {"data": self._found[key][start:]})


def listed(count: int) -> Listed:
    return Listed("A", {key[2:]: Entry(key, 1) for key in segments(count)})


def parameters(document: dict[str, Any]) -> None:
    Parameters().add("o.json", document)


def equal_parameters(count: int) -> None:
    found = Parameters()
    for _ in range(count):
        found.add("o.json", {"rate": 1})


def json_text(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        jsontext.decode(data)


def yaml(text: str) -> None:
    yamltext.read(text.encode(), "meta.yaml")


CASES: dict[str, tuple[Callable[[Any], object], Callable[[int], Any], int]] = {
    "equal columns": (series._numbered, lambda size: ["loss"] * size, 500),
    "numbered columns": (series._numbered, lambda size: ["a", *(f"a.{n}" for n in range(1, size)), "a"], 500),
    "equal columns of a file": (
        lambda data: series.read(data, "a.csv"),
        lambda size: header(["a"] * size),
        500,
    ),
    "equal parameters": (equal_parameters, lambda size: size, 300),
    "deep parameters": (parameters, lambda size: json.loads('{"a":' * size + "1" + "}" * size), 200),
    "equal titles": (lambda names: grouping.titles(names, ["step"]), lambda size: ["loss"] * size, 500),
    "segments": (lambda found: live.read(Store(found), "A/", "a.csv"), segments, 300),
    "listed segments": (lambda found: found.series(), listed, 300),
    "sexagesimals": (yaml, lambda size: "run_id: " + "1:" * size + "1", 2000),
    "long scalar": (yaml, lambda size: f"run_id: {'9' * size}", 5000),
    "quoted scalar": (yaml, lambda size: 'run_id: "' + "\\x41" * size + '"', 2000),
    "many keys": (yaml, lambda size: "\n".join(f"k{n}: {n}" for n in range(size)), 300),
    "flow list": (yaml, lambda size: "run_id: [" + "1, " * size + "1]", 500),
    "comments": (yaml, lambda size: "#x\n" * size + "run_id: 1", 1000),
    "JSON with quotes outside of texts": (json_text, lambda size: b'"\\' * size + b"[" * 513, 500),
    "filter": (filters.parse, lambda size: " or ".join(["a == 1"] * size), 200),
    "filter list": (filters.parse, lambda size: f"a in [{'1, ' * size}1]", 500),
}


@pytest.mark.parametrize("name", CASES)
def test_work_grows_as_its_input_does(name: str) -> None:
    call, make, size = CASES[name]

    assert work.growth(call, make, size) < MOST


PROGRAMS = {
    "10,000 equal columns": """
        from lab_workbook import series
        print(series.read(b"a," * 10_000 + b"Date\\n", "a.csv").shape)
    """,
    "a cell of a million digits": """
        from lab_workbook import series
        date = b",2016-02-12T22:17:34Z\\n"
        data = b'x,y,Date\\n1,"a"' + date + b"1," + b"1" * 10**6 + b"x" + date
        print(series.read(data, "a.csv").shape)
    """,
    "100,000 segments": """
        from lab_workbook.overview.listing import Listed
        from lab_workbook.protocol.segments import Segment
        from lab_workbook.store import Entry
        paths = [str(Segment("a" * 50 + ".csv", n, n + 1)) for n in range(100_000)]
        print(len(Listed("A", {path: Entry(path, 1) for path in paths}).series()))
    """,
    "a megabyte of sexagesimals": """
        from lab_workbook_writer.importers import yamltext
        print(len(yamltext.read(b"run_id: " + b"59:" * 300_000 + b"1", "meta.yaml")["run_id"]))
    """,
    "quotes outside of texts in JSON": """
        from lab_workbook.protocol import jsontext
        for data in (b'"\\\\' * 10**6, b'\\\\"' * 10**6, b'"' * 10**6, b'"\\\\"' * 10**6):
            try:
                jsontext.decode(data + b"[" * 600)
            except ValueError as error:
                print(error)
    """,
    "names that are alike": """
        from lab_workbook.near import near
        print(len(near("ab" * 40, ["ba" * 100] * 20_000)))
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_large_input_ends_within_its_cpu_time(name: str) -> None:
    """
    Where the work is done by C, whose steps are not seen.
    """
    assert work.limited(textwrap.dedent(PROGRAMS[name]))
