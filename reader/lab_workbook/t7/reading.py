"""
Reads ``.t7``: a stack in place of recursion, and a check in place of trust.

A file may come from a stranger. Its counts are believed only as far as its bytes reach, a tensor sees
nothing outside of its storage, tables may be nested as deeply as the file is long, and what Lua would run
stays bytes.

A table is a list or a dict, and which of the two is known only at its end, when others may have referred
to it already. So all that is found is first a node, and becomes a value when everything is there.
"""

from __future__ import annotations

import io
import math
import re
import sys
from typing import IO, Any, Final

import numpy as np

from lab_workbook.t7.spelling import Format, Kind, Source, source
from lab_workbook.t7.values import STORAGES, TENSORS, Array, Function, Key, Record, Storage

_VERSION: Final = re.compile(rb"V ([0-9]{1,9})")
# What every numpy can hold.
_DIMENSIONS: Final = 32
_HASHES: Final = frozenset({"tds.Hash", "tds_hash"})
_VECTORS: Final = frozenset({"tds.Vec", "tds_vec"})


def load(stream: IO[bytes], *, format: Format = "little64") -> Any:  # noqa: A002 - what Torch calls it too
    """
    Read the object that a ``.t7`` file holds, and not a byte more.

    >>> with open("sgdState.t7", "rb") as file:
    ...     t7.load(file)
    {'learningRate': 0.01, 'momentum': 0.9}

    The stream is read forwards, so that it may be a pipe or the body of an answer. What values are is
    said in `lab_workbook.t7`; `lab_workbook.t7.spelling` has the formats.

    Raises:
        Unreadable: the bytes are no such file; the message says where, and what was expected.
    """
    return _Reader(source(stream, format)).read()


def loads(data: bytes | bytearray | memoryview, *, format: Format = "little64") -> Any:  # noqa: A002 - as in load
    """
    Read the object in these bytes, as `load` does.

    >>> t7.loads(t7.dumps([1, 2]))
    [1.0, 2.0]
    """
    return load(io.BytesIO(data), format=format)


class _Node:
    """Something that consists of other objects; ``missing`` of them have not been read."""

    __slots__ = ("items", "missing", "value")

    def __init__(self, missing: int, value: Any = None) -> None:
        self.items: list[Any] = []
        self.missing = missing
        self.value = value

    def make(self) -> None:
        """Make the value, still without what is in it."""

    def fill(self) -> None:
        """Put into the value what is in it."""


class _Vector(_Node):
    __slots__ = ()

    def make(self) -> None:
        self.value = []

    def fill(self) -> None:
        self.value.extend(map(_settled, self.items))


class _Table(_Node):
    """Its items are a key, its value, a key, its value, …"""

    __slots__ = ()

    def make(self) -> None:
        keys = self.items[::2]
        self.value = [None] * len(set(keys)) if _counts(keys) else {}

    def fill(self) -> None:
        for key, item in zip(self.items[::2], self.items[1::2], strict=True):
            if isinstance(self.value, list):
                self.value[int(key) - 1] = _settled(item)
            else:
                settled = _settled(key)
                self.value[settled if type(settled) in (float, str) else Key(settled)] = _settled(item)


class _Fields(_Node):
    """The one object that a record consists of."""

    __slots__ = ()

    def fill(self) -> None:
        self.value.fields = _settled(self.items[0])


class _Upvalues(_Node):
    """The one object behind the byte code of a function."""

    __slots__ = ()

    def fill(self) -> None:
        self.value.upvalues = _settled(self.items[0])


def _settled(item: Any) -> Any:
    return item.value if isinstance(item, _Node) else item


