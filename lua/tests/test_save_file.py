"""saveFile: a copy that cannot change, or the file itself where the caller gives it away."""

import os

import pytest

MODEL = os.urandom(1 << 20) * 3


def test_a_large_file_is_copied_whole(run, tmp_path, prefix):
    """
    By the system's cp, which shares blocks where it can; and the original stays.
    """
    source = tmp_path / "-my model's.pt"
    source.write_bytes(MODEL)

    run(f"w:saveFile('model.pt', [[{source}]]) w:close()")

    assert (prefix / "T" / "model.pt").read_bytes() == MODEL == source.read_bytes()
    assert (prefix / "T" / "model.pt").stat().st_ino != source.stat().st_ino


def test_a_file_that_is_given_away_is_renamed(run, tmp_path, prefix):
    """
    The very same file, so that a model of any size costs neither time nor disk.
    """
    source = tmp_path / "my model's.pt"
    source.write_bytes(MODEL)
    inode = source.stat().st_ino

    run(f"w:saveFile('model.pt', [[{source}]], {{move = true}}) w:close()")

    assert (prefix / "T" / "model.pt").stat().st_ino == inode
    assert not source.exists()


@pytest.mark.parametrize("kind", ["hard", "symbolic"])
def test_a_file_with_two_names_is_copied(run, tmp_path, prefix, kind):
    """
    The name that was given is gone, and the other one is untouched.
    """
    source, given = tmp_path / "model.pt", tmp_path / "latest.pt"
    source.write_bytes(MODEL)
    os.link(source, given) if kind == "hard" else given.symlink_to(source)

    run(f"w:saveFile('model.pt', '{given}', {{move = true}}) w:close()")
    source.write_bytes(b"changed")

    assert (prefix / "T" / "model.pt").read_bytes() == MODEL
    assert not os.path.lexists(given)


def test_a_file_that_cannot_be_saved_stays(run, tmp_path):
    """
    A full disk must not cost the only copy of a model.
    """
    source = tmp_path / "model.pt"
    source.write_bytes(MODEL)

    done = run(
        "local rename = os.rename os.rename = function(from, to)"
        " if to:find('model.pt$') then return nil, 'No space left on device' end return rename(from, to) end"
        f" w:saveFile('model.pt', '{source}', {{move = true}}) w:close()"
    )

    assert "No space left on device" in done.stderr
    assert source.read_bytes() == MODEL


def test_a_workbook_that_is_switched_off_takes_nothing(run, tmp_path):
    source = tmp_path / "model.pt"
    source.write_bytes(MODEL)

    run(f"w:saveFile('model.pt', '{source}', {{move = true}}) w:close()", LAB_WORKBOOK_DISABLED="1")

    assert source.read_bytes() == MODEL


@pytest.mark.parametrize("name", ["", "..", "x ", "x.", "folder/"])
def test_the_rules_of_names_are_about_the_whole_with_its_suffix(run, prefix, name):
    """
    As SPEC.md says of the empty name, which makes `.json`.
    """
    run(f"w:saveJSON('{name}', {{a = 1}}) w:close()")

    assert (prefix / "T" / f"{name}.json").read_text() == '{"a": 1}'
