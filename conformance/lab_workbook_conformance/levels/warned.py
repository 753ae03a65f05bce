"""Level core, for writers: cases about the configuration, and about warnings on standard error."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_CONFIG = SPEC["config"]["file"].removeprefix("~/")
_DEFAULT = SPEC["config"]["defaults"]["bucketPrefix"].removeprefix("file://~/").rstrip("/")
_SAVED = [NEW, ["saveText", "notes", "x"], CLOSE]
_KEY = "learningRateOfThisFile"
# Half of a surrogate pair, which a text of any language can contain.
_ODD = {"$bytes": "61EDA080"}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, rules, play in _CASES:
        yield Case(name, rules, "core", "writer", play)


def _default(bench: Bench) -> Findings:
    """Set nothing, by an empty value and by keys in another letter case."""
    other_case = "BUCKETPREFIX = ~/other\nbucketprefix = ~/other\nBucketPrefix = ~/other"
    for rule, text in (("config.order", "bucketPrefix = \t "), ("config.keys", other_case)):
        with bench.another(home={_CONFIG: f"{text}\n".encode()}) as fresh:
            found = fresh.record(_SAVED, look_in=os.path.join(fresh.home, _DEFAULT))
            yield from verdicts.played(found, rule)
            if found.is_done and "notes" not in found.files:
                there = f"at home there is: {', '.join(sorted(os.listdir(fresh.home)))}"
                yield Finding(rule, f"the experiment is not in ~/{_DEFAULT}", text, there)


def _disabled(bench: Bench) -> Findings:
    """Set the variable that disables to values that look like no."""
    for value in ("false", "00"):
        with bench.another(environment={SPEC["config"]["disabled"]: value}) as fresh:
            found = fresh.record(_SAVED)
            yield from verdicts.played(found, "config.disabled")
            if found.experiments:
                yield Finding("config.disabled", "it is disabled, and left files", repr(value), found.tag)


def _unknown_key(bench: Bench) -> Findings:
    """Begin three experiments in one process, with a key in the file that is not known."""
    # Without a prefix in the file, a writer that is given one by its argument need not read the file.
    file = f"{_KEY} = 0.1\nbucketPrefix = ~/runs\n".encode()
    words = _words(bench, [*_SAVED, *_SAVED, *_SAVED], {_CONFIG: file})
    lines = [line for line in words.splitlines() if _KEY in line]
    if len(lines) != 1:
        message = f"{len(lines)} lines on standard error name the unknown key {_KEY}, not one"
        yield Finding("config.keys", message, f"{_KEY} = 0.1", shown(words))


def _losses(bench: Bench) -> Findings:
    """Mend no text, one, and several in each of two experiments: once is once in each."""
    counts = {}
    for name, experiments in {"none": [0], "one": [1], "three and two": [3, 2]}.items():
        steps = [step for odd in experiments for step in _with_odd_texts(odd)]
        counts[name] = len(_words(bench, steps).splitlines())
    # What else a writer says, it says of each experiment.
    of_one, of_both = counts["one"] - counts["none"], counts["three and two"] - 2 * counts["none"]
    if of_one < 1:
        yield Finding("text.mended", "it does not warn of a text that is mended", "", f"lines: {counts}")
    elif of_both != 2 * of_one:
        message = "it does not warn once in each experiment of the texts that are mended"
        yield Finding("end.lost", message, "", f"lines: {counts}")


def _with_odd_texts(count: int) -> list[Any]:
    rows = [["log", "notes", {"note": text}] for text in ["sound", *[_ODD] * count]]
    return [NEW, ["newTimeSeriesLog", "notes", ["note"]], *rows, CLOSE]


def _words(bench: Bench, steps: Sequence[Any], home: Mapping[str, bytes] | None = None) -> str:
    """Play steps to a process of its own, and return all that it writes on standard error."""
    with tempfile.TemporaryFile() as errors, bench.another(home=home, errors=errors) as fresh:
        fresh.record(steps, prefix=None if home else fresh.scratch(), look_in=fresh.scratch())
        fresh.end()
        errors.seek(0)
        return errors.read().decode("utf-8", "replace")


_CASES: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("config.order-default", ("config.order", "config.keys"), _default),
    ("config.disabled-words", ("config.disabled",), _disabled),
    ("config.keys-once", ("config.keys",), _unknown_key),
    ("end.lost-once", ("end.lost", "text.mended"), _losses),
)
