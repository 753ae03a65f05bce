"""
Everything that a writer may be asked to record, as Hypothesis strategies.

Each covers the widest range that the spec allows and shrinks to something short. They know the spec
alone, so that they can judge any writer and any reader.

>>> names().example()
'train/loss'
>>> tables().example()
Table(fields=['epoch', 'note'], rows=[{'epoch': 1, 'note': 'a, "b"'}])
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

Row = dict[str, Any]

_INT64 = 2**63
_PART_MAX_BYTES = 255
_NAME_MAX_BYTES = 500
_RESERVED = ".lab-workbook"


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


def cells() -> st.SearchStrategy[Any]:
    """Values that a cell of a series can hold: missing, booleans, 64-bit integers, floats and texts."""
    return st.one_of(st.none(), st.booleans(), integers(), st.floats(), texts())


def integers() -> st.SearchStrategy[int]:
    """Integers of 64 bits, with the edges of what a double holds exactly."""
    edges = [2**53, 2**53 + 1, -(2**53) - 1, _INT64 - 1, -_INT64]
    return st.one_of(st.integers(-_INT64, _INT64 - 1), st.sampled_from(edges))


def fields() -> st.SearchStrategy[list[str]]:
    """Fields of a series: at least one, not empty, distinct, and none is ``Date``."""
    field = texts(min_size=1, max_size=20).filter(lambda text: text not in ("", "Date"))
    return st.lists(field, min_size=1, max_size=6, unique=True)


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
    keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    return st.recursive(
        st.one_of(st.none(), st.booleans(), numbers, keys),
        lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
        max_leaves=20,
    )


def _name_parts() -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\")
    odd = st.text(st.sampled_from("ab .'\"$;&|*?é雪🙂-%"), min_size=1, max_size=10)
    return st.one_of(st.text(characters, min_size=1, max_size=40), odd).filter(_is_part)


def _is_part(part: str) -> bool:
    return part == part.strip(" ") and not part.endswith(".")


def _fits(name: str) -> bool:
    longest = max(len(part.encode()) for part in name.split("/"))
    return longest <= _PART_MAX_BYTES and len(name.encode()) <= _NAME_MAX_BYTES
