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
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final

from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import _spec
from lab_workbook.protocol.scalars import held
from lab_workbook.protocol.text import mended

Report = Callable[[str], None]
Convert = Callable[[Any], Any]

_KNOWN = (dict, list, tuple, str, int, float, type(None))
# An enumeration whose value is a path is two conversions away from a text.
_CONVERSIONS = 4


def _same(value: Any) -> Any:
    return value


def encode(value: object, report: Report, convert: Convert = _same, *, change: Convert = _same) -> bytes:
    """
    Return the bytes of a JSON artifact.

    Dictionaries, lists, tuples, texts, numbers, booleans, None and scalars with ``.item()`` (numpy,
    torch) have a rule; ``convert`` is asked first what values of other types stand for. ``report`` is
    called with ``"texts"`` when a text was not valid Unicode, and with ``"integers"`` when an integer is
    so large that no double comes near it. ``change`` is given all of it at last, made of what JSON has.

    Raises:
        InvalidValue: another type, a cycle, more than 512 levels, or two keys with the same text.
    """
    plain = change(_plain(value, report, convert))
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()


def decode(data: bytes) -> Any:
    """
    Return the value of any JSON text, also with a byte order mark or Python's bare ``NaN``.

    Raises:
        ValueError: it is not JSON, or nested more deeply than what can be written.
    """
    # What is deeper could be read by some versions of Python, and then not be shown or written again.
    if data.count(b"[") + data.count(b"{") > _spec.JSON_MAX_DEPTH and _depth(data) > _spec.JSON_MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _depth(data: bytes) -> int:
    """Return how deeply a JSON text is nested."""
    brackets = _STRING.sub(b"", data).translate(None, _OTHERS)
    return max(accumulate(map(_LEVELS.__getitem__, brackets)), default=0)


# It matches also where a text has no end, because a search that fails begins again at each quote.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.?)*(?:"|\Z)', re.DOTALL)
_LEVELS: Final = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
_OTHERS: Final = bytes(set(range(256)) - set(_LEVELS))


def _plain(value: Any, report: Report, convert: Convert) -> Any:
    """Return a copy of the value that is made of what strict JSON has, and of nothing else."""
    holder: list[Any] = [None]
    # A list of what is still to be done, because 512 nested calls would come near Python's own limit.
    # The last goes first, so that a cycle soon meets the limit instead of growing in breadth.
    todo: list[tuple[Any, Any, Any, int]] = [(holder, 0, value, 1)]
    while todo:
        place, key, item, level = todo.pop()
        for _ in range(_CONVERSIONS):
            if isinstance(item, _KNOWN):
                break
            item = convert(item)
        children: list[tuple[Any, Any]]
        if isinstance(item, dict):
            place[key] = _keys(item, report)
            children = list(zip(place[key], item.values(), strict=True))
        elif isinstance(item, (list, tuple)):
            place[key] = [None] * len(item)
            children = list(enumerate(item))
        else:
            place[key] = _scalar(item, report)
            continue
        _check_level(level)
        todo += [(place[key], name, child, level + 1) for name, child in children]
    return holder[0]


def _check_level(level: int) -> None:
    if level > _spec.JSON_MAX_DEPTH:
        raise InvalidValue(
            "json.depth", f"the value is deeper than {_spec.JSON_MAX_DEPTH} levels, or contains itself"
        )


def _scalar(value: Any, report: Report) -> Any:
    value = value if isinstance(value, _KNOWN) else _item(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, report)
    if isinstance(value, int):
        return _integer(int(value), report)
    return _number(float(value))


def _text(value: str, report: Report) -> str:
    # Not str(value): an enumeration that is a text has a name for that, and would lose its value.
    return str.__str__(value) if value.isascii() else mended(value, report, keep_nul=True)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return _spec.JSON_NAN
    return _spec.JSON_INFINITY if value > 0 else _spec.JSON_NEGATIVE_INFINITY


def _integer(value: int, report: Report) -> int | str:
    try:
        float(value)
    except OverflowError:
        # Readers would make infinity of so many digits, and Python itself refuses to print 4,301 of them.
        report(_spec.LOSS_INTEGERS)
        return _spec.JSON_INFINITY if value > 0 else _spec.JSON_NEGATIVE_INFINITY
    return value


def _keys(table: dict[Any, Any], report: Report) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for key in table:
        text = _key(key, report)
        if text in keys:
            raise InvalidValue("json.keys", f"two keys of one object are written as {text!r}: rename one")
        keys[text] = None
    return keys


def _key(key: Any, report: Report) -> str:
    if isinstance(key, str):
        return _text(key, report)
    # As the standard library spells keys that are not texts.
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    if isinstance(key, (int, float)):
        return str(_scalar(key, report))
    raise InvalidValue("json.keys", f"a key must be a text or a number, not {type(key).__name__}")


def _item(value: Any) -> Any:
    try:
        return held(value)
    except TypeError:
        kind = type(value)
        raise InvalidValue(
            "json.value",
            f"a {kind.__module__}.{kind.__qualname__} has no rule in JSON: convert it first, or leave it out"
            " (str(x), vars(x), array.tolist())",
        ) from None
