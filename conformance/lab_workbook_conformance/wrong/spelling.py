"""How values are written: cells and JSON. What cannot be written as it was given is counted."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong.errors import Refused

Lost = Counter[str]

_SERIES, _JSON = SPEC["series"], SPEC["json"]
_TEXTS, _INTEGERS = SPEC["loss"]["texts"], SPEC["loss"]["integers"]


def header(fields: Sequence[str]) -> str:
    """Return the first row of a series."""
    return ",".join([field(each) for each in fields] + [_SERIES["date_field"]]) + "\n"


def field(name: str) -> str:
    """Return a field of the header, quoted only where it must be."""
    must = name != name.strip() or name.startswith("\ufeff") or re.search('[,"\r\n]', name)
    return quoted(name) if must else name


def row(fields: Sequence[str], values: Mapping[str, Any], date: str, lost: Lost) -> str:
    """Return a row: a cell for each field, and the date."""
    return ",".join([cell(values.get(each), lost) for each in fields] + [date]) + "\n"


def cell(value: Any, lost: Lost) -> str:
    """Return the one spelling of a value."""
    if value is None:
        return missing()
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, int):
        return integer(value, lost)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return text(value, lost)
    return other(value)


def missing() -> str:
    """Return the cell of what was not given."""
    return str(_SERIES["missing"])


def boolean(value: bool) -> str:  # noqa: FBT001 - a boolean is what this is about
    """Return the cell of a boolean."""
    return str(_SERIES["true"] if value else _SERIES["false"])


def integer(value: int, lost: Lost) -> str:
    """Return the cell of an integer."""
    if _SERIES["integer_min"] <= value <= _SERIES["integer_max"]:
        return str(value)
    lost[_INTEGERS] += 1
    return beyond(value)


def beyond(value: int) -> str:
    """Return the cell of an integer that has no 64 bits."""
    return number(_nearest(value))


def number(value: float) -> str:
    """Return the cell of a float: 15 digits where they read back as the same double, else 17."""
    if not math.isfinite(value):
        return special(value)
    short = f"{value:.15g}"
    digits = short if float(short) == value else f"{value:.17g}"
    return digits if re.search("[.e]", digits) else integral(digits)


def special(value: float) -> str:
    """Return the cell of what is no finite number."""
    if math.isnan(value):
        return str(_SERIES["nan"])
    return str(_SERIES["infinity"]) if value > 0 else f"-{_SERIES['infinity']}"


def integral(digits: str) -> str:
    """Return the cell of a float whose digits look like an integer."""
    return f"{digits}.0"


def text(value: str, lost: Lost) -> str:
    """Return the cell of a text."""
    return quoted(mended(value.replace("\0", SPEC["text"]["replacement"]), lost, was=value))


def quoted(value: str) -> str:
    """Return a text in quotes, each quote in it doubled."""
    return '"' + value.replace('"', '""') + '"'


def other(value: Any) -> str:
    """Refuse a value that is none of these."""
    raise Refused("series.value", f"a {type(value).__name__} is no cell: make a number or a text of it")


def mended(value: str, lost: Lost, *, was: str | None = None) -> str:
    """Return a text with U+FFFD for each byte that is not UTF-8; count it where it is not as it ``was``."""
    sound = re.sub("[\ud800-\udfff]", SPEC["text"]["replacement"], value)
    lost[_TEXTS] += sound != (value if was is None else was)
    return sound


def json_text(value: Any, lost: Lost) -> bytes:
    """Return the bytes of a JSON artifact."""
    return json.dumps(plain(value, 1, lost), ensure_ascii=False, allow_nan=False).encode()


def plain(value: Any, depth: int, lost: Lost) -> Any:
    """Return a value as strict JSON can hold it; ``depth`` counts the arrays and objects around and of it."""
    if isinstance(value, (list, dict)):
        check_depth(depth)
        return plain_list(value, depth, lost) if isinstance(value, list) else plain_object(value, depth, lost)
    if isinstance(value, str):
        return mended(value, lost)
    if isinstance(value, float) and not math.isfinite(value):
        return plain_special(value)
    if isinstance(value, int) and math.isinf(_nearest(value)):
        lost[_INTEGERS] += 1
        return plain_special(_nearest(value))
    return value if value is None or isinstance(value, (bool, int, float)) else plain_other(value)


def check_depth(depth: int) -> None:
    """Refuse what is too deep, which a value that contains itself is too."""
    if depth > _JSON["max_depth"]:
        raise Refused("json.depth", f"this is more than {_JSON['max_depth']} levels deep, or contains itself")


def plain_list(value: list[Any], depth: int, lost: Lost) -> list[Any]:
    """Return an array."""
    items = []
    # No comprehension, which would need two levels of Python's stack for each one of JSON.
    for item in value:
        items.append(plain(item, depth + 1, lost))  # noqa: PERF401 - as said
    return items


def plain_object(value: dict[Any, Any], depth: int, lost: Lost) -> dict[str, Any]:
    """Return an object, whose keys are texts."""
    items: dict[str, Any] = {}
    for key, item in value.items():
        name = mended(plain_key(key), lost)
        if name in items:
            same_key(name)
        items[name] = plain(item, depth + 1, lost)
    return items


def plain_key(key: Any) -> str:
    """Return a key as a text."""
    if isinstance(key, str):
        return key
    if isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise Refused("json.value", f"a {type(key).__name__} is no key")


def same_key(name: str) -> None:
    """Refuse a second key with the same text."""
    raise Refused("json.keys", f"two keys are {name!r} in JSON")


def plain_special(value: float) -> Any:
    """Return the text of what is no finite number."""
    if math.isnan(value):
        return _JSON["nan"]
    return _JSON["infinity"] if value > 0 else _JSON["negative_infinity"]


def plain_other(value: Any) -> Any:
    """Refuse a value that JSON has not."""
    raise Refused("json.value", f"a {type(value).__name__} has no JSON")


def _nearest(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
