"""
Level models: what a Torch saves.

Its bytes are the affair of that Torch; that they lie under the right name, whole and listed, is the writer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab_workbook_conformance import answers, verdicts
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_SUFFIXES = tuple(SPEC["kind"][kind]["suffix"] for kind in ("torch7", "pytorch"))
_FIRST = {"weights": list(range(100))}
_SECOND = {"bias": [{"$float": "0.5"}]}


def cases() -> Iterator[Case]:
    """Yield the cases of saveTorch."""
    yield Case("kind.suffix-torch", ("kind.suffix", "end.files"), "models", "writer", _saved)
    yield Case("misuse.trace-torch", ("misuse.trace", "name.parts"), "models", "writer", _refused)
    yield Case("kind.replace-torch", ("kind.replace",), "models", "writer", _saved_again)


def _saved(bench: Bench) -> Findings:
    """Save a value: there is one artifact, with the suffix of a Torch after the name as given."""
    found = bench.record([NEW, ["saveTorch", "model.t7", _FIRST], CLOSE])
    yield from verdicts.recording(found, "kind.suffix", integers=bench.integers)
    made = [name for name in found.files if answers.is_listed(name)]
    if found.is_done and made not in ([f"model.t7{suffix}"] for suffix in _SUFFIXES):
        wanted = " or ".join(f"model.t7{suffix}" for suffix in _SUFFIXES)
        yield Finding("kind.suffix", f"it should make {wanted}", shown(found.steps[1]), ", ".join(made))
    elif found.is_done and not found.files[made[0]]:
        yield Finding("kind.suffix", "there is nothing in it", shown(found.steps[1]), made[0])


def _refused(bench: Bench) -> Findings:
    """Save under a name that is refused, and under a right one before and after it."""
    wrong = ["saveTorch", "model/../other", _SECOND]
    steps = [NEW, ["saveTorch", "model", _FIRST], wrong, ["saveTorch", "other", _FIRST], CLOSE]
    found = bench.record(steps, continues=True)
    yield from verdicts.refusals(found, {2: "name.parts"})
    yield from verdicts.recording(found.without([2]), "misuse.trace", integers=bench.integers)
    made = [name for name in found.files if answers.is_listed(name)]
    if found.is_done and len(made) != 2:
        yield Finding("misuse.trace", "there should be two artifacts", shown(steps), ", ".join(made))


def _saved_again(bench: Bench) -> Findings:
    """Save another value under the name: nothing is left of the first."""
    first = bench.record([NEW, ["saveTorch", "model", _FIRST], CLOSE])
    both = bench.record([NEW, ["saveTorch", "model", _FIRST], ["saveTorch", "model", _SECOND], CLOSE])
    for found in (first, both):
        yield from verdicts.recording(found, "kind.replace", integers=bench.integers)
    for name, data in first.files.items():
        if answers.is_listed(name) and both.files.get(name, b"").startswith(data):
            yield Finding("kind.replace", f"{name} still begins with what was saved first", "", shown(data))
