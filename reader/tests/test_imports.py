"""
Importing is quick: heavy friends come when they are first needed.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "click", "jinja2", "lab_workbook_writer", "numpy", "pandas", "tqdm")


def imported_by(code: str) -> set[str]:
    """Return the heavy modules that a fresh interpreter has after this code."""
    check = f"import sys; {code}; print([each for each in {HEAVY!r} if each in sys.modules])"
    output = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    return set(eval(output))


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import lab_workbook", set()),
        ("from lab_workbook import ExperimentRepository, Experiment, artifact_processor", set()),
        ("import lab_workbook; lab_workbook.ExperimentRepository('s3://bucket/exp/')", set()),
        ("import lab_workbook; lab_workbook.ExperimentRepository('/tmp')[:]", set()),
        ("import lab_workbook.cli", {"click"}),
        ("import lab_workbook.cli.ls, lab_workbook.cli.show", {"click"}),
    ],
)
def test_nothing_heavy_comes_before_it_is_needed(code: str, heavy: set[str]) -> None:
    """
    A training script must not pay for pandas, nor a notebook on a folder for boto3.
    """
    assert imported_by(code) == heavy


def test_every_public_name_is_there() -> None:
    """
    The front door keeps what it promises, also to `from lab_workbook import *` and to `dir`.
    """
    import lab_workbook

    assert all(getattr(lab_workbook, name) is not None for name in lab_workbook.__all__)
    assert set(lab_workbook.__all__) <= set(dir(lab_workbook))
    assert sorted(lab_workbook.__all__) == lab_workbook.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    import lab_workbook

    with pytest.raises(AttributeError, match="has no attribute 'no_such_thing'"):
        _ = lab_workbook.no_such_thing


def test_without_the_writer_the_message_says_what_to_install() -> None:
    """
    The reader alone can be installed on a machine that never trains.
    """
    code = """
import sys
sys.modules["lab_workbook_writer"] = None
import lab_workbook
try:
    lab_workbook.new_experiment()
except lab_workbook.LabWorkbookError as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "lab_workbook_writer" in output
    assert "pip install lab-workbook" in output
