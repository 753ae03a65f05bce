"""The verbs that save one artifact, and the names they take."""

import json
import math
import stat
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from lab_workbook import InvalidName, InvalidSeries, InvalidValue


def test_a_value_reads_back(workbook, home_of):
    """
    In strict JSON, where not-a-number is a text.
    """
    workbook.save_json(
        "options", {"learning rate": 0.1, "sizes": (512, 256), "best": math.nan, "n": np.int64(3)}
    )

    text = (home_of(workbook) / "options.json").read_text()
    assert json.loads(text) == {"learning rate": 0.1, "sizes": [512, 256], "best": "NaN", "n": 3}


def test_saving_again_replaces(workbook, home_of):
    """
    In one step: there is never half a file.
    """
    workbook.save_json("options", {"a": 1})
    workbook.save_json("options", {"b": 2})

    assert json.loads((home_of(workbook) / "options.json").read_text()) == {"b": 2}


def test_a_value_without_a_rule_leaves_what_was_there(workbook, home_of):
    """
    The message says how to convert it.
    """
    workbook.save_json("options", {"a": 1})

    with pytest.raises(InvalidValue, match=r"vars\(x\)"):
        workbook.save_json("options", {"model": object()})

    assert json.loads((home_of(workbook) / "options.json").read_text()) == {"a": 1}


def test_a_text_is_saved_as_it_is(workbook, home_of):
    """
    In UTF-8, under the very name that was given.
    """
    workbook.save_text("notes/remarks", "höher\r\n")

    assert (home_of(workbook) / "notes" / "remarks").read_bytes() == "höher\r\n".encode()


def test_bytes_are_no_text(workbook):
    """
    The message names the verb that takes them.
    """
    with pytest.raises(InvalidValue, match="save_file"):
        workbook.save_text("remarks", b"bytes")


def test_a_file_is_copied(workbook, home_of, tmp_path):
    """
    Changes to the source afterwards do not reach the experiment.
    """
    source = tmp_path / "sample.png"
    source.write_bytes(bytes(range(256)) * 9000)
    workbook.save_file("images/sample.png", source)

    source.write_bytes(b"")

    copy = home_of(workbook) / "images" / "sample.png"
    assert copy.read_bytes() == bytes(range(256)) * 9000
    assert stat.S_ISREG(copy.lstat().st_mode)


def test_a_file_that_is_not_there_is_the_callers_mistake(workbook, tmp_path):
    """
    It raises as `open` does, and nothing is counted as lost.
    """
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        workbook.save_file("sample.png", tmp_path / "nowhere.png")
    with pytest.raises(IsADirectoryError):
        workbook.save_file("sample.png", tmp_path)


def test_the_torch_that_the_caller_has_is_used(workbook, home_of, monkeypatch):
    """
    Whatever it is: its `save` is given an open file.
    """
    torch = types.ModuleType("torch")
    torch.save = lambda value, file: file.write(repr(value).encode())
    monkeypatch.setitem(sys.modules, "torch", torch)

    workbook.save_torch("model", [1, 2])

    assert (home_of(workbook) / "model.pt").read_bytes() == b"[1, 2]"


def test_without_torch_the_message_says_what_to_install(workbook, home_of, monkeypatch):
    """
    And there is no empty file.
    """
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ImportError, match="pip install torch"):
        workbook.save_torch("model", [1, 2])

    assert not (home_of(workbook) / "model.pt").exists()


def test_what_torch_cannot_save_leaves_what_was_there(workbook, home_of, monkeypatch):
    """
    The caller sees torch's own error.
    """

    def save(value, file):
        file.write(b"half")
        if value is None:
            raise TypeError("cannot pickle")

    torch = types.ModuleType("torch")
    torch.save = save
    monkeypatch.setitem(sys.modules, "torch", torch)
    workbook.save_torch("model", 1)
    monkeypatch.setattr(torch, "save", lambda *_: save(None, *_[1:]))

    with pytest.raises(TypeError, match="cannot pickle"):
        workbook.save_torch("model", 2)

    assert (home_of(workbook) / "model.pt").read_bytes() == b"half"


def test_torchs_own_word_for_a_full_disk_is_understood(workbook, monkeypatch, capsys):
    """
    It says RuntimeError; training goes on all the same.
    """
    import resource

    def save(_value, file):
        try:
            file.write(b"x" * 100_000)
        except OSError as error:
            raise RuntimeError("PytorchStreamWriter failed writing file") from error

    torch = types.ModuleType("torch")
    torch.save = save
    monkeypatch.setitem(sys.modules, "torch", torch)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        workbook.save_torch("model", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "an artifact was lost ('model.pt'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("../escape", "name.parts"),
        ("/leading", "name.parts"),
        ("a\nb", "name.characters"),
        ("a\\b", "name.characters"),
        (" a", "name.edges"),
        ("x" * 300, "name.length"),
        ("x" * 252, "name.length"),
        (".lab-workbook/begin", "name.reserved"),
        (".LAB-workbook/begin", "name.reserved"),
        ("\udc80", "name.utf8"),
        (7, "name.utf8"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused(workbook, name, rule):
    """
    The error names the rule.
    """
    with pytest.raises(InvalidName) as refused:
        workbook.save_json(name, {})

    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("name", "value"),
    [("x", dict.fromkeys(["a\udc80", "a\udc81"], 1)), ("../x", {"a": "\udc80"})],
    ids=["key", "name"],
)
def test_a_text_of_json_that_is_refused_is_not_counted(workbook, name, value):
    """
    Keys that become equal when they are mended are refused like others.
    """
    with pytest.raises((InvalidName, InvalidValue)):
        workbook.save_json(name, value)
    workbook.close()

    end = json.loads(Path(workbook.where.removeprefix("file://"), ".lab-workbook/end.json").read_text())
    assert end["lost"]["texts"] == 0


@pytest.mark.parametrize("name", ["", "..", "x ", "x.", "folder/"])
def test_the_rules_of_names_are_about_the_whole_with_its_suffix(workbook, name):
    """
    As SPEC.md says of the empty name, which makes `.json`.
    """
    workbook.save_json(name, {"a": 1})

    assert Path(workbook.where.removeprefix("file://"), f"{name}.json").read_text() == '{"a": 1}'


def test_names_that_some_disks_cannot_tell_apart_are_refused(workbook):
    """
    The message has both.
    """
    workbook.save_json("options", {})

    with pytest.raises(InvalidName, match=r"'Options.json' and 'options.json'"):
        workbook.save_json("Options", {})
    with pytest.raises(InvalidName, match=r"folder of the other"):
        workbook.save_text("options.json/a", "")


def test_a_series_is_not_replaced_by_a_file(workbook):
    """
    Its bytes never change.
    """
    workbook.new_time_series_log("loss", ["epoch"])

    with pytest.raises(InvalidSeries, match=r"series.once"):
        workbook.save_text("loss.csv", "")
