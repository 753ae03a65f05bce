"""Files of Torch's optim.Logger."""

from __future__ import annotations

import math
import os

import pytest
from lab_workbook.errors import Unreadable
from lab_workbook_writer import importers

from python_writer.tests.importers.conftest import FIXTURES

FILE = FIXTURES / "optim/test.log"


def test_each_row_comes_back_with_its_number(imported):
    """
    Numbers as far as the file has them; a text stays one.
    """
    run = imported("optim-logger", FILE)["test.log"]

    table = run["metrics.csv"]
    assert list(table.columns) == ["training error", "test error", "Date"]
    assert table.index.tolist() == [1, 2, 3, 4]
    assert table["training error"].tolist() == pytest.approx([0.33333, 0.1, math.nan, 0.1], nan_ok=True)
    assert table["test error"].tolist() == [0.5, 123460.0, math.inf, "diverged"]


def test_files_below_a_folder_are_found_by_their_form(source, imported):
    """
    Others that are called so as well are left alone.
    """
    (source / "notes.log").write_text("no\ttabs at the end\n")
    (source / "binary.log").write_bytes(b"a\0b\t\n")
    (source / "link.log").symlink_to(FILE)

    assert list(imported("optim-logger", source)) == ["optim/test.log"]


def test_a_row_that_is_torn_is_left_out(tmp_path, imported):
    """
    Its last number may have lost digits.
    """
    (tmp_path / "a.log").write_text("x\tx\t\n 1.0\t 2.0\t\n 3.0\t 4.")

    run = imported("optim-logger", tmp_path / "a.log")["a.log"]

    assert run["metrics.csv"][["x", "x_"]].values.tolist() == [[1.0, 2.0]]
    assert run["import.json"]["leftOut"] == {"torn rows": 1}
    assert run["import.json"]["problems"] == []


def test_more_cells_than_names_are_kept(tmp_path, imported):
    """
    optim.Logger writes them, when a row has a value more.
    """
    (tmp_path / "a.log").write_text("x\t\n1\t\n2\t1_0\t\n")

    run = imported("optim-logger", tmp_path / "a.log")["a.log"]

    assert run["metrics.csv"]["x"].to_dict() == {1: 1, 2: 2}
    assert run["metrics-2.csv"]["2"].to_dict() == {2: "1_0"}


def test_a_file_has_one_tag_until_it_changes(tmp_path):
    """
    The minute is that of its last change, which it does not say itself.
    """
    path = tmp_path / "a.log"
    path.write_text("x\t\n1\t\n")
    os.utime(path, (1455313654, 1455313654))
    (first,) = importers.find("optim-logger", str(path))
    (again,) = importers.find("optim-logger", str(path))
    path.write_text("x\t\n2\t\n")
    (changed,) = importers.find("optim-logger", str(path))

    assert first.tag == again.tag != changed.tag
    assert first.tag.startswith("201602122147-")


@pytest.mark.parametrize("text", ["", "a,b\n", "a\tb\n"])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "a.log").write_text(text)

    with pytest.raises(Unreadable, match=r"is no file of optim\.Logger"):
        list(importers.find("optim-logger", str(tmp_path / "a.log")))
    with pytest.raises(Unreadable, match=r"there is no file of optim\.Logger"):
        list(importers.find("optim-logger", str(tmp_path)))
