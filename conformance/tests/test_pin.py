"""
Pins: what was found by chance once becomes a case of its own, for everybody.
"""

import json
import sys

import pytest
from lab_workbook_conformance import certify

WRONG = [sys.executable, "-m", "lab_workbook_conformance.wrong"]


@pytest.fixture(scope="module")
def pinned(tmp_path_factory):
    """A file with one pin, which a writer that takes any fields has left."""
    path = tmp_path_factory.mktemp("pins") / "pinned.json"
    arguments = ["--pin", "fields-odd", "--to", str(path), "--case", "depth.misuses", "--examples", "100"]
    assert certify.main([*arguments, "--", *WRONG, "series.fields"]) == 0
    return path


def play(path, *wrong):
    return certify.main(["--pinned", str(path), "--case", "fields-odd", "--", *WRONG, *wrong])


def test_the_right_one_passes_a_pin(pinned):
    """
    A pin blames nobody who is right.
    """
    assert play(pinned) == 0


def test_the_wrong_one_fails_it_by_name(pinned, capsys):
    """
    The wrong one fails the case of that name, and the line that plays it again names the file.
    """
    assert play(pinned, "series.fields") == 1

    out = capsys.readouterr().out
    assert "FAILED fields-odd" in out
    assert f"--case fields-odd --pinned {pinned} --" in out


def test_a_pin_says_what_it_is_about(pinned):
    """
    The file is for people too: a name, what has to come of it, the rule and the steps.
    """
    (pin,) = json.loads(pinned.read_text())

    assert list(pin) == ["name", "expect", "rules", "steps"]
    assert (pin["name"], pin["expect"], pin["rules"]) == ("fields-odd", "refuse", ["series.fields"])


def test_a_name_is_given_once(pinned, capsys):
    """
    A second pin of the same name would hide the first.
    """
    arguments = ["--pin", "fields-odd", "--to", str(pinned), "--case", "depth.misuses", "--examples", "100"]

    assert certify.main([*arguments, "--", *WRONG, "series.fields"]) == 2
    assert "is taken" in capsys.readouterr().err


def test_nothing_to_pin_is_said(tmp_path, capsys):
    """
    Where all holds, no file is made.
    """
    arguments = [
        "--pin",
        "none",
        "--to",
        str(tmp_path / "x.json"),
        "--case",
        "depth.names",
        "--examples",
        "3",
    ]

    assert certify.main([*arguments, "--", *WRONG]) == 1
    assert "no example fails" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{}", '[{"name": "x"}]', "not JSON"])
def test_a_file_that_holds_no_pins_is_refused(tmp_path, text, capsys):
    """
    Wrong usage is told apart from what a writer does wrong.
    """
    path = tmp_path / "pinned.json"
    path.write_text(text)

    assert certify.main(["--pinned", str(path), "--", *WRONG]) == 2
    assert str(path) in capsys.readouterr().err
