"""
What only some files have: tensors of a GPU, hashes and vectors of tds, functions, classes of long ago.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from lab_workbook import Unreadable, t7


def _int(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def _text(text: bytes) -> bytes:
    return _int(len(text)) + text


def _number(value: float) -> bytes:
    return _int(1) + struct.pack("<d", value)


def _torch(index: int, name: bytes, body: bytes, *, version: bytes = b"V 1") -> bytes:
    return _int(4, index) + _text(version) + _text(name) + body


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Cuda", "f4"),
        ("CudaDouble", "f8"),
        ("CudaHalf", "f2"),
        ("CudaByte", "u1"),
        ("CudaChar", "i1"),
        ("CudaShort", "i2"),
        ("CudaInt", "i4"),
        ("CudaLong", "i8"),
        ("Half", "f2"),
    ],
)
def test_a_tensor_of_a_gpu_is_one_of_the_cpu(kind: str, dtype: str) -> None:
    elements = np.array([1, 2, 3], dtype)
    storage = _torch(2, f"torch.{kind}Storage".encode(), struct.pack("<q", 3) + elements.tobytes())
    head = _int(1) + struct.pack("<3q", 3, 1, 1)

    read = t7.loads(_torch(1, f"torch.{kind}Tensor".encode(), head + storage))

    assert read.dtype == elements.dtype
    assert read.tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", [b"tds.Hash", b"tds_hash"])
def test_a_hash_of_tds_is_a_dict(name: bytes) -> None:
    body = struct.pack("<q", 2) + _int(2) + _text(b"a") + _number(1) + _number(5) + _int(5, 1)

    assert t7.loads(_torch(1, name, body, version=b"V 0")) == {"a": 1.0, 5: True}


@pytest.mark.parametrize("name", [b"tds.Vec", b"tds_vec"])
def test_a_vector_of_tds_is_a_list_that_may_have_holes(name: bytes) -> None:
    assert t7.loads(_torch(1, name, struct.pack("<q", 2) + _int(0) + _number(5))) == [None, 5.0]


def test_a_class_of_long_ago_has_no_version() -> None:
    read = t7.loads(_int(4, 1) + _text(b"nn.Linear") + _int(3, 2, 0))

    assert (read.torch_class, read.version, read.fields) == ("nn.Linear", 0, {})


@pytest.mark.parametrize("version", [0, 2])
def test_the_version_of_a_class_is_kept(version: int) -> None:
    """
    Torch converts what an older version has saved, and must not convert it twice.
    """
    record = t7.Record("nn.SpatialBatchNormalization", {"running_var": np.ones(2)}, version=version)

    assert t7.loads(t7.dumps(record)).version == version


@pytest.mark.parametrize("head", [_int(6), _int(7, 1), _int(8, 1)])
def test_a_function_is_bytes(head: bytes) -> None:
    """
    Of each of the three kinds that Torch has had; its upvalues are read, its code is not run.
    """
    upvalues = _int(3, 2, 1) + _number(1) + _int(2) + _text(b"x")

    read = t7.loads(head + _text(b"\x1bLJ code") + upvalues)

    assert isinstance(read, t7.Function)
    assert (read.code, read.upvalues) == (b"\x1bLJ code", ["x"])


def test_an_object_written_without_references_repeats_itself() -> None:
    """
    With `referenced` off Torch numbers everything anew, and nothing is shared.
    """
    tables = [_int(3, index, 1) + _number(1) + _number(5) for index in (2, 3)]

    first, second = t7.loads(_int(3, 1, 2) + _number(1) + tables[0] + _number(2) + tables[1])

    assert first == second == [5.0]
    assert first is not second


def test_what_a_table_sets_to_nil_is_not_there() -> None:
    """
    And of a key that is set twice the last value counts, as in Lua.
    """
    items = _number(1) + _number(5) + _number(2) + _int(0) + _number(1) + _number(6)

    assert t7.loads(_int(3, 1, 3) + items) == [6.0]


def test_representations_are_one_line_and_escaped() -> None:
    """
    A record may hold itself, and names may be hostile.
    """
    record = t7.Record("nn.\x1b[31m", {"a\n": 1})
    record.fields["self"] = record
    key = t7.Key(record)

    shown = [repr(each) for each in (record, key, t7.Key(True), t7.Function(b"abc", None), t7.Record("A", 1))]

    assert shown == [
        r"<Record 'nn.\x1b[31m': 'a\n', 'self'>",
        "Key(<Record>)",
        "Key(True)",
        "<Function: 3 bytes of code>",
        "<Record 'A': int>",
    ]
    assert repr(t7.Storage(np.zeros(3))) == "<Storage: 3 of float64>"


def test_fields_are_reached_by_name() -> None:
    record = t7.Record("nn.Linear", {"weight": 1})

    assert record["weight"] == 1
    assert "weight" in record
    assert "bias" not in record


def layer(**fields: Any) -> t7.Record:
    tensors = {name: np.full(2, value, "f4") for name, value in fields.items()}
    return t7.Record("nn.Any", tensors)


def sequential(*modules: Any) -> t7.Record:
    return t7.Record("nn.Sequential", {"modules": list(modules), "output": np.zeros(1), "train": True})


def test_parameters_are_named_as_pytorch_names_them() -> None:
    """
    In PyTorch's order, without what is left over from the last batch.
    """
    model = sequential(
        layer(bias=2, weight=1, gradWeight=0, gradBias=0, output=0, gradInput=0, finput=0),
        sequential(layer(running_var=4, running_mean=3, save_mean=0), layer(alpha=5, gradAlpha=0)),
        layer(output=0, gradOutput=0),
    )

    found = t7.state_dict(model)

    assert {name: array[0] for name, array in found.items()} == {
        "0.weight": 1,
        "0.bias": 2,
        "1.0.running_mean": 3,
        "1.0.running_var": 4,
        "1.1.alpha": 5,
    }
    assert list(found)[:2] == ["0.weight", "0.bias"]


def test_a_checkpoint_names_what_lies_around_the_model() -> None:
    """
    In tables all tensors are parameters, in modules only those that are.
    """
    shared = layer(weight=1)
    model = t7.Record(
        "nn.gModule", {"modules": [shared], "nodes": [{"module": shared, "buffer": np.ones(1)}]}
    )
    checkpoint = {"epoch": 3.0, "model": model, "mean": np.zeros(3), 1: {"core": layer(weight=2)}}

    assert sorted(t7.state_dict(checkpoint)) == ["1.core.weight", "mean", "model.0.weight"]


def test_the_arrays_are_those_of_the_model() -> None:
    model = sequential(layer(weight=1))

    t7.state_dict(model)["0.weight"][:] = 7

    assert model["modules"][0]["weight"].tolist() == [7, 7]


def test_two_tensors_of_one_name_are_refused() -> None:
    """
    Losing one would be worse.
    """
    with pytest.raises(Unreadable, match=r"two tensors are called 'a\.b'"):
        t7.state_dict({"a": {"b": np.zeros(1)}, "a.b": np.ones(1)})


def test_a_circle_of_modules_ends() -> None:
    model = sequential(layer(weight=1))
    model.fields["modules"].append(model)

    assert list(t7.state_dict(model)) == ["0.weight"]
