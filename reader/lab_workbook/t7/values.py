"""
What Python has no type of its own for: records, storages, functions, and keys that it would mix up.

Nothing here does anything. Two of them are equal when they are one, as tables are in Lua.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Torch's name of a type, and numpy's.
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "Byte": np.dtype("u1"),
    "Char": np.dtype("i1"),
    "Short": np.dtype("i2"),
    "Int": np.dtype("i4"),
    "Long": np.dtype("i8"),
    "Half": np.dtype("f2"),
    "Float": np.dtype("f4"),
    "Double": np.dtype("f8"),
}
# A float on a GPU has no name of its own.
_PREFIXES: Final = {f"torch.{name}": dtype for name, dtype in DTYPES.items()} | {
    f"torch.Cuda{name.replace('Float', '')}": dtype for name, dtype in DTYPES.items()
}
TENSORS: Final = {f"{prefix}Tensor": dtype for prefix, dtype in _PREFIXES.items()}
STORAGES: Final = {f"{prefix}Storage": dtype for prefix, dtype in _PREFIXES.items()}


class Record:
    """
    An object of a class that only Torch knows, such as ``nn.Linear``: its fields, and no behaviour.

    >>> record["weight"].shape
    (4, 3)

    ``torch_class`` is the name of its class, ``fields`` the table that its class has saved, as a rule a
    dict, and ``version`` what the class says of its format.
    """

    __slots__ = ("fields", "torch_class", "version")

    def __init__(self, torch_class: str, fields: Any, *, version: int = 1) -> None:
        self.torch_class = torch_class
        self.fields = fields
        self.version = version

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]

    def __contains__(self, field: object) -> bool:
        return field in self.fields

    def __repr__(self) -> str:
        # The names alone: a record may hold itself.
        names = (
            ", ".join(map(repr, self.fields)) if isinstance(self.fields, dict) else type(self.fields).__name__
        )
        return f"<Record {self.torch_class!r}: {names}>"


class Storage:
    """
    The memory of tensors, where Torch has saved it by itself; ``array`` has one dimension.

    >>> storage.array
    array([1.5, 2.5], dtype=float32)
    """

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array

    def __repr__(self) -> str:
        return f"<Storage: {self.array.size} of {self.array.dtype}>"


class Function:
    """A function of Lua: its byte code, and the values that it has closed over. It cannot be called."""

    __slots__ = ("code", "upvalues")

    def __init__(self, code: bytes, upvalues: Any) -> None:
        self.code = code
        self.upvalues = upvalues

    def __repr__(self) -> str:
        return f"<Function: {len(self.code)} bytes of code>"


class Key:
    """
    A key of a table that is neither a number nor a text: a boolean, a table, a tensor.

    >>> table[t7.Key(True)]
    'yes'

    For Python ``True`` and ``1`` are the same key, and a list is none.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value is other.value if isinstance(other, Key) else NotImplemented

    def __hash__(self) -> int:
        return id(self.value)

    def __repr__(self) -> str:
        shown = self.value if isinstance(self.value, bool) else f"<{type(self.value).__name__}>"
        return f"Key({shown})"
