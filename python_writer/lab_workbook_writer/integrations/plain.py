"""
What frameworks hand over, made into what can be recorded.

A logger of a framework is given whatever a script has: nested tables, lists, layers, functions. A number
keeps its exact value; what has no rule is left out of a row, or told as a text among options.

>>> scalars({"loss": {"train": 0.5}, "image": [1, 2]})
({'loss/train': 0.5}, ['image'])
>>> told({"rate": 0.1, "layers": (3, 4), "activation": max})
{'rate': 0.1, 'layers': (3, 4), 'activation': 'builtins.max'}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lab_workbook.errors import InvalidName, Misuse
from lab_workbook.protocol import jsontext, names
from lab_workbook.protocol.scalars import held

# A value among options that has no rule is a help to a person, and none of them reads more.
_LONGEST_REPR: Final = 200
_DEEPEST: Final = 30


def scalars(values: Mapping[Any, Any], prefix: str = "") -> tuple[dict[str, Any], list[str]]:
    """Return what a row can hold, flat, and the names of what it cannot."""
    row: dict[str, Any] = {}
    left_out: list[str] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and name.count("/") < _DEEPEST:
            inner, inner_left_out = scalars(value, f"{name}/")
            row.update(inner)
            left_out += inner_left_out
        elif value is None or isinstance(value, (str, int, float)):
            row[name] = value
        else:
            try:
                row[name] = held(value)
            except TypeError:
                left_out.append(name)
    return row, left_out


def told(value: Any, level: int = 0) -> Any:
    """Return the value where JSON has a rule for it; else with texts in the place of what has none."""
    try:
        jsontext.encode(value, _quiet)
    except Misuse:
        if level >= _DEEPEST:
            return _shown(value)
        if isinstance(value, Mapping):
            return {str(key): told(each, level + 1) for key, each in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [told(each, level + 1) for each in value]
        return _shown(value)
    return value


def file_name(text: str) -> str:
    """
    Return a text as the name of an artifact, with ``_`` for what no file can be called.

    >>> file_name("loss/train: epoch 1.")
    'loss/train: epoch 1_'
    """
    parts = [_part(part) for part in str(text).split("/")]
    try:
        return names.check("/".join(part for part in parts if part) or "_")
    except InvalidName:
        return names.check(re.sub(r"[^A-Za-z0-9_-]", "_", str(text))[:100] or "_")


def _part(part: str) -> str:
    part = re.sub("[\x00-\x1f\x7f-\x9f\\\\]", "_", part).strip(" ")
    return f"{part[:-1]}_" if part.endswith(".") else part


def _shown(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(value, '__module__', None) or 'builtins'}.{name}"
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - a faulty __repr__ of the user's may raise anything
        shown = f"<{type(value).__module__}.{type(value).__qualname__}>"
    return shown if len(shown) <= _LONGEST_REPR else f"{shown[: _LONGEST_REPR - 3]}..."


def _quiet(_: str) -> None:
    """Report nothing: what is encoded here is not what is saved."""
