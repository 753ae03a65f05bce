"""
The memory behind an array, as Torch sees it: elements in one row, and steps through them.

numpy steps backwards too, by halves of an element, and through memory that is not its own; what Torch
could not say is copied, and then shares nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lab_workbook.t7.values import Array


class Memory(NamedTuple):
    """
    A storage: its elements, where an array begins in it, and its steps, both counted in elements.

    Two arrays share a storage if its ``identity`` is the same.
    """

    elements: Array
    start: int
    stride: tuple[int, ...]
    identity: object

    @classmethod
    def of(cls, array: Array) -> Memory:
        """Return the memory that an array is a view of."""
        return _shared(array) or _copied(array)


def _shared(array: Array) -> Memory | None:
    owner = _owner(array)
    elements = _row(owner)
    if elements is None or elements.dtype != array.dtype:
        return None
    offset, size = _address(array) - _address(elements), array.itemsize
    if offset < 0 or offset % size or any(step < 0 or step % size for step in array.strides):
        return None
    # Memory without an element is nowhere.
    identity = (_address(elements), elements.size, elements.dtype) if elements.size else ("empty", id(owner))
    return Memory(elements, offset // size, tuple(step // size for step in array.strides), identity)


def _copied(array: Array) -> Memory:
    copy = np.array(array, order="C", subok=False)
    return Memory(
        copy.reshape(-1), 0, tuple(step // copy.itemsize for step in copy.strides), ("copy", id(copy))
    )


def _owner(array: Array) -> Array:
    """Return the array that another is a view of, directly or not."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _row(owner: Array) -> Array | None:
    """Return all elements of an array in the order of memory, without a copy; None if they have gaps."""
    plain = owner.view(np.ndarray)
    if plain.flags.c_contiguous:
        return plain.reshape(-1)
    return plain.T.reshape(-1) if plain.flags.f_contiguous else None


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
