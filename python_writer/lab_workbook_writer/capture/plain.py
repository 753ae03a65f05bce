"""
Options as scripts hold them, made of what JSON has.

JSON knows objects, arrays, texts, numbers, booleans and null, and the protocol refuses all else (rule
``json.value``). But options come from argparse, as dataclasses, or by a library of settings, and hold paths
and dates; `save_json` makes plain values of these first:

| value | becomes |
| --- | --- |
| ``argparse.Namespace``, ``types.SimpleNamespace`` | an object of its attributes |
| a dataclass, a model of pydantic | an object of its fields |
| any other mapping; of OmegaConf as it was written, with ``${...}`` unresolved | an object |
| a set | an array, sorted |
| an ``Enum`` | its value |
| ``pathlib.Path`` and whatever else is a path | a text |
| a date, a time, both, numpy's dates too | a text as ISO 8601 has it |
| a ``timedelta`` | a number of seconds |
| a scalar of numpy or torch, or an array without dimensions | the number it holds |
| an array or tensor of at most 1,000 elements | an array of arrays |
| ``torch.dtype``, ``torch.device``, a secret of pydantic | what ``str()`` says |

None of these libraries is imported: who has such a value has the library already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

# What is longer than this is data, and no option: save_tensors and save_file are for those.
_MOST_ELEMENTS: Final = 1000


def plain(value: Any) -> Any:
    """
    Return what a value is made of, one level of it; itself where nothing is known about it.

    >>> plain(argparse.Namespace(rate=0.1, out=pathlib.Path("runs")))
    {'rate': 0.1, 'out': PosixPath('runs')}
    """
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if _is_of(value, "argparse", "Namespace") or _is_of(value, "types", "SimpleNamespace"):
        return dict(vars(value))
    if _is_of(value, "enum", "Enum"):
        return value.value
    for convert in (_settings, _moment, _array):
        converted = convert(value)
        if converted is not value:
            return converted
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return _sorted(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return value


def _is_of(value: Any, module: str, name: str) -> bool:
    """Say whether this is an instance of a class; if its module was never imported, it cannot be."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def _settings(value: Any) -> Any:
    """Open what libraries of settings give: OmegaConf's containers, models of pydantic."""
    kind = type(value)
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is not None and omegaconf.OmegaConf.is_config(value):
        # Unresolved, because ${oc.env:TOKEN} is a secret once it is resolved.
        return omegaconf.OmegaConf.to_container(value, resolve=False)
    if callable(getattr(kind, "model_dump", None)):
        return value.model_dump()
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):
        # As pydantic called it before its version 2.
        return value.dict()
    # pydantic's secrets show themselves as stars.
    return str(value) if hasattr(kind, "get_secret_value") else value


def _moment(value: Any) -> Any:
    if any(_is_of(value, "datetime", name) for name in ("date", "time")):
        return value.isoformat()
    return value.total_seconds() if _is_of(value, "datetime", "timedelta") else value


def _array(value: Any) -> Any:
    """Open an array of numpy, of torch or of whoever else does it as they do."""
    kind = type(value)
    if kind.__module__ == "torch" and kind.__name__ in ("dtype", "device"):
        return str(value)
    if not (hasattr(kind, "dtype") and hasattr(kind, "tolist")):
        return value
    letter = getattr(value.dtype, "kind", "")
    if letter == "M":
        value = value.astype("str")
    elements = value.size if isinstance(value.size, int) else value.numel()
    # Durations of numpy come as bare counts of whatever their unit is.
    return value if letter == "m" or elements > _MOST_ELEMENTS else value.tolist()


def _sorted(values: Any) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        # Of several kinds; in some order that is the same each time.
        return sorted(values, key=lambda value: (type(value).__name__, repr(value)))
