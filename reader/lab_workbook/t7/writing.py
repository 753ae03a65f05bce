"""
Writes ``.t7``, so that Torch reads what was trained in Python.

    torch.load('model.t7')  -- in Lua

As in reading, a stack takes the place of recursion. Objects are numbered in the order in which they are
met; what is met again is its number alone, and a memory that several arrays share is written once.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np

from lab_workbook.errors import Unwritable
from lab_workbook.t7.memory import Memory
from lab_workbook.t7.spelling import Format, Kind, Sink, sink
from lab_workbook.t7.values import DTYPES, STORAGES, TENSORS, Array, Key, Record, Storage

_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
_LONGEST_TEXT: Final = 2**31 - 1
_NOTHING_LEFT: Final = object()


def dump(value: Any, stream: IO[bytes], *, format: Format = "little64") -> None:  # noqa: A002 - what Torch calls it too
    """
    Write an object as Torch would.

    >>> with open("weights.t7", "wb") as file:
    ...     t7.dump({"weight": numpy.zeros((3, 4), "float32"), "classes": ["cat", "dog"]}, file)

    Numbers, texts, booleans, lists, dicts, arrays, tensors of PyTorch on any device, and what
    `lab_workbook.t7` names can be written. An array that is a view brings its whole memory along, as a
    tensor does in Torch; a ``copy()`` does not.

    Raises:
        Unwritable: Torch has nothing for a value, such as an int that is no double; what was written
            before it stays in the stream.
    """
    _Writer(sink(stream, format)).write(value)


def dumps(value: Any, *, format: Format = "little64") -> bytes:  # noqa: A002 - as in dump
    """
    Return an object as bytes, as `dump` writes them.

    >>> t7.loads(t7.dumps({"epoch": 3}))
    {'epoch': 3.0}
    """
    stream = io.BytesIO()
    dump(value, stream, format=format)
    return stream.getvalue()


class _Writer:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._numbers: dict[object, int] = {}
        # What has a number must live on, or something new could be taken for it.
        self._kept: list[object] = []

    def write(self, value: Any) -> None:
        pending = [iter((value,))]
        while pending:
            item = next(pending[-1], _NOTHING_LEFT)
            if item is _NOTHING_LEFT:
                pending.pop()
                continue
            inside = self._begin(item)
            if inside is not None:
                pending.append(inside)

    def _begin(self, value: Any) -> Iterator[Any] | None:
        """Write the head of an object, and return what is in it, if anything can be."""
        if value is None:
            self._sink.integer(Kind.NIL)
        elif isinstance(value, (bool, np.bool_)):
            self._sink.integer(Kind.BOOLEAN)
            self._sink.integer(int(value))
        elif isinstance(value, (int, float, np.integer, np.floating)):
            self._sink.integer(Kind.NUMBER)
            self._sink.double(_double(value))
        elif isinstance(value, (str, bytes)):
            self._sink.integer(Kind.STRING)
            self._text(value)
        elif isinstance(value, (dict, list, tuple)):
            return self._table(value)
        elif isinstance(value, Record):
            return self._record(value)
        elif isinstance(value, Storage):
            self._storage(Memory.of(_native(value.array)))
        else:
            array = _array(value)
            if not array.ndim:
                return self._begin(array.item())
            self._tensor(value, _native(array))
        return None

    def _table(self, value: Any) -> Iterator[Any] | None:
        if not self._is_new(Kind.TABLE, id(value), value):
            return None
        self._sink.integer(len(value))
        return itertools.chain.from_iterable(_pairs(value))

    def _record(self, record: Record) -> Iterator[Any] | None:
        if record.torch_class in TENSORS or record.torch_class in STORAGES:
            raise _refused(f"a Record cannot be a {record.torch_class}: use an array")
        if not self._is_new(Kind.TORCH, id(record), record):
            return None
        self._class(record.torch_class, record.version)
        return iter((record.fields,))

    def _tensor(self, value: object, array: Array) -> None:
        if not self._is_new(Kind.TORCH, id(value), value):
            return
        self._class(f"torch.{_NAMES[array.dtype]}Tensor")
        if not array.size:
            self._sink.integer(0)
            self._sink.longs((1,))
            self._sink.integer(Kind.NIL)
            return
        memory = Memory.of(array)
        self._sink.integer(array.ndim)
        self._sink.longs(array.shape)
        self._sink.longs(memory.stride)
        self._sink.longs((memory.start + 1,))
        self._storage(memory)

    def _storage(self, memory: Memory) -> None:
        if self._is_new(Kind.TORCH, memory.identity, memory):
            self._class(f"torch.{_NAMES[memory.elements.dtype]}Storage")
            self._sink.longs((memory.elements.size,))
            self._sink.elements(memory.elements)

    def _is_new(self, kind: int, identity: object, value: object) -> bool:
        """Write what kind of object this is and its number, and say whether the object has to follow."""
        number = self._numbers.get(identity)
        is_new = number is None
        if number is None:
            number = self._numbers[identity] = len(self._numbers) + 1
            self._kept.append(value)
        self._sink.integer(kind)
        self._sink.integer(number)
        return is_new

    def _class(self, name: str, version: int = 1) -> None:
        self._text(f"V {version}")
        self._text(name)

    def _text(self, text: str | bytes) -> None:
        try:
            data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
        except UnicodeEncodeError as error:
            raise _refused(f"a text that is no UTF-8: {error}") from None
        if len(data) > _LONGEST_TEXT:
            raise _refused(f"a text of {len(data)} bytes: Torch counts no further than {_LONGEST_TEXT}")
        self._sink.integer(len(data))
        self._sink.text(data)


def _double(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("nan")
    if number != value and value == value:  # noqa: PLR0124 - what is not itself is not-a-number
        raise _refused(f"{value!r}: all numbers of Lua are doubles. An array of int64 holds it, and a text")
    return number


def _pairs(table: Any) -> Iterator[tuple[Any, Any]]:
    pairs = table.items() if isinstance(table, dict) else enumerate(table, 1)
    seen: set[Any] = set()
    for key, value in pairs:
        if value is None:
            raise _refused(f"None under {key!r}: to Lua that is a key which is not there, so leave it out")
        yield _key(key, seen), value


def _key(key: Any, seen: set[Any]) -> Any:
    """Return a key as it is written, if no other key of its table is the same to Lua."""
    plain = key.value if isinstance(key, Key) else key
    if isinstance(plain, bytes):
        plain = plain.decode(errors="surrogateescape")
    elif isinstance(plain, np.bool_):
        plain = bool(plain)
    if plain is None or (isinstance(plain, (float, np.floating)) and np.isnan(plain)):
        raise _refused(f"{key!r} as a key: Lua has none that are nil or not-a-number")
    is_plain = isinstance(plain, (int, float, str, np.integer, np.floating)) and not isinstance(plain, bool)
    same = plain if is_plain else Key(plain)
    if same in seen:
        raise _refused(f"{key!r} twice in one table, as Lua sees it")
    seen.add(same)
    return plain


def _array(value: Any) -> Array:
    # A tensor of PyTorch, of which only its methods are known here.
    found = value.detach().cpu().numpy() if hasattr(type(value), "detach") else value
    if not isinstance(found, np.ndarray) or isinstance(found, np.ma.MaskedArray):
        raise _refused(
            f"a value of {type(value).__module__}.{type(value).__qualname__}: Torch has nothing like it"
        )
    return found


def _native(array: Array) -> Array:
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    if native.dtype not in _NAMES:
        types = ", ".join(map(str, _NAMES))
        raise _refused(f"an array of {array.dtype}: Torch has {types}, and .astype(...) makes one of them")
    return native


def _refused(problem: str) -> Unwritable:
    return Unwritable(f"a .t7 file cannot hold {problem}")
