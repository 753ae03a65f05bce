"""
What the benchmark of frameworks says it measures, it does measure.
"""

from __future__ import annotations

from pathlib import Path

from tests.frameworks.conftest import FRAMEWORKS

ROOT = Path(__file__).resolve().parents[2]
FEW = """
from benchmarks import frameworks
for name in frameworks.FRAMEWORKS:
    row = frameworks.measure(name, steps=3, turns=1)
    assert set(row.seconds) == {"none", "own", "ours"} and min(row.seconds.values()) > 0
    print(row.shown())
"""


def test_every_framework_is_measured(run):
    """
    A few steps with each logger. Nothing goes wrong meanwhile.
    """
    done = run("-c", FEW, PYTHONPATH=str(ROOT))

    named = {line.split()[0] for line in done.stdout.splitlines() if " s " in line}
    assert named == {*FRAMEWORKS, "tensorboard"}
    assert "lab-workbook:" not in done.stderr
