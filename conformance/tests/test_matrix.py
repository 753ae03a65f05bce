"""
The table in README.md of who reads whom says what comes out today.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from conformance import matrix

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_in_the_readme_is_what_comes_out_here():
    """
    Where it is not, the message says what to run.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "conformance.matrix", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr


def test_what_is_not_installed_keeps_its_cells(monkeypatch, tmp_path, capsys):
    """
    A machine without Node or some Lua neither empties a column nor calls the table old.
    """
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text())
    known = matrix.parse(matrix.table_of(readme.read_text()))
    monkeypatch.setattr(matrix, "README", readme)
    monkeypatch.setattr(
        matrix, "cells", lambda: {key: cell for key, cell in known.items() if key[0] == "Python"}
    )

    assert matrix.main(["--check"]) == 0
    assert "not here, so its cells stay as they are: Lua 5.1" in capsys.readouterr().out


@pytest.mark.parametrize("cell", ["0 of 21", ""])
def test_another_cell_makes_the_table_old(monkeypatch, capsys, cell):
    """
    The message names what to run.
    """
    monkeypatch.setattr(matrix, "cells", lambda: {("Python", "our reader"): cell})

    assert matrix.main(["--check"]) == 1
    assert "make matrix" in capsys.readouterr().err
