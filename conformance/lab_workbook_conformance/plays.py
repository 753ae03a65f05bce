"""
Do the files say what the steps said?

A case of the subject ``steps`` is played to a writer, which leaves an experiment behind. Judges see
whether its files are well made; what is here sees whether they hold what was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab_workbook_conformance import answers, jsontext, series
from lab_workbook_conformance.constants import SPEC

Step = Sequence[Any]


def broken_by(steps: Sequence[Step], files: Mapping[str, bytes], *, integers: bool) -> list[tuple[str, str]]:
    """
    Return (name, rule) where an experiment does not hold what its steps gave.

    ``integers`` says whether the language that played them tells 1 from 1.0.
    """
    broken = []
    # What was saved last under a name is what must be there.
    for name, (verb, value) in _saved(steps).items():
        if name not in files:
            broken.append((name, "layout.place" if "/" in name else "kind.suffix"))
        elif verb == "newTimeSeriesLog":
            rows = [step[2] for step in steps if step[0] == "log" and f"{step[1]}.csv" == name]
            broken += [(name, rule) for rule in _series_rules(value, rows, files[name], integers)]
        elif verb == "saveJSON":
            wrong = jsontext.broken_by(value, files[name], integers=integers)
            earlier = [step[2] for step in steps if step[0] == verb and answers.files(list(step)) == [name]][
                :-1
            ]
            is_earlier = any(not jsontext.broken_by(each, files[name], integers=integers) for each in earlier)
            broken += [(name, "kind.replace" if is_earlier else rule) for rule in wrong]
        elif files[name] != value.encode("utf-8", "surrogateescape"):
            broken.append((name, "kind.replace"))
    return broken


def _saved(steps: Sequence[Step]) -> dict[str, tuple[str, Any]]:
    return {
        name: (step[0], step[2])
        for step in steps
        if step[0] in ("saveJSON", "saveText", "saveFile", "newTimeSeriesLog")
        for name in answers.files(list(step))
    }


def _series_rules(
    fields: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    data: bytes,
    integers: bool,  # noqa: FBT001 passed on
) -> Iterator[str]:
    broken = series.broken_rules(data)
    if series.read(data.decode("utf-8", "surrogateescape")) is None:
        # The judge of files takes it for a table of the user's own.
        yield from {"series.csv", "series.birth"} & set(broken) or {"series.header"}
        return
    if "series.csv" in broken:
        # Nobody knows what its rows are, and the judge of files has said so.
        return
    header, *found = series.raw_rows(data)
    if header[:-1] != list(fields) or header[-1] != SPEC["series"]["date_field"]:
        yield "series.header"
    if len(found) != len(rows):
        yield "series.append"
    for row, cells in zip(rows, found, strict=False):
        if len(cells) != len(fields) + 1:
            # Nobody knows which cell is which; that there are too many is for the judge of files to say.
            yield from _locale_rules(row, cells)
            continue
        for field, cell in zip(fields, cells, strict=False):
            yield from series.broken_by(row.get(field), cell, integers=integers)


def _locale_rules(row: Mapping[str, Any], cells: Sequence[str]) -> Iterator[str]:
    """Find a float whose decimal point is a comma, which makes two cells of it."""
    whole = ",".join(cells)
    spelled = (repr(value) for value in row.values() if isinstance(value, float))
    if any("." in each and each.replace(".", ",") in whole for each in spelled):
        yield "series.locale"
