"""
Do the files say what the steps said?

A case of the subject ``steps`` is played to a writer, which leaves an experiment behind. Judges see
whether its files are well made; what is here sees whether they hold what was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab_workbook_conformance import answers, jsontext, series
from lab_workbook_conformance.case import Violation, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.mending import is_sound, mended

Step = Sequence[Any]

_CONTENTS = ("saveJSON", "saveText", "saveFile")


def broken_by(steps: Sequence[Step], files: Mapping[str, bytes], *, integers: bool) -> list[tuple[str, str]]:
    """Return (name, rule) where an experiment does not hold what its steps gave; see `violations`."""
    found = violations(steps, files, integers=integers)
    return [(each.name, each.rule) for each in found]


def violations(steps: Sequence[Step], files: Mapping[str, bytes], *, integers: bool) -> Iterator[Violation]:
    """
    Yield where an experiment does not hold what its steps gave: the artifact, the rule, and what differs.

    ``integers`` says whether the language that played them tells 1 from 1.0.
    """
    # What was saved last under a name is what must be there.
    saved = _saved(steps)
    for name, (verb, value) in saved.items():
        if name not in files:
            yield _missing(name, verb, files, saved)
        elif verb == "newTimeSeriesLog":
            rows = [step[2] for step in steps if step[0] == "log" and f"{step[1]}.csv" == name]
            for rule, why in _series_rules(value, rows, files[name], integers):
                yield Violation(name, rule, why)
        else:
            earlier = [each for each in _versions(steps, name) if each != (verb, value)]
            rules = list(_content_rules(verb, value, files[name], integers))
            is_earlier = rules and any(
                not list(_content_rules(*each, files[name], integers)) for each in earlier
            )
            for rule in rules:
                yield Violation(name, "kind.replace" if is_earlier else rule)


def _missing(name: str, verb: str, files: Mapping[str, bytes], saved: Mapping[str, Any]) -> Violation:
    """Blame the name where an artifact lies under another one, and else what has not stored it."""
    others = [path for path in files if answers.is_listed(path) and path not in saved]
    why = f"it is not there, but {', '.join(others)}" if others else "it is not there"
    if others or "/" in name:
        return Violation(name, "layout.place" if "/" in name else "kind.suffix", why)
    rule = "series.birth" if verb == "newTimeSeriesLog" else "kind.content"
    return Violation(name, rule, why)


def _versions(steps: Sequence[Step], name: str) -> list[tuple[str, Any]]:
    """Return what was saved under a name, in order."""
    return [
        (step[0], step[2]) for step in steps if step[0] in _CONTENTS and name in answers.files(list(step))
    ]


def _content_rules(verb: str, value: Any, data: bytes, integers: bool) -> Iterator[str]:  # noqa: FBT001 passed on
    if verb == "saveJSON":
        yield from jsontext.broken_by(value, data, integers=integers)
    elif verb == "saveFile" or is_sound(value):
        if data != value.encode("utf-8", "surrogateescape"):
            yield "kind.content"
    elif data not in {text.encode() for text in mended(value, keep_nul=True)}:
        yield "text.mended"


def _saved(steps: Sequence[Step]) -> dict[str, tuple[str, Any]]:
    return {
        name: (step[0], step[2])
        for step in steps
        if step[0] in (*_CONTENTS, "newTimeSeriesLog")
        for name in answers.files(list(step))
    }


def _series_rules(
    fields: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    data: bytes,
    integers: bool,  # noqa: FBT001 passed on
) -> Iterator[tuple[str, str]]:
    broken = series.broken_rules(data)
    if series.read(data.decode("utf-8", "surrogateescape")) is None:
        # The judge of files takes it for a table of the user's own.
        for rule in {"series.csv", "series.birth"} & set(broken) or {"series.header"}:
            yield rule, "its header is not whole" if rule == "series.birth" else ""
        return
    if "series.csv" in broken:
        # Nobody knows what its rows are, and the judge of files has said so.
        return
    header, *found = series.raw_rows(data)
    if header[:-1] != list(fields) or header[-1] != SPEC["series"]["date_field"]:
        yield "series.header", f"its header is {header}"
    if len(found) != len(rows):
        yield "series.append", f"it has {len(found)} rows, not {len(rows)}"
    for number, (row, cells) in enumerate(zip(rows, found, strict=False), start=1):
        if len(cells) != len(fields) + 1:
            # Nobody knows which cell is which; that there are too many is for the judge of files to say.
            yield from ((rule, f"row {number}") for rule in _locale_rules(row, cells))
            continue
        for field, cell in zip(fields, cells, strict=False):
            why = f"row {number}, field {field!r}: {shown(cell)} for {shown(repr(row.get(field)))}"
            for rule in series.broken_by(row.get(field), cell, integers=integers):
                yield rule, why


def _locale_rules(row: Mapping[str, Any], cells: Sequence[str]) -> Iterator[str]:
    """Find a float whose decimal point is a comma, which makes two cells of it."""
    whole = ",".join(cells)
    spelled = (repr(value) for value in row.values() if isinstance(value, float))
    if any("." in each and each.replace(".", ",") in whole for each in spelled):
        yield "series.locale"
