"""Writers that are wrong about JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from lab_workbook_conformance.wrong import spelling
from lab_workbook_conformance.wrong.errors import Refused, Unsupported
from lab_workbook_conformance.wrong.table import Right, instead_of


@instead_of("json.strict", spelling, "json_text")
def single_quotes(right: Right, *given: Any) -> Any:
    """JSON is what Python prints."""
    return repr(json.loads(right(*given))).encode("utf-8", "surrogateescape")


@instead_of("json.strict-2", spelling, "json_text")
def byte_order_mark(right: Right, *given: Any) -> Any:
    """JSON begins with a byte order mark."""
    return b"\xef\xbb\xbf" + right(*given)


@instead_of("json.strict-3", spelling, "json_text")
def latin(right: Right, *given: Any) -> Any:
    """JSON is in Latin 1 where it can be."""
    return right(*given).decode().encode("latin-1", "backslashreplace")


@instead_of("json.strict-4", spelling, "json_text")
def more_comma(right: Right, *given: Any) -> Any:
    """There is a comma behind the last item."""
    return right(*given).replace(b"]", b",]").replace(b"[,]", b"[]")


@instead_of("json.numbers", spelling, "plain")
def fourteen_digits(right: Right, value: Any, *given: Any) -> Any:
    """Floats have 14 digits, as lua-cjson wrote them."""
    return right(float(f"{value:.14g}") if isinstance(value, float) else value, *given)


@instead_of("json.numbers-2", spelling, "plain")
def doubles(right: Right, value: Any, *given: Any) -> Any:
    """Integers go through a double."""
    is_integer = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return right(int(float(value)) if is_integer else value, *given)


@instead_of("json.numbers-3", spelling, "plain")
def no_negative_zero(right: Right, value: Any, *given: Any) -> Any:
    """Negative zero loses its sign."""
    return right(value or 0.0 if isinstance(value, float) else value, *given)


@instead_of("json.numbers-4", spelling, "plain")
def ones_are_true(right: Right, value: Any, *given: Any) -> Any:
    """The integer 1 is written as true."""
    return True if type(value) is int and value == 1 else right(value, *given)


@instead_of("json.numbers-5", spelling, "plain")
def every_zero_is_negative(right: Right, value: Any, *given: Any) -> Any:
    """The integer 0 is written as negative zero."""
    return -0.0 if type(value) is int and value == 0 else right(value, *given)


# An integer that no double comes near is one of them.
@instead_of("json.special", spelling, "plain_special", also=("json.numbers",))
def null(_: Right, _value: float) -> Any:
    """Not-a-number and the infinities are null."""
    return None


@instead_of("json.special-2", spelling, "json_text")
def bare(right: Right, *given: Any) -> Any:
    """Not-a-number and the infinities are bare words, as Python writes them."""
    data = right(*given)
    for word in (b"NaN", b"-Infinity", b"Infinity"):
        data = data.replace(b'"' + word + b'"', word)
    return data


@instead_of("json.special-3", spelling, "plain_special", also=("json.numbers",))
def as_in_cells(_: Right, value: float) -> Any:
    """Not-a-number and the infinities are spelled as in a series."""
    return spelling.special(value)


@instead_of("json.special-4", spelling, "plain_special")
def refused(right: Right, value: float) -> Any:
    """Not-a-number is refused."""
    if math.isnan(value):
        raise Refused("json.special", "a number, please")
    return right(value)


@instead_of("json.special-5", spelling, "plain_special")
def unsupported(right: Right, value: float) -> Any:
    """Infinities are called unsupported."""
    if math.isinf(value):
        raise Unsupported("there is no such number here")
    return right(value)


@instead_of("json.depth", spelling, "check_depth")
def deeper(right: Right, depth: int) -> Any:
    """A JSON value may be 600 levels deep."""
    right(0 if depth <= 600 else depth)


@instead_of("json.depth-2", spelling, "check_depth")
def less_deep(right: Right, depth: int) -> Any:
    """A JSON value may be 511 levels deep."""
    right(depth + 1)


@instead_of("json.keys", spelling, "same_key")
def last_key(_: Right, _name: str) -> Any:
    """Of two keys with one text the last one counts."""


@instead_of("json.value", spelling, "plain_other")
def as_it_prints(_: Right, value: Any) -> Any:
    """A value of another type is written as it prints."""
    return str(value)


@instead_of("json.value-2", spelling, "plain_other")
def nothing(_: Right, _value: Any) -> Any:
    """A value of another type is null."""
    return None


@instead_of("json.value-3", spelling, "plain")
def texts_for_booleans(right: Right, value: Any, *given: Any) -> Any:
    """Booleans are texts."""
    return right(str(value).lower() if isinstance(value, bool) else value, *given)


@instead_of("json.value-4", spelling, "plain_object")
def no_nulls(right: Right, value: dict[Any, Any], *given: Any) -> Any:
    """What is null or false is left out."""
    return right({key: item for key, item in value.items() if item is not None and item is not False}, *given)


@instead_of("json.value-5", spelling, "plain_list")
def objects_for_arrays(right: Right, value: list[Any], *given: Any) -> Any:
    """An array is an object with numbers for keys."""
    return {str(at): item for at, item in enumerate(right(value, *given), start=1)}


@instead_of("json.value-6", spelling, "json_text")
def only_objects(right: Right, value: Any, *given: Any) -> Any:
    """A small integer that is no part of a table is wrapped in one."""
    is_small = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return right({"value": value} if is_small else value, *given)
