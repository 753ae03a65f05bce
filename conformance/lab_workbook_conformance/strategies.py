"""
Everything that a writer may be asked to record, as Hypothesis strategies.

Each covers the widest range that the spec allows and shrinks to something short. They know the spec
alone, so that they can judge any writer and any reader. What must be refused is in ``misuses``.

>>> names().example()
'train/loss'
>>> tables().example()
Table(fields=['epoch', 'note'], rows=[{'epoch': 1, 'note': 'a, "b"'}])
>>> experiments().example()
[['newExperiment', {}], ['saveText', 'notes', ''], ['saveText', 'notes', 'x'], ['close']]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from lab_workbook_conformance.constants import SPEC

Row = dict[str, Any]
Step = list[Any]

_INT64 = 2**63
_PART_MAX_BYTES = 255
_NAME_MAX_BYTES = 500
# Of the year 2200; many a table ends not long after.
_LAST_SECOND = 7_289_654_399
_RESERVED = ".lab-workbook"
# The verbs that save something under a name, and the suffix that each adds.
SUFFIXES: dict[str, str] = {
    verb: SPEC["kind"][kind]["suffix"]
    for verb, kind in {
        "saveText": "text",
        "saveJSON": "json",
        "newTimeSeriesLog": "series",
        "saveFile": "file",
    }.items()
}


class Table(NamedTuple):
    """The fields of a series and its rows, each with a value for every field."""

    fields: list[str]
    rows: list[Row]


def texts(*, min_size: int = 0, max_size: int | None = 50) -> st.SearchStrategy[str]:
    """Texts that are recorded as they are: any Unicode but halves of surrogate pairs and NUL."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    # The second kind is made of what breaks careless quoting and type guessing.
    troublesome = st.one_of(
        st.text(st.sampled_from(",\"\n\r\t ;#\\'a1"), min_size=min_size, max_size=max_size),
        st.sampled_from(
            ["nil", "nan", "NA", "null", "None", "true", "inf", "-1", "007", "1e5", "2016-02-12T22:17:34Z"]
        ),
    )
    return st.one_of(st.text(characters, min_size=min_size, max_size=max_size), troublesome)


def names(suffix: str = "") -> st.SearchStrategy[str]:
    """Names as a caller gives them, so that with the kind's ``suffix`` they obey all rules ``name.*``."""
    return (
        st.lists(_name_parts(), min_size=1, max_size=4)
        .map("/".join)
        .filter(lambda name: _fits(name + suffix) and name.partition("/")[0].lower() != _RESERVED)
    )


def tags() -> st.SearchStrategy[str]:
    """Tags as a caller chooses them."""
    return names().map(lambda name: name.partition("/")[0]).filter(_is_tag)


def _is_tag(text: str) -> bool:
    return len(text.encode()) <= int(SPEC["tag"]["max_bytes"])


def cells() -> st.SearchStrategy[Any]:
    """Values that a cell of a series can hold: missing, booleans, 64-bit integers, floats and texts."""
    return st.one_of(st.none(), st.booleans(), integers(), st.floats(), texts())


def integers() -> st.SearchStrategy[int]:
    """Integers of 64 bits, with the edges of what a double holds exactly."""
    edges = [2**53, 2**53 + 1, -(2**53) - 1, _INT64 - 1, -_INT64]
    return st.one_of(st.integers(-_INT64, _INT64 - 1), st.sampled_from(edges))


def fields() -> st.SearchStrategy[list[str]]:
    """Fields of a series: at least one, not empty, distinct, none is ``Date`` or named like a secret."""
    field = texts(min_size=1, max_size=20).filter(
        lambda text: text not in ("", "Date") and _is_innocent(text)
    )
    return st.lists(field, min_size=1, max_size=6, unique=True)


def _is_innocent(name: str) -> bool:
    """Return whether a name has nothing of the names of secrets, whose texts a writer may redact."""
    return not any(hint in name.lower() for hint in SPEC["secret"]["hints"])


