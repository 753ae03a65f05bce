"""
YAML of a stranger: tables, lists and plain scalars, without aliases, which can fill the memory.

PyYAML reads it; it comes with the extra ``import``, because no other part of us needs it. Its own scalars are
not used: numbers to the base of 60 take quadratic time, and some scalars end in errors of Python. Ours are
those of YAML 1.2, and everything else is a text: https://yaml.org/spec/1.2.2/#103-core-schema.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from lab_workbook.errors import LabWorkbookError, Unreadable

#: More than any program writes into such a file; PyYAML takes ten seconds for a megabyte.
MOST: Final = 1 << 20

_PLAIN: Final = "plain"
_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
# A number of more digits is kept as the text that it was.
_INTEGER: Final = re.compile("[+-]?[0-9]{1,400}")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,9})?")


def read(data: bytes, path: str) -> dict[str, Any]:
    """
    Return the table that a file holds, each date and the like as the text that it was.

    Raises:
        Unreadable: it is no YAML, or no table.
        LabWorkbookError: PyYAML is not installed.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise LabWorkbookError(f"{path} is YAML: `pip install 'lab-workbook[import]'` reads it") from None
    try:
        value = yaml.load(data, _loader())  # noqa: S506 - it is a SafeLoader
    # A character beyond Unicode is an OverflowError.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(
            f"{path} is no YAML that can be read: {' '.join(str(error).split())[:200]}"
        ) from None
    if not isinstance(value, dict):
        raise Unreadable(f"{path} holds no table")
    return {str(key): each for key, each in value.items()}


def plain(text: str) -> Any:
    """
    Return the value that a scalar without quotes stands for.

    >>> [plain(text) for text in ("3", "1e-3", "true", "~", "1:30", "0x10", "yes")]
    [3, 0.001, True, None, '1:30', '0x10', 'yes']
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


@functools.lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("it has aliases")
            return super().compose_node(parent, index)

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is yaml.ScalarNode:
                return _PLAIN if implicit[0] else f"{_TAG}str"
            return super().resolve(kind, value, implicit)

    def construct(loader: Loader, node: Any) -> Any:
        return plain(loader.construct_scalar(node))

    # What else YAML can say, such as bytes and sets, is no configuration.
    kept = {f"{_TAG}{kind}" for kind in ("str", "seq", "map")}
    Loader.yaml_constructors = {
        tag: made for tag, made in yaml.SafeLoader.yaml_constructors.items() if tag in kept or tag is None
    } | dict.fromkeys((_PLAIN, *(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float"))), construct)
    return Loader
