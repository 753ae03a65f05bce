"""
What an experiment's small files say of it.

All of it is plain JSON, because the catalogue keeps it until one of these files changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from lab_workbook import status
from lab_workbook.errors import Unreadable
from lab_workbook.overview.listing import Listed
from lab_workbook.overview.parameters import Parameters
from lab_workbook.protocol import _spec, documents, jsontext, layout
from lab_workbook.protocol.text import sound
from lab_workbook.store import Reads

# Of begin.json, what a row shows, and what says whether the script still runs.
_BEGIN_TYPES = {
    **dict.fromkeys(("protocol", "started", "host", "runtime", "resumes"), str),
    "pid": int,
    "pidStarted": str,
    "pidImage": str,
    "bootId": str,
    "pidNamespace": str,
}
_TEXT_MAX = 10_000


class Facts(NamedTuple):
    """
    What a row is made of; ``begin`` is empty for protocol 1.0, and ``outcome`` None before the end.

    ``problem`` says why the experiment cannot be read, ``omitted`` how many parameters there was no room for.
    """

    begin: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    outcome: str | None = None
    ended: str | None = None
    note: str | None = None
    has_first_beat: bool = False
    parameters: dict[str, Any] = {}  # noqa: RUF012
    omitted: int = 0
    problem: str | None = None


def read(store: Reads, listed: Listed) -> Facts:
    """Return the facts of an experiment; one that cannot be read has a ``problem``."""
    wanted = listed.facts()
    found = store.get_together(wanted.values())
    files = {name: found[entry.key] for name, entry in wanted.items() if entry.key in found}
    try:
        return _of(files)
    except Unreadable as error:
        return Facts(problem=str(error))


def with_end(store: Reads, tag: str, facts: Facts) -> Facts:
    """Return facts with what end.json contains by now, though it was not listed."""
    try:
        end = documents.read_end(store.get(f"{tag}/{_spec.LAYOUT_END}").data)
    except (KeyError, Unreadable):
        return facts
    return facts._replace(outcome=_text(end.get("outcome")), ended=_text(end.get("ended")))


def restored(kept: object) -> Facts | None:
    """Return facts from the JSON that they were, unless that is something else."""
    if not isinstance(kept, list) or len(kept) != len(Facts._fields):
        return None
    facts = Facts(*kept)
    fits = (
        isinstance(facts.begin, dict)
        and isinstance(facts.parameters, dict)
        and isinstance(facts.has_first_beat, bool)
        and isinstance(facts.omitted, int)
        and all(
            isinstance(each, str | None) for each in (facts.outcome, facts.ended, facts.note, facts.problem)
        )
    )
    return facts if fits else None


def _of(files: Mapping[str, bytes]) -> Facts:
    begin = documents.read_begin(files[_spec.LAYOUT_BEGIN]) if _spec.LAYOUT_BEGIN in files else {}
    end = documents.read_end(files[_spec.LAYOUT_END]) if _spec.LAYOUT_END in files else {}
    parameters = Parameters()
    note = _text(begin.get("note"))
    for name, data in files.items():
        if name.startswith(_spec.LAYOUT_NOTES):
            note = _text(_object(data).get("text")) or note
        elif not layout.is_hidden(name):
            parameters.add(name, _object(data))
    heartbeat = files.get(_spec.LAYOUT_HEARTBEAT)
    return Facts(
        begin={
            key: _whole(begin[key]) for key, kind in _BEGIN_TYPES.items() if isinstance(begin.get(key), kind)
        },
        outcome=_text(end.get("outcome")),
        ended=_text(end.get("ended")),
        note=note,
        has_first_beat=heartbeat is not None and status.is_first(heartbeat),
        parameters=parameters.values,
        omitted=parameters.omitted,
    )


def _object(data: bytes) -> dict[str, Any]:
    # An artifact that is no JSON hides neither the others nor the experiment.
    with contextlib.suppress(ValueError):
        document = jsontext.decode(data)
        if isinstance(document, dict):
            return document
    return {}


def _text(value: object) -> str | None:
    return sound(value[:_TEXT_MAX]) if isinstance(value, str) else None


def _whole(value: str | int) -> str | int:
    return sound(value) if isinstance(value, str) else value
