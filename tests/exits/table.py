"""
The table of docs/exits.md: written by ``make exits``, and compared with every run of the tests.

Seconds are for people: they depend on the machine, are rounded coarsely, and are compared by nobody.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.exits.endings import SECTIONS, Ending
from tests.exits.run import Seen

PATH = Path(__file__).resolve().parent.parent.parent / "docs" / "exits.md"

# Where `make exits` asks for a new table. Read when this is imported: tests run without such variables.
_IS_WRITING = bool(os.environ.get("LAB_WORKBOOK_WRITE_EXITS"))

_BEGIN, _END = "<!-- {}: written by `make exits` -->", "<!-- end -->"
_HEAD = (
    "| the end | writer | status | took | in the bucket by then | says how to push | the rest | outcome |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)
_STEPS = (1, 3, 10, 30, 60)
_SECONDS_COLUMN = 3


def endings() -> Iterator[Ending]:
    """Return all rows."""
    for endings in SECTIONS.values():
        yield from endings


def can_make_containers() -> bool:
    """Say whether this machine lets us make a namespace of process ids."""
    try:
        return subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode == 0
    except OSError:
        return False


def cells(seen: Seen) -> list[str]:
    """Return what a run says in the columns that are compared."""
    return [seen.status, seen.bucket, seen.said, seen.rest, seen.outcome]


def promised(ending: Ending) -> list[str]:
    """Return the same columns of the committed table."""
    row = _rows(ending.section).get(_key(ending), [])
    return row[2:_SECONDS_COLUMN] + row[_SECONDS_COLUMN + 1 :]


def is_complete() -> bool:
    """Say whether the committed table has exactly the rows that there are."""
    return all(
        list(_rows(section)) == [_key(ending) for ending in endings] for section, endings in SECTIONS.items()
    )


def record(ending: Ending, seen: Seen) -> None:
    """Write a row into the table, if that is what this run is for."""
    if not _IS_WRITING:
        return
    rows = _rows(ending.section)
    rows[_key(ending)] = [*_key(ending), seen.status, _rounded(seen.seconds), *cells(seen)[1:]]
    ordered = [rows[_key(each)] for each in SECTIONS[ending.section] if _key(each) in rows]
    lines = [*_HEAD, *(f"| {' | '.join(row)} |" for row in ordered)]
    begin = _BEGIN.format(ending.section)
    PATH.write_text(_block(ending.section).sub("\n".join([begin, *lines, _END]), PATH.read_text()))


def _key(ending: Ending) -> tuple[str, str]:
    return ending.title, ending.writer


def _block(section: str) -> re.Pattern[str]:
    return re.compile(re.escape(_BEGIN.format(section)) + ".*?" + re.escape(_END), re.DOTALL)


def _rows(section: str) -> dict[tuple[str, str], list[str]]:
    found = _block(section).search(PATH.read_text())
    lines = found.group().splitlines()[1 + len(_HEAD) : -1] if found else []
    rows = [line.strip("| ").split(" | ") for line in lines]
    return {(row[0], row[1]): row for row in rows}


def _rounded(seconds: float) -> str:
    return next((f"< {step} s" for step in _STEPS if seconds < step), "minutes")
