"""
What real Torch wrote is read as it is described, and written again byte for byte.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_workbook import Unreadable, t7
from lab_workbook.t7.values import STORAGES, TENSORS

GOLD = Path(__file__).parent / "gold"
NAMES = sorted(path.stem for path in GOLD.glob("*.t7"))
FORMATS: dict[str, t7.Format] = {"binary": "little64", "ascii": "ascii", "binary-long4": "little32"}


def described(name: str) -> tuple[bytes, t7.Format, Any]:
    """Return the bytes of a file, its format and what is in it."""
    description = json.loads((GOLD / f"{name}.json").read_text())
    return (GOLD / f"{name}.t7").read_bytes(), FORMATS[description["mode"]], description["content"]


class Comparison:
    """Compares a value with its description, and what is shared in one with what is in the other."""

    def __init__(self) -> None:
        self.tables: dict[int, Any] = {}
        self.storages: dict[str, Any] = {}

    def check(self, value: Any, content: Any) -> None:
        if not isinstance(content, dict):
            assert type(value) is type(content)
            assert value == (content.encode("latin-1").decode() if isinstance(content, str) else content)
        elif "$number" in content:
            assert type(value) is float
            assert np.float64(value).tobytes() == np.float64(content["$number"]).tobytes()
        elif "$nil" in content:
            assert value is None
        elif "$ref" in content:
            assert value is self.tables[content["$ref"]]
        elif "$table" in content:
            self.check_table(value, content)
        elif "$object" in content:
            assert isinstance(value, t7.Record)
            assert value.torch_class == content["$object"]
            self.tables[content["id"]] = value
            self.check_items(value.fields, content["items"])
        elif "$storage" in content:
            assert isinstance(value, t7.Storage)
            self.check_elements(value.array, STORAGES[content["$storage"]], content["data"])
        else:
            self.check_tensor(value, content)

    def check_table(self, table: Any, content: Any) -> None:
        keys = [key["$number"] if isinstance(key, dict) else key for key, _ in content["items"]]
        assert isinstance(table, list) == (bool(keys) and set(keys) == {*range(1, len(keys) + 1)})
        assert content["id"] not in self.tables
        self.tables[content["id"]] = table
        self.check_items(dict(enumerate(table, 1)) if isinstance(table, list) else table, content["items"])

    def check_items(self, table: Any, items: Any) -> None:
        assert type(table) is dict
        assert len(table) == len(items)
        for key, item in items:
            self.check(table[key["$number"] if isinstance(key, dict) else key], item)

    def check_tensor(self, tensor: Any, content: Any) -> None:
        dtype = TENSORS[content["$tensor"]]
        assert list(tensor.shape) == (content["size"] or [0])
        self.check_elements(tensor.reshape(-1), dtype, content["data_row_major"])
        if content["storage"]:
            assert [step // dtype.itemsize for step in tensor.strides] == content["stride"]
            assert tensor.base.size == content["storage"]["size"]
            assert self.storages.setdefault(content["storage"]["id"], tensor.base) is tensor.base

    def check_elements(self, elements: Any, dtype: Any, data: list[Any]) -> None:
        assert elements.dtype == dtype
        expected = np.array([float(each) if dtype.kind == "f" else int(each) for each in data], dtype)
        np.testing.assert_array_equal(elements, expected)
        # The sign of a zero counts, that of not-a-number is chance.
        numbers = ~np.isnan(expected)
        assert elements[numbers].tobytes() == expected[numbers].tobytes()


def test_there_are_36_files() -> None:
    """
    None is lost on the way.
    """
    assert len(NAMES) == 36


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_what_its_description_says(name: str) -> None:
    """
    Values, types, shapes, strides, and what is shared.
    """
    data, form, content = described(name)

    value = t7.loads(data, format=form)

    Comparison().check(value, content)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_written_again_byte_for_byte(name: str) -> None:
    """
    Given the same objects in the same order, we write what Torch writes, so Torch reads what we write.
    """
    data, form, _ = described(name)

    assert t7.dumps(t7.loads(data, format=form), format=form) == data


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_ends_too_early_is_unreadable(name: str) -> None:
    """
    Wherever it is cut, the message says so; nothing else is ever raised.
    """
    data, form, _ = described(name)

    for length in range(len(data)):
        with pytest.raises(Unreadable, match="byte"):
            t7.loads(data[:length], format=form)


def test_an_object_ends_where_the_next_begins() -> None:
    """
    Of several objects in one file each call reads one, in any format.
    """
    for form in ("little64", "ascii"):
        stream = io.BytesIO(
            t7.dumps({"epoch": 1}, format=form) + t7.dumps(np.arange(3.0), format=form) + b"rest"
        )

        assert t7.load(stream, format=form) == {"epoch": 1}
        assert t7.load(stream, format=form).tolist() == [0, 1, 2]
        assert stream.read() == b"rest"


def test_a_file_of_another_machine_says_what_to_try() -> None:
    """
    Nothing in a file says how long its longs are.
    """
    data, _, _ = described("90-long-size-4")

    with pytest.raises(Unreadable, match="format="):
        t7.loads(data)


def test_the_files_of_the_gold_experiments_are_read() -> None:
    """
    What the lab-workbook of 2016 saved, through its own `saveTorch`.
    """
    gold = Path(__file__, "../../../../conformance/gold").resolve()
    read = 0
    for case in sorted(gold.glob("torch-*/case.json")):
        description = json.loads(case.read_text())
        for each in description["objects"]:
            content = description["read"].get(each["name"], {}).get("content")
            if each["name"].endswith(".t7") and content is not None:
                Comparison().check(t7.loads((case.parent / each["file"]).read_bytes()), content)
                read += 1

    assert read == 7
