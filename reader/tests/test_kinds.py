"""
What an artifact is follows from the last suffix of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lab_workbook
import pandas as pd
import pytest
from hypothesis import given
from lab_workbook import Model, Unreadable, kinds
from lab_workbook.protocol import jsontext
from lab_workbook_conformance import strategies


@pytest.fixture(autouse=True)
def forget_processors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What one test teaches the reader, the next does not know."""
    monkeypatch.setattr(kinds, "_processors", [])
    return


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("options.json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("null.json", b"null", None),
        ("bom.json", b"\xef\xbb\xbf1", 1),
        ("Source.git-patch", b"caf\xe9", "caf\udce9"),
        ("Source.git-current-commit", b"", ""),
        ("notes.txt", "é".encode(), "é"),
        ("README", b"hello", "hello"),
        ("image.png", b"\x89PNG", b"\x89PNG"),
        ("nul.txt", b"a\0b", b"a\0b"),
        ("options.json.txt", b"{}", "{}"),
        ("upper.CSV", b"a,Date\n", "a,Date\n"),
    ],
)
def test_a_suffix_decides(name: str, data: bytes, value: Any) -> None:
    """
    Letter case counts, as it did in 2016.
    """
    assert kinds.decode(name, data) == value


@pytest.mark.parametrize("name", ["model.t7", "a.b.pt", "model.safetensors"])
def test_a_model_is_not_read_before_it_is_asked_for(name: str) -> None:
    """
    Its bytes may be anything, as long as nobody loads it.
    """
    model = kinds.decode(name, b"text")

    assert isinstance(model, Model)
    assert bytes(model) == b"text"


def test_a_series_becomes_a_table_of_its_protocol() -> None:
    """
    Today's series keeps its texts, and that of 2016 guesses.
    """
    data = b'a,b,Date\n1,"007",2016-02-12T22:17:34Z\n'

    assert kinds.decode("log.csv", data)["b"].tolist() == ["007"]
    assert kinds.decode("log.csv", data, is_legacy=True)["b"].tolist() == [7]


@given(value=strategies.json_values())
def test_json_comes_back_as_it_went(value: Any) -> None:
    data = jsontext.encode(value, report=lambda _: None)

    assert repr(kinds.decode("value.json", data)) == repr(value)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b'{"a": }', "line 1 column 7"), (b"", "it is empty"), (b"\xff", "byte 0xff"), (b"[" * 99_999, "deep")],
)
def test_broken_json_says_where_and_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=r"options\.json is not JSON") as caught:
        kinds.decode("options.json", data)

    assert says in str(caught.value)
    assert "experiment.read_bytes('options.json')" in str(caught.value)


def test_a_processor_teaches_another_kind(make: Any) -> None:
    """
    A decorated function is asked first; what it answers with None is read as ever.
    """

    @lab_workbook.artifact_processor
    def reverse(name: str, contents: bytes) -> Any:
        return contents[::-1] if name.endswith(".reversed") else None

    experiment = make(files={"a.reversed": b"abc", "a.json": b"1"})

    assert experiment["a.reversed", "a.json"] == (b"cba", 1)
    assert reverse("a.reversed", b"ab") == b"ba"


def test_a_processor_may_read_our_kinds_its_own_way() -> None:
    """
    Of several, the first that was registered is asked first.
    """

    @lab_workbook.artifact_processor
    def first(name: str, contents: bytes) -> Any:
        return f"first {len(contents)}" if name.endswith(".json") else None

    @lab_workbook.artifact_processor
    def second(name: str, contents: bytes) -> Any:
        return f"second {len(contents)}" if name.endswith((".json", ".csv")) else None

    assert kinds.decode("a.json", b"1") == "first 1"
    assert kinds.decode("a.csv", b"a,Date\n") == "second 7"
    assert isinstance(kinds.decode("a.txt", b""), str)


def test_a_table_that_is_a_value_of_a_processor_is_a_value() -> None:
    """
    A DataFrame has no truth, so None alone means "not mine".
    """

    @lab_workbook.artifact_processor
    def table(name: str, contents: bytes) -> Any:
        return pd.DataFrame({name: [contents]})

    assert kinds.decode("a.txt", b"x")["a.txt"].tolist() == [b"x"]
