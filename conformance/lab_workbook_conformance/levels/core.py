"""Level core, for writers: the examples of SPEC.md are played, and what then lies in a folder is judged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from lab_workbook_conformance import answers, verdicts
from lab_workbook_conformance.bench import Bench, Recording, Unsupported
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.levels.examples import CLOSE, NEW, Example, examples

Findings = Iterable[Finding]


def cases() -> Iterator[Case]:
    """Yield the examples of SPEC.md that a writer can play."""
    for example in examples():
        play = _player(example)
        if play:
            yield Case(example.name, (example.rule,), "core", "writer", partial(play, example=example))


def _player(example: Example) -> Any:
    """Return what plays an example; None where a writer cannot show it in a folder."""
    is_git = "saveGitStatus" in example.text and example.subject == "steps"
    if example.subject == "steps" and not is_git:
        return _accepted_steps if example.accepts else _refused_steps
    if example.subject in ("name", "tag"):
        return _names if example.accepts else _refused_names
    if example.accepts and example.answers("cell", "json"):
        return _cells
    if example.accepts and example.answers("files"):
        return _files
    return None


def finished(bench: Bench, steps: list[Any], rule: str) -> Iterator[Finding]:
    """Play steps, close, and judge all that is there."""
    found = bench.record([*steps, CLOSE])
    yield from verdicts.recording(found, rule, integers=bench.integers)


def _accepted_steps(bench: Bench, example: Example) -> Findings:
    yield from finished(bench, example.steps, example.rule)


def _refused_steps(bench: Bench, example: Example) -> Findings:
    yield from verdicts.refused(bench.record(example.steps), example.rule)


def _names(bench: Bench, example: Example) -> Findings:
    """Save one text under each name; a tag has an experiment of its own."""
    if example.subject == "tag":
        for tag in example.lines:
            yield from finished(bench, [["newExperiment", {"tag": tag}]], example.rule)
    else:
        yield from finished(bench, [NEW, *(["saveText", name, "x"] for name in example.lines)], example.rule)


def _refused_names(bench: Bench, example: Example) -> Findings:
    for text in example.lines:
        is_tag = example.subject == "tag"
        steps = [["newExperiment", {"tag": text}]] if is_tag else [NEW, ["saveText", text, "x"]]
        yield from verdicts.refused(bench.record(steps), example.rule)


def _cells(bench: Bench, example: Example) -> Findings:
    """Log the values of the answers; how they are written is for the judge of cells to say."""
    rows = [["log", "x", {"x": value}] for _, value, _ in example.answers("cell")]
    values = [["saveJSON", str(at), value] for at, (_, value, _) in enumerate(example.answers("json"))]
    begun = [["newTimeSeriesLog", "x", ["x"]]] if rows else []
    yield from _as_many(bench, begun, [*rows, *values], example.rule)


def _as_many(bench: Bench, first: list[Any], steps: list[Any], rule: str) -> Findings:
    """Play steps together; where the language has no such value, each alone, and those that it has."""
    try:
        yield from list(finished(bench, [NEW, *first, *steps], rule))
    except Unsupported:
        played = 0
        for step in steps:
            with contextlib.suppress(Unsupported):
                yield from finished(bench, [NEW, *first, step], rule)
                played += 1
        if not played:
            raise


def _files(bench: Bench, example: Example) -> Findings:
    """Play each step alone, and see which names it makes."""
    for _, step, names in example.answers("files"):
        if step[0] == "saveGitStatus":
            continue
        found = bench.record([NEW, step, CLOSE])
        yield from verdicts.recording(found, example.rule, integers=bench.integers)
        yield from _same_names(found, names, example.rule)


def _same_names(found: Recording, names: list[str], rule: str) -> Findings:
    made = sorted(name for name in found.files if answers.is_listed(name))
    if found.is_done and made != sorted(names):
        yield Finding(rule, f"it should make {', '.join(names)}", shown(found.steps[1]), ", ".join(made))
