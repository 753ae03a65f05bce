"""What is wrong with the bytes of a JSON artifact, and do they say what was saved?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from lab_workbook_conformance import comparison
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.mending import is_sound, mended

_SPELLING = SPEC["json"]


class _Findings(set[str]):
    """The broken rules that only the parser sees: its hooks."""

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) < len(items):
            self.add("json.keys")
        return dict(items)

    def constant(self, name: str) -> str:
        self.add("json.special")
        return name

    def number(self, text: str) -> float:
        if math.isinf(float(text)):
            self.add("json.numbers")
        return float(text)


def broken_rules(data: bytes) -> list[str]:
    """Return the rules ``json.*`` that these bytes break."""
    broken = _Findings()
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=broken.pairs,
            parse_constant=broken.constant,
            parse_float=broken.number,
            parse_int=broken.number,
        )
    except ValueError:
        return ["json.strict"]
    except RecursionError:
        return ["json.depth"]
    for level, text in _walk(value):
        if level > _SPELLING["max_depth"]:
            broken.add("json.depth")
        if not is_sound(text):
            broken.add("text.mended")
    return sorted(broken)


def _walk(value: Any) -> Iterator[tuple[int, str]]:
    """Yield each text of a value, keys included, and each container as an empty text, with its level."""
    todo = [(1, value)]
    while todo:
        level, item = todo.pop()
        if isinstance(item, str):
            yield 0, item
        elif isinstance(item, (dict, list)):
            yield level, ""
            todo += [(0, key) for key in item if isinstance(item, dict)]
            todo += [(level + 1, child) for child in (item.values() if isinstance(item, dict) else item)]


def broken_by(value: Any, data: bytes, *, integers: bool = True) -> list[str]:
    """
    Return the rules that these bytes break as the JSON of ``value``.

    ``integers=False`` judges a language that has only doubles, so that 1 and 1.0 are the same.
    """
    broken = broken_rules(data)
    return broken or sorted(set(_differences(value, json.loads(data), integers)))


def _differences(value: Any, found: Any, integers: bool) -> Iterator[str]:  # noqa: FBT001 a walk passes it on
    if isinstance(value, dict):
        keys = [_key_in(found, key) for key in value]
        if not isinstance(found, dict) or None in keys or len(found) != len(value):
            yield _rule_of_keys(value, keys, found)
            return
        pairs = [(item, found[key]) for key, item in zip(keys, value.values(), strict=True)]
    elif isinstance(value, list):
        if not isinstance(found, list) or len(found) != len(value):
            yield "json.value"
            return
        pairs = list(zip(value, found, strict=True))
    else:
        yield from _scalar_difference(value, found, integers)
        return
    for item, found_item in pairs:
        yield from _differences(item, found_item, integers)


def _rule_of_keys(value: dict[Any, Any], keys: list[str | None], found: Any) -> str:
    """Return the rule that an object with other keys breaks: text.mended if all are mended wrongly."""
    missing = [given for given, key in zip(value, keys, strict=True) if key is None]
    is_odd = missing and all(isinstance(each, str) and not is_sound(each) for each in missing)
    is_as_large = isinstance(found, dict) and len(found) == len(value)
    return "text.mended" if is_odd and is_as_large else "json.value"


def _scalar_difference(value: Any, found: Any, integers: bool) -> Iterator[str]:  # noqa: FBT001 as above
    if isinstance(value, str):
        if not isinstance(found, str) or found not in mended(value, keep_nul=True):
            yield "json.value" if is_sound(value) else "text.mended"
    elif isinstance(value, float) and not math.isfinite(value):
        if found != _special(value):
            yield "json.special"
    elif value is None or isinstance(value, bool) or not isinstance(found, (int, float)):
        if found is not value:
            yield "json.value"
    elif not _is_same_number(value, found, integers):
        yield "json.numbers"


def _is_same_number(value: float, found: float, integers: bool) -> bool:  # noqa: FBT001 as above
    # JSON has one type of number, so a writer may spell 1.0 as 1.
    return comparison.is_same_number(value, found) or (
        not integers and comparison.is_same(value, found, integers=False)
    )


def _key_in(found: Any, key: Any) -> str | None:
    """Return the key of an object that was written for this one."""
    names = mended(key if isinstance(key, str) else json.dumps(key), keep_nul=True)
    return next((name for name in names if name in found), None) if isinstance(found, dict) else None


def _special(value: float) -> str:
    if math.isnan(value):
        return str(_SPELLING["nan"])
    return str(_SPELLING["infinity"] if value > 0 else _SPELLING["negative_infinity"])