def _counts(keys: list[Any]) -> bool:
    """Say whether these are 1 to n, in whatever order."""
    if not keys or any(type(key) is not float or not key.is_integer() for key in keys):
        return False
    return bool(min(keys) == 1 and max(keys) == len(set(keys)))


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        # By the number that the file gives to whatever it may refer to again.
        self._known: dict[int, Any] = {}
        self._nodes: list[_Node] = []
        self._open: list[_Node] = []

    def read(self) -> Any:
        root = self._opened(_Vector(1))
        while self._open:
            node = self._open[-1]
            if node.missing:
                node.missing -= 1
                self._add(node, self._object())
            else:
                self._open.pop()
        for node in self._nodes:
            node.make()
        for node in self._nodes:
            node.fill()
        return root.value[0]

    def _add(self, node: _Node, item: Any) -> None:
        if isinstance(node, _Table):
            if len(node.items) % 2 == 0:
                if item is None or (isinstance(item, float) and math.isnan(item)):
                    raise self._source.wrong("a table with nil or not-a-number as a key")
            elif item is None:
                # Setting a key to nil is how Lua says that it is not there.
                node.items.pop()
                return
        node.items.append(item)

    def _object(self) -> Any:
        """Return what is read whole, and of what consists of others the node, which is open then."""
        kind = self._source.integer()
        if kind == Kind.NIL:
            return None
        if kind == Kind.NUMBER:
            return self._source.double()
        if kind == Kind.STRING:
            return self._text()
        if kind == Kind.BOOLEAN:
            return self._boolean()
        if kind == Kind.OLD_FUNCTION:
            return self._function()
        if kind not in (Kind.TABLE, Kind.TORCH, Kind.NAMELESS_FUNCTION, Kind.FUNCTION):
            raise self._source.wrong(f"an object of the kind {kind}, and there are 0 to 8")
        index = self._source.integer()
        if index not in self._known:
            # Whatever can hold itself is known before what is in it is read.
            self._known[index] = self._indexed(kind)
        return self._known[index]

    def _indexed(self, kind: int) -> Any:
        if kind == Kind.TABLE:
            return self._opened(_Table(2 * self._count(self._source.integer(), "a table")))
        if kind == Kind.TORCH:
            return self._torch()
        return self._function()

    def _torch(self) -> Any:
        name, version = self._class()
        if name in STORAGES:
            return self._storage(name)
        if name in TENSORS:
            return self._tensor(name)
        if name in _HASHES:
            return self._opened(_Table(2 * self._count(self._long(), name)))
        if name in _VECTORS:
            return self._opened(_Vector(self._count(self._long(), name)))
        return self._opened(_Fields(1, Record(name, None, version=version)))

    def _class(self) -> tuple[str, int]:
        """Return the name of a class, and the version of its format, which old files do not have."""
        data = self._source.text(self._source.integer())
        version = _VERSION.fullmatch(data)
        return (self._text(), int(version[1])) if version else (_decoded(data), 0)

    def _function(self) -> _Node:
        code = self._source.text(self._source.integer())
        return self._opened(_Upvalues(1, Function(code, None)))

    def _storage(self, name: str) -> Storage:
        return Storage(self._source.elements(STORAGES[name], self._count(self._long(), name)))

    def _tensor(self, name: str) -> Array:
        dimensions = self._source.integer()
        if not 0 <= dimensions <= _DIMENSIONS:
            raise self._source.wrong(f"a tensor of {dimensions} dimensions: {_DIMENSIONS} are possible")
        size, stride = self._source.longs(dimensions), self._source.longs(dimensions)
        start = self._long() - 1
        storage = self._storage_of(name)
        # Without dimensions a tensor of Torch is empty, and an array of numpy a single number.
        return self._view(storage, size or [0], stride or [1], start)

    def _storage_of(self, name: str) -> Array:
        dtype = TENSORS[name]
        kind = self._source.integer()
        if kind == Kind.NIL:
            return np.empty(0, dtype)
        index = self._source.integer()
        if kind == Kind.TORCH and index not in self._known:
            found, _ = self._class()
            if found not in STORAGES:
                raise self._source.wrong(f"a {name} whose storage is a {found!r}")
            self._known[index] = self._storage(found)
        storage = self._known.get(index)
        if not isinstance(storage, Storage) or storage.array.dtype != dtype:
            raise self._source.wrong(f"a {name} without a storage of {dtype}")
        return storage.array

    def _view(self, storage: Array, size: list[int], stride: list[int], start: int) -> Array:
        dtype = storage.dtype
        if min(size) < 0 or min(stride) < 0 or start < 0:
            raise self._source.wrong(f"a tensor of size {size}, stride {stride} and offset {start + 1}")
        if math.prod(max(each, 1) for each in size) * dtype.itemsize > sys.maxsize:
            raise self._source.wrong(f"a tensor of size {size}, which has more elements than can be counted")
        if 0 in size:
            return _array(storage, size)
        last = start + sum((each - 1) * step for each, step in zip(size, stride, strict=True))
        if last >= storage.size:
            raise self._source.wrong(f"a tensor whose last element is number {last + 1} of {storage.size}")
        # A step that is never taken may be of any size.
        strides = [min(step, storage.size) * dtype.itemsize for step in stride]
        return _array(storage, size, start * dtype.itemsize, strides)

    def _text(self) -> str:
        return _decoded(self._source.text(self._source.integer()))

    def _boolean(self) -> bool:
        value = self._source.integer()
        if value not in (0, 1):
            raise self._source.wrong(f"{value} for a boolean")
        return value == 1

    def _long(self) -> int:
        return self._source.longs(1)[0]

    def _count(self, count: int, what: str) -> int:
        if count < 0:
            raise self._source.wrong(f"{what} of {count} elements")
        return count

    def _opened(self, node: _Node) -> _Node:
        self._nodes.append(node)
        self._open.append(node)
        return node


def _array(storage: Array, size: list[int], offset: int = 0, strides: list[int] | None = None) -> Array:
    """Return a view of a storage; numpy checks its bounds once more."""
    view: Array = np.ndarray(size, storage.dtype, buffer=storage, offset=offset, strides=strides)
    return view


def _decoded(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
