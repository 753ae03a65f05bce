"""Readers that are wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import parsing, process, reader
from lab_workbook_conformance.wrong.errors import Refused
from lab_workbook_conformance.wrong.reader import Experiment
from lab_workbook_conformance.wrong.table import Right, instead_of

_STATUS, _OUTCOME = SPEC["status"], SPEC["outcome"]


@instead_of("tag.reading", reader, "folder")
def fresh_tags_only(right: Right, location: str, tag: str) -> Any:
    """Only a tag that a writer would make today is one."""
    found = right(location, tag)
    if os.path.isdir(found) and not re.fullmatch(SPEC["tag"]["pattern"], tag):
        raise Refused("tag.shape", f"{tag!r} is no tag")
    return found


@instead_of("prefix.reading", reader, "missing")
def no_hint(_: Right, _location: str, tag: str) -> Any:
    """Nobody is told of an experiment whose prefix has run into its tag."""
    return f"there is no experiment {tag}"


@instead_of("layout.hidden", reader, "is_hidden")
def all_files(_: Right, _name: str) -> Any:
    """The files of the protocol are listed."""
    return False


@instead_of("layout.hidden-2", reader, "is_hidden")
def dot_files(right: Right, name: str) -> Any:
    """All files that begin with a dot are hidden."""
    return right(name) or os.path.basename(name).startswith(".")


@instead_of("layout.hidden-3", reader, "is_hidden")
def hidden_beginning(_: Right, name: str) -> Any:
    """Whatever begins like the protocol's folder is hidden."""
    return name.startswith(SPEC["layout"]["reserved"])


@instead_of("name.reading", reader, "is_inside")
def names_of_writers(right: Right, name: str) -> Any:
    """A name that no writer would make today cannot be read."""
    return right(name) and not re.search(r"(^|/) | (/|$)|\\|[\x00-\x1f]", name)


@instead_of("name.reading-2", reader, "is_inside")
def leads_anywhere(_: Right, _name: str) -> Any:
    """A name may lead out of its experiment."""
    return True


@instead_of("kind.reading", reader, "kind")
def any_letter_case(right: Right, name: str) -> Any:
    """The letter case of a suffix does not matter."""
    return right(name.lower())


@instead_of("kind.reading-2", reader, "kind")
def first_suffix(right: Right, name: str) -> Any:
    """The first suffix of a name counts."""
    suffixes = [each for each in name.rpartition("/")[2].split(".")[1:] if each]
    return right(f"x.{suffixes[0]}" if suffixes else name)


@instead_of("kind.reading-3", reader, "kind")
def suffix_without_dot(right: Right, name: str) -> Any:
    """A name that is a suffix has its kind."""
    return right(f"x.{name}")


@instead_of("series.order", parsing, "ordered")
def by_index(_: Right, rows: list[list[str]]) -> Any:
    """Rows are sorted by their first field."""
    return rows[:1] + sorted(rows[1:])


@instead_of("series.order-2", parsing, "ordered")
def by_date(_: Right, rows: list[list[str]]) -> Any:
    """Rows are sorted by their date."""
    return rows[:1] + sorted(rows[1:], key=lambda row: row[-1])


@instead_of("series.row-end", parsing, "whole")
def torn_row(_: Right, rows: list[list[str]]) -> Any:
    """Half a row at the end is a row."""
    return rows if rows[-1] not in ([], [""]) else rows[:-1]


# CSV as in RFC 4180 has line feeds in quotes.
@instead_of("series.row-end-2", parsing, "quoted_rows", also=("series.csv",))
def any_line_feed(right: Right, text: str) -> Any:
    """A row ends at any line feed."""
    return [row for line in text.split("\n")[:-1] for row in right(f"{line}\n")]


@instead_of("series.row-end-3", parsing, "bare_rows")
def quotes_of_old(_: Right, text: str) -> Any:
    """In a file of 1.0 quotes are quotes."""
    return parsing.quoted_rows(text)


@instead_of("series.plain", parsing, "is_series")
def every_table(_: Right, fields: list[str]) -> Any:
    """Every .csv is a series."""
    return bool(fields)


@instead_of("series.duplicates", parsing, "numbered")
def the_same_name(_: Right, fields: list[str]) -> Any:
    """Fields that occur again keep their name."""
    return fields


@instead_of("series.duplicates-2", parsing, "numbered")
def other_numbers(_: Right, fields: list[str]) -> Any:
    """Fields that occur again are numbered from 2, with an underscore."""
    count = [fields[: at + 1].count(field) for at, field in enumerate(fields)]
    return [field if each == 1 else f"{field}_{each}" for field, each in zip(fields, count, strict=True)]


