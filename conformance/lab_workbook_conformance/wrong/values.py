"""Values in messages: what JSON has no spelling for is an object with one member (ADAPTER.md, *Values*)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lab_workbook_conformance.wrong.errors import Unsupported

# Beyond it not every integer is a double, so a reader of JSON may round it.
_PLAIN_MAX = 2**53


def heard(spelled: Any) -> Any:
    """Return the value that a message spells."""
    if isinstance(spelled, list):
        return [heard(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    if len(spelled) == 1:
        ((form, content),) = spelled.items()
        if form in _FORMS:
            return _FORMS[form](content)
        if form.startswith("$"):
            raise Unsupported(f"no value is spelled {form}")
    return {key: heard(item) for key, item in spelled.items()}


def said(value: Any) -> Any:
    """Return how a message spells a value."""
    if isinstance(value, list):
        return [said(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith("$"):
            return {"$pairs": [[said(key), said(item)] for key, item in value.items()]}
        return {key: said(item) for key, item in value.items()}
    if isinstance(value, float):
        return {"$float": _float(value)}
    if isinstance(value, int) and abs(value) > _PLAIN_MAX:
        return {"$int": str(value)}
    if isinstance(value, str) and not value.isascii():
        return _text(value)
    return value


def _float(value: float) -> str:
    return "nan" if math.isnan(value) else repr(value)


def _text(value: str) -> Any:
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"$bytes": data.hex()}


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _cycle(_: object) -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


_FORMS: dict[str, Callable[[Any], Any]] = {
    "$int": int,
    "$float": float,
    # What is not UTF-8 in it becomes lone surrogates, as Python reads the names of files.
    "$bytes": lambda digits: bytes.fromhex(digits).decode("utf-8", "surrogateescape"),
    "$pairs": lambda pairs: {heard(key): heard(item) for key, item in pairs},
    "$nested": _nested,
    "$cycle": _cycle,
    "$function": lambda _: heard,
}
