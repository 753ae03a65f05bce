"""
`make bench`: what we cost, beside the least that anyone could pay for the same.

Every figure is measured next to its floor in the same run. Only the ratio says something, and a
machine that is busy with other things still makes it noisy.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# What is measured, one after the other.
MODULES = ("python_row", "start", "lua_row", "reading", "growing", "melding")

# Case by case, in the order of the first word that fits: at most so many times the floor.
AIMS = (
    ("Python row", 1.3),
    ("log()", 1.3),
    ("LuaJIT", 1.3),
    ("Lua", 1.5),
    ("read, text", 3.0),
    ("read", 1.2),
    ("refresh", 0.1),
    ("meld", 1.2),
)

ABSOLUTE_AIMS = {"import lab_workbook": 50e-3, "new_experiment": 10e-3}


class Figure(NamedTuple):
    """One line of the table; times in seconds."""

    name: str
    ours: float
    floor: float

    def shown(self) -> str:
        absolute = next((aim for name, aim in ABSOLUTE_AIMS.items() if self.name.startswith(name)), None)
        if absolute is not None:
            spent = self.ours - self.floor
            verdict = "" if spent <= absolute else "  <-- missed"
            return self._line(f"+{_time(spent).strip()}", f"+{_time(absolute).strip()}") + verdict
        ratio = self.ours / self.floor
        aim = next((aim for name, aim in AIMS if self.name.startswith(name)), None)
        verdict = "  <-- missed" if aim is not None and ratio > aim else ""
        return self._line(f"{ratio:.2f}x", f"{aim:.1f}x" if aim else "") + verdict

    def _line(self, spent: str, aim: str) -> str:
        return f"{self.name:<44}{_time(self.ours)}{_time(self.floor)}{spent:>12}{aim:>12}"


def main(modules: Sequence[str] = MODULES) -> None:
    """Print the table."""
    print(f"{'figure':<44}{'ours':>12}{'floor':>12}{'spent':>12}{'at most':>12}")
    for figure in figures(modules):
        print(figure.shown(), flush=True)


def figures(modules: Sequence[str]) -> Iterator[Figure]:
    """Measure one module after the other."""
    for module in modules:
        for line in importlib.import_module(f"benchmarks.{module}").run():
            yield Figure(*line)


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:9.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:9.2f} ms"


if __name__ == "__main__":
    main()