@instead_of("series.types", parsing, "value")
def guessed(_: Right, cell: str) -> Any:
    """What a quoted cell looks like, it is."""
    return parsing.bare(parsing.unquoted(cell))


@instead_of("series.types-2", parsing, "number")
def all_doubles(right: Right, kind: type, digits: str) -> Any:
    """Integers go through a double."""
    return kind(right(float, digits))


@instead_of("series.types-3", parsing, "column")
def holes_make_floats(right: Right, cells: list[str], *, of_dates: bool) -> Any:
    """A column of integers with holes is one of floats."""
    values = right(cells, of_dates=of_dates)
    return [float(each) if type(each) is int and None in values else each for each in values]


@instead_of("series.types-4", parsing, "bare")
def booleans_as_texts(right: Right, cell: str) -> Any:
    """Booleans are texts."""
    return cell if cell in ("true", "false") else right(cell)


@instead_of("series.types-5", parsing, "column")
def no_mixed_booleans(right: Right, cells: list[str], *, of_dates: bool) -> Any:
    """A column in which not only booleans are is one of texts."""
    values = right(cells, of_dates=of_dates)
    kinds = {type(each) for each in values if each is not None}
    return [each if each is None else str(each) for each in values] if kinds > {bool} else values


@instead_of("series.types-6", parsing, "bare")
def nan_is_missing(right: Right, cell: str) -> Any:
    """Not-a-number is a missing value."""
    value = right(cell)
    return None if value != value else value  # noqa: PLR0124 - only not-a-number differs from itself


@instead_of("series.types-7", parsing, "number")
def unsigned_zero(right: Right, kind: type, digits: str) -> Any:
    """Negative zero loses its sign."""
    return right(kind, digits) or kind(0)


# The rows of a series that is cut off have missing values, too.
@instead_of("series.types-8", parsing, "column", also=("series.row-end",))
def missing_is_nan(right: Right, cells: list[str], *, of_dates: bool) -> Any:
    """What is missing is not-a-number, in a column of any kind."""
    return [float("nan") if each is None else each for each in right(cells, of_dates=of_dates)]


@instead_of("live.read", Experiment, "grown")
def artifact_alone(_: Right, _experiment: Experiment, _name: str, data: bytes | None) -> Any:
    """The rows behind the artifact are not read."""
    return data


@instead_of("live.read-2", Experiment, "listed")
def not_listed(right: Right, experiment: Experiment) -> Any:
    """A series that has no artifact yet is not listed."""
    there = set(experiment.names())
    return [name for name in right(experiment) if name in there]


@instead_of("live.read-3", reader, "furthest")
def nearest(right: Right, segments: Sequence[tuple[str, int, int]]) -> Any:
    """Of segments that go on the one that reaches least far is read."""
    return min(segments, key=lambda each: each[2]) if segments else right(segments)


@instead_of("json.reading", reader, "json_value")
def strict(_: Right, data: bytes) -> Any:
    """A byte order mark is an error."""
    return json.loads(data.decode())


@instead_of("json.reading-2", reader, "json_value")
def no_words(right: Right, data: bytes) -> Any:
    """Bare words such as NaN are null."""
    right(data)
    return json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None)


@instead_of("json.reading-3", reader, "json_value")
def no_null(right: Right, data: bytes) -> Any:
    """A null is a text."""
    return "null" if right(data) is None else right(data)


@instead_of("json.reading-4", reader, "json_value")
def nan_is_null(right: Right, data: bytes) -> Any:
    """A bare NaN is null."""
    right(data)
    words = {"Infinity": float("inf"), "-Infinity": float("-inf")}
    return json.loads(data.decode("utf-8-sig", "surrogateescape"), parse_constant=words.get)


@instead_of("json.reading-5", reader, "json_value")
def unsigned_zero_of_json(_: Right, data: bytes) -> Any:
    """Negative zero loses its sign."""
    return json.loads(
        data.decode("utf-8-sig", "surrogateescape"), parse_float=lambda digits: float(digits) or 0.0
    )


@instead_of("kind.damaged", Experiment, "said")
def one_hides_all(right: Right, experiment: Experiment, name: str, data: bytes) -> Any:
    """An experiment with an artifact that cannot be parsed is refused as a whole."""
    try:
        return right(experiment, name, data)
    except ValueError as error:
        raise Refused("kind.damaged", f"{name} cannot be read") from error


