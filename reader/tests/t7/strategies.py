"""
Everything that a ``.t7`` file can hold, as Python holds it when it was read.
"""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as numpy_strategies
import numpy as np
from hypothesis import strategies as st
from lab_workbook import t7
from lab_workbook.t7.values import DTYPES, STORAGES, TENSORS

FORMATS: tuple[t7.Format, ...] = ("little64", "little32", "big64", "big32", "ascii")


def texts() -> st.SearchStrategy[str]:
    """Any bytes, as they are read."""
    return st.binary(max_size=8).map(lambda data: data.decode(errors="surrogateescape"))


def numbers() -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False)


def arrays() -> st.SearchStrategy[Any]:
    """Tensors: whole ones, and views that step through more memory than they show, also by 0."""
    return st.sampled_from(list(DTYPES.values())).flatmap(_array_and_views)


def _array_and_views(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    elements = _elements(dtype)
    shapes = numpy_strategies.array_shapes(max_dims=4, max_side=4)
    whole = numpy_strategies.arrays(dtype, shapes, elements=elements)
    return whole | st.builds(_view, whole, st.data()) | st.just(np.empty(0, dtype))


def _elements(dtype: np.dtype[Any]) -> Any:
    # Longs of 4 bytes hold no more than this, and the text of not-a-number has no sign.
    options = {"min_value": -(2**31), "max_value": 2**31 - 1} if dtype == np.dtype("i8") else {}
    return numpy_strategies.from_dtype(dtype, **({"allow_nan": False} if dtype.kind == "f" else options))


def _view(whole: Any, data: Any) -> Any:
    index = data.draw(numpy_strategies.basic_indices(whole.shape, allow_newaxis=False, allow_ellipsis=False))
    view = whole[index]
    if not isinstance(view, np.ndarray) or not view.size or not view.ndim or min(view.strides) < 0:
        view = whole
    if data.draw(st.booleans()):
        view = view.T
    return np.broadcast_to(view, (2, *view.shape)) if data.draw(st.booleans()) else view


def leaves() -> st.SearchStrategy[Any]:
    return st.booleans() | numbers() | texts() | arrays() | storages()


def storages() -> st.SearchStrategy[t7.Storage]:
    return st.sampled_from(list(DTYPES.values())).flatmap(
        lambda dtype: numpy_strategies.arrays(dtype, st.integers(0, 5), elements=_elements(dtype)).map(
            t7.Storage
        )
    )


def classes() -> st.SearchStrategy[str]:
    known = {*TENSORS, *STORAGES, "tds.Hash", "tds_hash", "tds.Vec", "tds_vec"}
    return st.sampled_from(["nn.Linear", "nn.Sequential", "V 1"]) | texts().filter(
        lambda name: name not in known
    )


def values() -> st.SearchStrategy[Any]:
    """Any object, nested."""
    return st.none() | st.recursive(leaves(), _containers, max_leaves=12)


def tables() -> st.SearchStrategy[Any]:
    """What Lua has by reference."""
    return _containers(leaves()) | arrays()


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = numbers() | texts() | st.builds(t7.Key, st.booleans() | arrays())
    tables = st.dictionaries(keys, inner, max_size=4)
    records = st.builds(t7.Record, classes(), tables | inner, version=st.integers(0, 3))
    return st.lists(inner, max_size=4) | tables | records
