"""
One row for each experiment, before it becomes a table.

The store is listed once. Only what has changed since the last time is opened, many experiments at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lab_workbook import status
from lab_workbook.overview import facts, listing
from lab_workbook.overview.catalogue import Catalogue
from lab_workbook.overview.facts import Facts
from lab_workbook.overview.listing import Listed
from lab_workbook.protocol import _spec, process
from lab_workbook.protocol.isolation import attempt
from lab_workbook.store import Reads, parallel

UNREADABLE = "unreadable"

# No listing is older than this. What is lost for longer costs no request in each table.
_LISTING_SECONDS: Final = 3600

_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LANGUAGE = re.compile("[A-Za-z]+")
_DIALECTS = {"LuaJIT": "Lua"}


class Row(NamedTuple):
    """
    What a table shows of an experiment; times as the protocol spells them, None where there is none.

    ``note`` is the newest one, or why the experiment cannot be read. ``series`` has what changes with each,
    and ``resumes`` the tag of the one that it goes on from.
    """

    tag: str
    status: str
    started: str | None
    ended: str | None
    host: str | None
    language: str | None
    note: str | None
    parameters: dict[str, Any]
    omitted: int
    series: dict[str, str]
    resumes: str | None = None


def read(store: Reads, catalogue: Catalogue) -> list[Row]:
    """Return a row for each experiment, sorted by tag; whatever one holds, it hides no other."""
    rows: list[Row] = []

    def unknown() -> Iterator[Listed]:
        for listed in listing.experiments(store):
            known = catalogue.facts(listed) or _sealed(store, catalogue, listed)
            if known is None:
                yield listed
            else:
                rows.append(_shown(store, listed, known))

    for listed, (row, found) in parallel.each(lambda each: _opened(store, each), unknown(), "experiments"):
        rows.append(row)
        if found is not None:
            catalogue.remember(listed, found)
    rows.sort(key=lambda row: row.tag)
    catalogue.save(row.tag for row in rows)
    return rows


def _sealed(store: Reads, catalogue: Catalogue, listed: Listed) -> Facts | None:
    """Return what is known of an experiment that has ended, where the listing is of a moment before that."""
    known = catalogue.sealed(listed)
    if known is None:
        return None
    version, found = known
    try:
        return found if store.get(f"{listed.tag}/{_spec.LAYOUT_END}").etag == version else None
    except KeyError:
        return None


def _opened(store: Reads, listed: Listed) -> tuple[Row, Facts | None]:
    problems: list[str] = []
    found = attempt(lambda: facts.read(store, listed), problems.append)
    if found is None:
        # It may be allowed tomorrow, without anything that a listing shows.
        return _row(store, listed, Facts(problem=problems[0])), None
    return _shown(store, listed, found), found


def _shown(store: Reads, listed: Listed, found: Facts) -> Row:
    problems: list[str] = []
    row = attempt(lambda: _row(store, listed, found), problems.append)
    return _row(store, listed, Facts(problem=problems[0])) if row is None else row


def _row(store: Reads, listed: Listed, found: Facts) -> Row:
    is_alive = None if found.outcome is not None else process.is_alive(found.begin)
    age = listed.heartbeat_age
    if is_alive is None and found.outcome is None and age is not None:
        is_young = status.is_young(_heartbeat_age(store, listed.tag, age))
        is_alive = None if found.has_first_beat and not is_young else is_young
    if is_alive is False and (age is None or age < _LISTING_SECONDS):
        # A script that was listed while it ran may have ended well since.
        found = facts.with_end(store, listed.tag, found)
    begin = found.begin
    return Row(
        listed.tag,
        UNREADABLE if found.problem else status.of(begin, found.outcome, is_alive=is_alive),
        _time(begin.get("started")),
        _time(found.ended),
        begin.get("host"),
        _language(begin.get("runtime")),
        found.problem or found.note,
        found.parameters,
        found.omitted,
        listed.series(),
        begin.get("resumes"),
    )


def _heartbeat_age(store: Reads, tag: str, listed: float) -> float:
    """Return the age of a heartbeat; one that is listed as old is read, for the listing may be old."""
    if status.is_young(listed) or listed >= _LISTING_SECONDS:
        return listed
    try:
        heartbeat = store.get(f"{tag}/{_spec.LAYOUT_HEARTBEAT}")
    except KeyError:
        return listed
    return (heartbeat.now - heartbeat.modified).total_seconds()


def _time(text: str | None) -> str | None:
    return text if text is not None and _TIME.fullmatch(text) else None


def _language(runtime: str | None) -> str | None:
    name = _LANGUAGE.match(runtime or "")
    return None if name is None else _DIALECTS.get(name.group(), name.group())