@st.composite
def rows(draw: st.DrawFn, fields: list[str], *, max_size: int = 12) -> list[Row]:
    """Rows of a series. Some columns are of one type with holes, some mix all of them."""
    kinds = st.sampled_from(
        [
            integers(),
            st.floats(),
            st.booleans(),
            texts(),
            st.one_of(integers(), st.none()),
            st.one_of(st.floats(), st.none()),
            st.one_of(st.booleans(), st.none()),
            st.one_of(texts(), st.none()),
            cells(),
        ]
    )
    columns = {field: draw(kinds) for field in fields}
    return draw(st.lists(st.fixed_dictionaries(columns), max_size=max_size))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Series: fields, and rows that fit them."""
    header = draw(fields())
    return Table(header, draw(rows(header)))


def json_values(*, numbers: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """
    Values of JSON artifacts that come back as they went.

    ``numbers`` narrows the numbers for a language that has fewer; not-a-number and infinities are
    left out, because they come back as texts.
    """
    if numbers is None:
        numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
    keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(_is_innocent)
    return st.recursive(
        st.one_of(st.none(), st.booleans(), numbers, keys),
        lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
        max_leaves=20,
    )


def json_numbers() -> st.SearchStrategy[Any]:
    """Numbers that every writer has JSON for: integers of 64 bits, and floats, not-a-number too."""
    return st.one_of(integers(), st.floats())


def odd_texts() -> st.SearchStrategy[str]:
    """
    Texts that have to be mended: with bytes that are not UTF-8, each a lone surrogate as Python reads them.

    >>> odd_texts().example()
    'a\udced\udca0\udc80'
    """
    halves = st.sampled_from([b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbf\xbf"])
    # A language whose texts are UTF-16 can hold halves of pairs, and no other odd bytes.
    odd = st.one_of(halves, st.binary(min_size=1, max_size=4))
    # The colon keeps two halves from becoming a whole.
    pieces = st.tuples(texts(max_size=5), odd).map(lambda pair: pair[0].encode() + b":" + pair[1])
    return (
        st.lists(pieces, min_size=1, max_size=3)
        .map(lambda found: b"".join(found).decode("utf-8", "surrogateescape"))
        .filter(lambda text: any("\ud800" <= character <= "\udfff" for character in text))
    )


@st.composite
def interleavings(draw: st.DrawFn, threads: Sequence[Sequence[Step]]) -> list[Step]:
    """
    One order of the steps of several threads, each of which keeps its own; the first comes first in the end.

    >>> interleavings([[["flush"]], [["saveText", "a", ""], ["saveText", "a", "b"]]]).example()
    [['saveText', 'a', ''], ['flush'], ['saveText', 'a', 'b']]
    """
    waiting = [list(thread) for thread in threads if thread]
    steps = []
    while waiting:
        thread = waiting[draw(st.integers(0, len(waiting) - 1))]
        steps.append(thread.pop(0))
        waiting = [each for each in waiting if each]
    return steps


# What happens to one artifact: its verb, its name, and its steps.
Life = tuple[str, str, list[Step]]


@st.composite
def experiments(
    draw: st.DrawFn,
    verbs: Collection[str] = tuple(SUFFIXES),
    change: Callable[[Life], st.SearchStrategy[list[Step]]] = lambda life: st.just(life[2]),
) -> list[Step]:
    """
    Whole experiments that obey all rules, as steps with plain values, for a writer that has these verbs.

    Several series grow at once, and artifacts are saved again, in any order. ``change`` may add steps to
    those of an artifact.
    """
    verb = st.sampled_from([verb for verb in SUFFIXES if verb in verbs])
    wanted = draw(st.lists(verb.flatmap(_named), min_size=1, max_size=4))
    verb_of = {name + SUFFIXES[verb]: (verb, name) for verb, name in wanted}
    kept = [verb_of[whole] for whole in _side_by_side(list(verb_of))]
    threads = [draw(change((verb, name, draw(_lives(verb, name))))) for verb, name in kept]
    options = draw(st.fixed_dictionaries({}, optional={"note": texts()}))
    flushes = draw(st.lists(st.just(["flush"]), max_size=1)) if "flush" in verbs else []
    return [["newExperiment", options], *draw(interleavings([*threads, flushes])), ["close"]]


def _named(verb: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(verb), names(SUFFIXES[verb]))


def name_sets() -> st.SearchStrategy[list[str]]:
    """Names of one experiment, which can lie side by side."""
    return st.lists(names(), min_size=1, max_size=6).map(_side_by_side)


def _side_by_side(names: list[str]) -> list[str]:
    """Leave out the names that cannot lie beside one before them (``name.unique``)."""
    kept: list[str] = []
    for name in names:
        mine = f"{folded(name)}/"
        others = [f"{folded(other)}/" for other in kept]
        if not any(mine.startswith(other) or other.startswith(mine) for other in others):
            kept.append(name)
    return kept


def folded(name: str) -> str:
    """Return a name with its ASCII letters in lower case, and no others."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _lives(verb: str, name: str) -> st.SearchStrategy[list[Step]]:
    """All that happens to one artifact."""
    if verb == "newTimeSeriesLog":
        return _series(name)
    contents: dict[str, st.SearchStrategy[Any]] = {
        "saveText": texts(),
        "saveJSON": json_values(numbers=json_numbers()),
        "saveFile": st.binary(max_size=50).map(lambda data: data.decode("utf-8", "surrogateescape")),
    }
    return st.lists(contents[verb].map(lambda content: [verb, name, content]), min_size=1, max_size=3)