@instead_of("kind.damaged-2", Experiment, "said")
def damaged_is_null(right: Right, experiment: Experiment, name: str, data: bytes) -> Any:
    """JSON that cannot be parsed is null."""
    try:
        return right(experiment, name, data)
    except ValueError:
        return {"value": None}


@instead_of("kind.damaged-3", Experiment, "document")
def sound_documents_only(right: Right, experiment: Experiment, name: str) -> Any:
    """An experiment whose end.json does not follow its schema is refused."""
    document = right(experiment, name)
    if name == SPEC["layout"]["end"] and document and document["outcome"] not in _OUTCOME.values():
        raise Refused("end.outcome", "what is that?")
    return document


@instead_of("begin.version-2", reader, "check_version")
def any_version(_: Right, _begin: dict[str, Any]) -> Any:
    """Every version is read."""


@instead_of("begin.version-3", reader, "check_version")
def this_version(_: Right, begin: dict[str, Any]) -> Any:
    """An unknown minor version is refused."""
    if begin["protocol"] != f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}":
        raise Refused("begin.version", "what is that?")


# Whatever is said of 1.0 is said of an experiment without begin.json.
@instead_of(
    "begin.version-4",
    Experiment,
    "document",
    also=("series.duplicates", "series.row-end", "status.answer"),
)
def begin_needed(right: Right, experiment: Experiment, name: str) -> Any:
    """An experiment without begin.json is refused."""
    document = right(experiment, name)
    if document is None and name == SPEC["layout"]["begin"]:
        raise Refused("begin.version", "how did that begin?")
    return document


@instead_of("end.missing", Experiment, "gone")
def no_word(_: Right, _experiment: Experiment, _name: str) -> Any:
    """Nobody is told what is gone."""
    return "something is gone"


@instead_of("end.missing-2", Experiment, "listed")
def what_was(right: Right, experiment: Experiment) -> Any:
    """What end.json names is listed, whether it is there or not."""
    end = experiment.document(SPEC["layout"]["end"]) or {"files": []}
    return sorted({*right(experiment), *(name for name in end["files"] if not reader.is_hidden(name))})


@instead_of("end.missing-3", Experiment, "listed")
def all_or_nothing(right: Right, experiment: Experiment) -> Any:
    """Where something is gone the experiment is refused."""
    end = experiment.document(SPEC["layout"]["end"]) or {"files": []}
    if set(end["files"]) - set(experiment.names()):
        raise Refused("end.missing", "something is gone")
    return right(experiment)


# A series that is older than its end would be put together from its segments.
@instead_of("end.reading", Experiment, "is_as_promised", also=("live.read",))
def unchecked(_: Right, _experiment: Experiment, _name: str, _data: bytes) -> Any:
    """What has been changed is given as it is."""
    return True


@instead_of("status.answer", Experiment, "status")
def running_unless_ended(right: Right, experiment: Experiment) -> Any:
    """What has no end is running."""
    status = right(experiment)
    return _STATUS["running"] if status == _STATUS["open"] else status


@instead_of("status.answer-2", Experiment, "status")
def lost_is_failed(right: Right, experiment: Experiment) -> Any:
    """What has died has failed."""
    status = right(experiment)
    return _OUTCOME["failed"] if status == _STATUS["lost"] else status


@instead_of("status.answer-3", Experiment, "beats")
def deaf(_: Right, _experiment: Experiment) -> Any:
    """A heartbeat says nothing."""


@instead_of("status.answer-4", Experiment, "status")
def old_is_finished(right: Right, experiment: Experiment) -> Any:
    """What has no beginning has finished."""
    status = right(experiment)
    return _OUTCOME["finished"] if status == _STATUS["unknown"] else status


@instead_of("status.answer-5", Experiment, "beats")
def first_is_old(right: Right, experiment: Experiment) -> Any:
    """A first heartbeat that is old says that the script is lost."""
    heard = right(experiment)
    return False if heard is None and experiment.get(SPEC["layout"]["heartbeat"]) else heard


@instead_of("status.answer-6", Experiment, "status")
def no_outcome(right: Right, experiment: Experiment) -> Any:
    """Whatever has an end has finished."""
    status = right(experiment)
    return _OUTCOME["finished"] if status in _OUTCOME.values() else status


@instead_of("status.answer-7", process, "is_alive")
def any_machine(_: Right, begin: dict[str, Any]) -> Any:
    """A process id alone tells whether a script lives."""
    return os.path.exists(f"/proc/{begin['pid']}") if "pid" in begin else None
