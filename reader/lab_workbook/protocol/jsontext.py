"""
JSON as artifacts hold it: strict, exact, and the same for every reader.

>>> encode({"learningRate": 0.001, "best": float("nan")}, report=print)
b'{"learningRate": 0.001, "best": "NaN"}'

Not-a-number and the infinities are the texts of the proto3 JSON mapping, because strict JSON has no
numbers for them: https://protobuf.dev/programming-guides/json/.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import _spec
from lab_workbook.protocol.text import mended

Report = Callable[[str], None]


def encode(value: object, report: Report) -> bytes:
    """
    Return the bytes of a JSON artifact.

    Dictionaries, lists, tuples, texts, numbers, booleans, None and scalars with ``.item()`` (numpy,
    torch) have a rule. ``report`` is called with ``"texts"`` when a text was not valid Unicode.

    Raises:
        InvalidValue: another type, a cycle, more than 512 levels, or two keys with the same text.
    """
    plain = _plain(value, report, 0)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()


def decode(data: bytes) -> Any:
    """
    Return the value of any JSON text, also with a byte order mark or Python's bare ``NaN``.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _plain(value: Any, report: Report, depth: int) -> Any:
    if depth > _spec.JSON_MAX_DEPTH:
        raise InvalidValue(
            "json.depth", f"the value is deeper than {_spec.JSON_MAX_DEPTH} levels, or contains itself"
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, report)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, dict):
        return _object(value, report, depth)
    if isinstance(value, (list, tuple)):
        return [_plain(item, report, depth + 1) for item in value]
    return _plain(_item(value), report, depth + 1)


def _text(value: str, report: Report) -> str:
    return str(value) if value.isascii() else mended(value, report, keep_nul=True)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return _spec.JSON_NAN
    return _spec.JSON_INFINITY if value > 0 else _spec.JSON_NEGATIVE_INFINITY


def _object(table: dict[Any, Any], report: Report, depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in table.items():
        text = _key(key, report)
        if text in plain:
            raise InvalidValue("json.keys", f"two keys of one object are written as {text!r}: rename one")
        plain[text] = _plain(value, report, depth + 1)
    return plain


def _key(key: Any, report: Report) -> str:
    if isinstance(key, str):
        return _text(key, report)
    # As the standard library spells keys that are not texts.
    if key is None or isinstance(key, (bool, int, float)):
        return str(_plain(key, report, 0)) if isinstance(key, float) else json.dumps(key)
    raise InvalidValue("json.keys", f"a key must be a text or a number, not {type(key).__name__}")


def _item(value: Any) -> Any:
    try:
        item = value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):
        item = value
    # The same object again, or another without a rule, would never come to an end.
    if not isinstance(item, (str, int, float, bool, type(None))):
        kind = type(value)
        raise InvalidValue(
            "json.value",
            f"a {kind.__module__}.{kind.__qualname__} has no rule in JSON: convert it first"
            " (vars(options), dataclasses.asdict(x), array.tolist(), str(path))",
        )
    return item