@st.composite
def _series(draw: st.DrawFn, name: str) -> list[Step]:
    table = draw(tables())
    every = draw(st.one_of(st.just([]), st.integers(1, 2**31).map(lambda count: [count])))
    # What a row leaves out is missing as well.
    is_sparse = draw(st.booleans())
    logged = [
        {field: cell for field, cell in row.items() if cell is not None or not is_sparse}
        for row in table.rows
    ]
    return [["newTimeSeriesLog", name, table.fields, *every], *(["log", name, row] for row in logged)]


def series_texts() -> st.SearchStrategy[str]:
    r"""
    Series as a right writer leaves them, for readers.

    >>> series_texts().example()
    'epoch,"a,b",Date\n1,nil,2016-02-12T22:17:34Z\n'
    """
    return tables().flatmap(_series_text)


@st.composite
def _series_text(draw: st.DrawFn, table: Table) -> str:
    dates = st.integers(0, _LAST_SECOND).map(_date)
    lines = [",".join([*map(_header_cell, table.fields), SPEC["series"]["date_field"]])]
    lines += [",".join([*map(_cell, row.values()), draw(dates)]) for row in table.rows]
    return "\n".join([*lines, ""])


def _date(seconds: int) -> str:
    return time.strftime(SPEC["series"]["date_format"], time.gmtime(seconds))


def _header_cell(field: str) -> str:
    is_bare = field == field.strip() and not field.startswith("\ufeff") and not set(field) & set(',"\r\n')
    return field if is_bare else _quoted(field)


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _quoted(value)
    # Seventeen digits are never wrong, only longer than a writer may make them.
    return f"{value:.16e}" if isinstance(value, float) and value % 1 else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@st.composite
def torn_series(draw: st.DrawFn) -> str:
    r"""
    Series that end anywhere behind their header; half a character is lone surrogates.

    >>> torn_series().example()
    'epoch,note,Date\n1,"to'
    """
    text = draw(series_texts())
    data, body = text.encode(), _series_body(text).encode()
    torn = data[: len(data) - draw(st.integers(0, len(body)))]
    return torn.decode("utf-8", "surrogateescape")


def _series_body(text: str) -> str:
    """Return what follows the header."""
    is_quoted = False
    for at, character in enumerate(text):
        is_quoted ^= character == '"'
        if character == "\n" and not is_quoted:
            return text[at + 1 :]
    return ""


def json_texts() -> st.SearchStrategy[str]:
    """
    JSON as any program may write it, in several layouts, also with the words that only Python has.

    >>> json_texts().example()
    '{"a": NaN}'
    """
    values = json_values(numbers=json_numbers())
    return st.builds(_dumped, values, st.booleans(), st.sampled_from([None, 0, 2]))


def _dumped(value: Any, is_ascii: bool, indent: int | None) -> str:  # noqa: FBT001 - drawn by chance
    return json.dumps(value, ensure_ascii=is_ascii, indent=indent)


def _name_parts() -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\")
    odd = st.text(st.sampled_from("ab .'\"$;&|*?é雪🙂-%"), min_size=1, max_size=10)
    return st.one_of(st.text(characters, min_size=1, max_size=40), odd).filter(_is_part)


def _is_part(part: str) -> bool:
    return part == part.strip(" ") and not part.endswith(".")


def _fits(name: str) -> bool:
    longest = max(len(part.encode()) for part in name.split("/"))
    return longest <= _PART_MAX_BYTES and len(name.encode()) <= _NAME_MAX_BYTES
