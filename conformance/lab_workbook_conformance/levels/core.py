"""Level core, for writers: plays the examples of SPEC.md and judges the files that they leave in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from lab_workbook_conformance import answers, verdicts
from lab_workbook_conformance.bench import Bench, Recording, Unsupported
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.levels import pins
from lab_workbook_conformance.levels.examples import CLOSE, NEW, Example, examples

Findings = Iterable[Finding]
# Steps of which one can be left out, and the steps that follow it can still be played.
_SEPARATE = ("log", "saveJSON", "saveText", "saveFile")


def cases() -> Iterator[Case]:
    """Yield the examples of SPEC.md that a writer can play: a case for each line, or for all steps."""
    for example in examples():
        for name, play in _plays(example):
            yield Case(name, (example.rule,), "core", "writer", partial(play, rule=example.rule))


def _plays(example: Example) -> Iterator[tuple[str, Callable[..., Findings]]]:
    """Yield the names of cases, and what plays them; nothing where a folder cannot show an example."""
    if example.subject == "steps" and "saveGitStatus" not in example.text:
        play = finished_steps if example.accepts else pins.refused
        yield example.name, partial(play, steps=example.steps)
    for name, line in example.numbered("name", "tag", "answer"):
        if example.subject in ("name", "tag"):
            play = finished_steps if example.accepts else pins.refused
            yield name, partial(play, steps=_naming(example.subject, line))
        # Level git has a repository for `saveGitStatus`.
        elif example.accepts and line[0] in _ANSWERS and "saveGitStatus" not in json.dumps(line):
            yield name, partial(_ANSWERS[line[0]], line=line)


def _naming(subject: str, text: Any) -> list[Any]:
    return [["newExperiment", {"tag": text}]] if subject == "tag" else [NEW, ["saveText", text, "x"]]


def finished(bench: Bench, steps: list[Any], rule: str) -> Iterator[Finding]:
    """Play steps, close, and judge all that is there."""
    found = bench.record([*steps, CLOSE])
    yield from verdicts.recording(found, rule, integers=bench.integers)


def finished_steps(bench: Bench, steps: list[Any], rule: str) -> Iterator[Finding]:
    """
    Play steps, close, and judge; a step that is unsupported is left out, and the others are judged.

    Raises:
        Unsupported: a step was left out.
    """
    unsupported: Unsupported | None = None
    while True:
        try:
            yield from finished(bench, steps, rule)
            break
        except Unsupported as error:
            unsupported = error
            if error.step is None or steps[error.step][0] not in _SEPARATE:
                break
            steps = [step for number, step in enumerate(steps) if number != error.step]
    if unsupported:
        raise unsupported


def _cell(bench: Bench, line: list[Any], rule: str) -> Findings:
    """Log the value of an answer; the judge of cells decides how it may be written."""
    steps = [NEW, ["newTimeSeriesLog", "x", ["x"]], ["log", "x", {"x": line[1]}]]
    yield from finished(bench, steps, rule)


def _json(bench: Bench, line: list[Any], rule: str) -> Findings:
    yield from finished(bench, [NEW, ["saveJSON", "x", line[1]]], rule)


def _files(bench: Bench, line: list[Any], rule: str) -> Findings:
    """Play a step alone, and see which names it makes."""
    _, step, names = line
    found = bench.record([NEW, step, CLOSE])
    yield from verdicts.recording(found, rule, integers=bench.integers)
    yield from _same_names(found, names, rule)


def _same_names(found: Recording, names: list[str], rule: str) -> Findings:
    made = sorted(name for name in found.files if answers.is_listed(name))
    if found.is_done and made != sorted(names):
        yield Finding(rule, f"it should make {', '.join(names)}", shown(found.steps[1]), ", ".join(made))


_ANSWERS: dict[str, Callable[..., Findings]] = {"cell": _cell, "json": _json, "files": _files}
