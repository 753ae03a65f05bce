"""
The parameters of a model by name, as PyTorch would call them.

Torch's models are trees of objects of classes such as ``nn.Linear``. What in them was learned, and what is
only left over from the last batch, no field says; but all of Torch follows one convention, that the
gradient of ``weight`` is called ``gradWeight``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from lab_workbook.errors import Unreadable
from lab_workbook.t7.values import Key, Record

# What is a parameter or a statistic also where no gradient lies beside it, in PyTorch's order.
_PARAMETERS: Final = ("weight", "bias", "running_mean", "running_var")
# They have gradients too, and are of the last batch.
_PASSING: Final = frozenset({"input", "output"})
# Names grow with depth, and a stranger's file must not make more of them than it is long.
_LONGEST_NAME: Final = 1000


def state_dict(model: Any) -> dict[str, Any]:
    """
    Return the parameters of a model that was loaded, by names like those of PyTorch.

    >>> t7.state_dict(t7.loads(data))
    {'0.weight': array(...), '0.bias': array(...), '2.weight': array(...), '2.bias': array(...)}

    In a module these are ``weight``, ``bias``, ``running_mean``, ``running_var``, and each tensor that has
    its gradient beside it, ``alpha`` with ``gradAlpha``. Outside of modules, in tables, all tensors are
    there. A name is the path to it with dots: members of a list by their place, from 0 on, others by
    their key, and ``modules`` is left out, so that the second layer of an ``nn.Sequential`` is ``1``. What
    is met a second time is not named again. The arrays are those of the model, not copies.

    Raises:
        Unreadable: two tensors would have one name, or one is nested absurdly deep.
    """
    found: dict[str, Any] = {}
    met: set[int] = set()
    pending: list[tuple[str, Any, bool]] = [("", model, False)]
    while pending:
        path, value, is_inside = pending.pop()
        if len(path) > _LONGEST_NAME:
            raise Unreadable(f"no model has names of more than {_LONGEST_NAME} characters: {path[:40]!r}…")
        if _is_tensor(value):
            if path in found:
                raise Unreadable(f"two tensors are called {path!r}: take them out of the model by hand")
            found[path] = value
        elif id(value) not in met:
            met.add(id(value))
            members = [(_joined(path, name), each, inner) for name, each, inner in _members(value, is_inside)]
            # The last is taken first.
            pending += reversed(members)
    return found


def _members(value: Any, is_inside: bool) -> Iterator[tuple[str, Any, bool]]:  # noqa: FBT001 - one question
    """Yield what may hold parameters, with its name and whether it lies in a module."""
    if isinstance(value, Record):
        yield from _fields(value)
        return
    if isinstance(value, list):
        members = [(str(place), each) for place, each in enumerate(value)]
    elif isinstance(value, dict):
        members = [(_name(key), each) for key, each in value.items() if not isinstance(key, Key)]
    else:
        return
    for name, each in members:
        # A tensor in a table of a module is one of its buffers.
        if not (is_inside and _is_tensor(each)):
            yield name, each, is_inside


def _fields(record: Record) -> Iterator[tuple[str, Any, bool]]:
    fields = record.fields if isinstance(record.fields, dict) else {}
    names = {name for name in fields if isinstance(name, str)}
    tensors = {name for name in names if _is_tensor(fields[name])}
    for name in sorted(tensors, key=_rank):
        if _is_parameter(name, names):
            yield name, fields[name], True
    # "modules" is first, because what is met twice, as in the graph of an nngraph, is named only once.
    for name in sorted(names - tensors, key=lambda name: (name != "modules", name)):
        yield "" if name == "modules" else name, fields[name], True


def _is_tensor(value: object) -> bool:
    """Say whether this is an array, or a tensor of PyTorch, which is not imported for it."""
    return isinstance(value, np.ndarray) or hasattr(type(value), "detach")


def _is_parameter(name: str, names: set[str]) -> bool:
    return name in _PARAMETERS or (f"grad{name[:1].upper()}{name[1:]}" in names and name not in _PASSING)


def _rank(name: str) -> tuple[int, str]:
    return (_PARAMETERS.index(name) if name in _PARAMETERS else len(_PARAMETERS), name)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _name(key: Any) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
