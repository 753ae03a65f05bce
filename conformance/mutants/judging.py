"""
The kit as a judge of mutants: each in a copy of the writers, which is all that its adapter finds.

A mutant is killed where a case fails, or where the adapter dies, hangs or talks nonsense. Of the writers as
they are the kit has to find nothing wrong, or it could kill whatever it likes.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from lab_workbook_conformance import certify, levels
from lab_workbook_conformance.adapter import AdapterTrouble
from lab_workbook_conformance.case import Case
from lab_workbook_conformance.levels import depth
from lab_workbook_conformance.report import PASSED, UNSUPPORTED, Result

from conformance.mutants.mutant import ROOT, Mutant

_PACKAGES = ("reader/lab_workbook", "python_writer/lab_workbook_writer")
_PYTHON_ADAPTER = "conformance/writers/python/adapter.py"
_LUA_ADAPTER = "conformance/writers/lua/adapter.lua"
# One without integers, and one with them.
_LUAS = ("luajit", "lua5.4")
_LEVELS = ("core", "git")
_ROLES = ("writer",)
# The examples of a property; a few, because the same are made up each time.
_EXAMPLES = 4


class Verdict(NamedTuple):
    """What became of a mutant: the case that killed it; none where it has survived."""

    mutant: Mutant
    case: str
    how: str


class _Killed(Exception):
    """A case has found the mutant, which is enough."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.case.name)
        self.result = result


class Court:
    """
    The copy of the writers from which each mutant is made; a context manager.

    ``order`` says how quick each case was with the writers as they are, by the program that runs the adapter.
    """

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._folder = tempfile.mkdtemp(prefix="mutants-")
        self.order: dict[str, dict[str, float]] = {}
        self._original = os.path.join(self._folder, "original")
        for path in (*_PACKAGES, "lua/lab-workbook", _LUA_ADAPTER):
            _copy(ROOT / path, Path(self._original, path))
        compileall.compile_dir(self._original, quiet=2)

    def __enter__(self) -> Court:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def hear(self, languages: Iterable[str]) -> list[str]:
        """Try the writers as they are, and remember how quick cases are; returns what is wrong with them."""
        problems = []
        for language in languages:
            for command in _commands(language, self._original):
                report = certify.run(
                    command, cases=_cases(), levels=_LEVELS, roles=_ROLES, timeout=self._timeout
                )
                self.order[command[0]] = {each.case.name: each.seconds for each in report.results}
                faults = [each for each in report.results if each.verdict not in (PASSED, UNSUPPORTED)]
                problems += [f"{command[0]}: {each.case.name}: {each.verdict}" for each in faults]
        return problems

    def judge(self, mutant: Mutant) -> Verdict:
        """Try one mutant until a case finds it."""
        language = Path(mutant.module).suffix
        with tempfile.TemporaryDirectory(dir=self._folder) as copy:
            shutil.copytree(self._original, copy, copy_function=os.link, dirs_exist_ok=True)
            path = Path(copy, mutant.module)
            path.unlink()
            path.write_text(mutant.source, encoding="utf-8")
            for command in _commands(language, copy):
                case, how = self._tried(command)
                if case:
                    return Verdict(mutant, case, how)
        return Verdict(mutant, "", "")

    def _tried(self, command: Sequence[str]) -> tuple[str, str]:
        """Return the case that finds fault with an adapter, and how; nothing where none does."""
        seconds = self.order.get(command[0], {})
        # Quick cases first, and of those the ones that have found many.
        cases = sorted(_cases(), key=lambda case: seconds.get(case.name, 0) / (1 + _killed_by[case.name]))
        try:
            certify.run(
                command,
                cases=cases,
                levels=_LEVELS,
                roles=_ROLES,
                timeout=self._timeout,
                on_result=_stop_at_fault,
            )
        except _Killed as killed:
            _killed_by[killed.result.case.name] += 1
            return killed.result.case.name, killed.result.verdict
        except AdapterTrouble as error:
            return "hello", str(error).partition("\n")[0]
        return "", ""


_killed_by: Counter[str] = Counter()


def _cases() -> list[Case]:
    return certify.chosen([*levels.cases(), *depth.cases(_EXAMPLES)], _LEVELS, _ROLES)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _commands(language: str, copy: str) -> list[list[str]]:
    """Return what starts the adapters of a language on this copy."""
    if language == ".lua":
        return [[lua, os.path.join(copy, _LUA_ADAPTER)] for lua in _LUAS if shutil.which(lua)]
    path = os.pathsep.join(os.path.join(copy, os.path.dirname(package)) for package in _PACKAGES)
    return [["env", f"PYTHONPATH={path}", sys.executable, str(ROOT / _PYTHON_ADAPTER)]]


def _stop_at_fault(result: Result) -> None:
    if result.verdict not in (PASSED, UNSUPPORTED):
        raise _Killed(result)
