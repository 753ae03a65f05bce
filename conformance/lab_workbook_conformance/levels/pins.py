"""
Pins: what is played to a writer or a reader as a case, written down in JSON.

Those in ``pinned.json`` were found by chance once, shrunk, and are played to everybody since::

    {
        "name": "cell-minus-zero",
        "expect": "accept",
        "rules": ["series.special"],
        "steps": [
            ["newExperiment", {}],
            ["newTimeSeriesLog", "a", ["0"]],
            ["log", "a", {"0": {"$float": "-0.0"}}],
            ["close"],
        ],
    }

``expect`` says what has to come of it: ``accept`` that the steps are recorded, ``refuse`` that the last one
is refused, by the first of ``rules``, ``continue`` that those in ``refused`` are (a number and a rule each),
and the others recorded as if these had never been called, and ``read`` that a reader sees what is in
``files``. Those that ``depth`` makes up are of the same form, and have no name yet.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from importlib import resources
from typing import Any

from lab_workbook_conformance import notation, verdicts
from lab_workbook_conformance.bench import Bench, Recording
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC, rules
from lab_workbook_conformance.levels import given

Pin = Mapping[str, Any]

_NAME = re.compile("[a-z0-9][a-z0-9.-]*")
_LOSS = SPEC["loss"]


class BadPins(ValueError):
    """A file of pins cannot be used; the message says why."""


def cases() -> Iterator[Case]:
    """Yield the pinned cases of the kit."""
    text = resources.files("lab_workbook_conformance").joinpath("pinned.json").read_text(encoding="utf-8")
    yield from map(case, json.loads(text))


def case(pin: Pin) -> Case:
    """Return the case that plays a pin."""
    role = "reader" if pin["expect"] == "read" else "writer"
    return Case(pin["name"], tuple(pin["rules"]), "core", role, partial(play, pin=pin))


def load(path: str) -> list[Pin]:
    """
    Return the pins of a file.

    Raises:
        BadPins: it cannot be read, or is no list of pins.
    """
    try:
        with open(path, encoding="utf-8") as file:
            pins = json.load(file)
    except (OSError, ValueError) as error:
        raise BadPins(f"{path} cannot be read: {error}") from error
    for pin in pins if isinstance(pins, list) else [None]:
        if not isinstance(pin, dict) or not is_pin(pin):
            raise BadPins(f"{path}: {shown(json.dumps(pin))} is no pin")
    return list(pins)


def is_pin(pin: Pin) -> bool:
    """Say whether something that was read is a pin."""
    what = "files" if pin.get("expect") == "read" else "steps"
    return (
        pin.get("expect") in ("accept", "refuse", "continue", "read")
        and isinstance(pin.get("name"), str)
        and _NAME.fullmatch(pin["name"]) is not None
        and isinstance(pin.get(what), dict if what == "files" else list)
        and (pin["expect"] != "continue" or isinstance(pin.get("refused"), list))
        and bool(pin.get("rules"))
        and set(pin["rules"]) <= rules().keys()
    )


def keep(pin: Pin, path: str) -> None:
    """
    Add a pin to a file, which is made where there is none.

    Raises:
        BadPins: what is there cannot be used, or the name is taken in it.
    """
    pins = load(path) if os.path.exists(path) else []
    if not is_pin(pin) or any(pin["name"] == other["name"] for other in pins):
        raise BadPins(f"{path}: {pin['name']!r} is no name, or is taken")
    with open(path, "w", encoding="utf-8") as file:
        json.dump([*pins, pin], file, indent=1)
        file.write("\n")


def play(bench: Bench, pin: Pin) -> Iterable[Finding]:
    """Play it, and find what is wrong with what came of it."""
    if pin["expect"] == "read":
        return _read(bench, pin)
    plays = {"refuse": _refused, "continue": _continued, "accept": _accepted}
    return plays[pin["expect"]](bench, pin)


def _accepted(bench: Bench, pin: Pin) -> Iterator[Finding]:
    yield from _recorded(bench.record(pin["steps"]), pin["rules"][0], bench)


def _recorded(found: Recording, rule: str, bench: Bench) -> Iterator[Finding]:
    """Find that steps were not recorded as they were given."""
    yield from verdicts.recording(found, rule, integers=bench.integers)
    if found.is_done:
        yield from _told(found)
        yield from verdicts.lost(found, {_LOSS["rows"]: 0, _LOSS["artifacts"]: 0, **_mended(found.steps)})


def _refused(bench: Bench, pin: Pin) -> Iterator[Finding]:
    yield from refused(bench, pin["steps"], pin["rules"][0])


def refused(bench: Bench, steps: list[Any], rule: str) -> Iterator[Finding]:
    """Find that the last step was not refused by this rule, or has left something behind."""
    found = bench.record(steps)
    yield from verdicts.refused(found, rule)
    if found.answer != "refused":
        return
    if left := list(verdicts.sound(found)):
        yield from verdicts.traces(left, verdicts.sound(bench.record([*steps[:-1], ["close"]])))


def _continued(bench: Bench, pin: Pin) -> Iterator[Finding]:
    """Find that a step was not refused, or that one which was refused has left a trace."""
    numbers = {int(number): rule for number, rule in pin["refused"]}
    found = bench.record(pin["steps"], continues=True)
    yield from _missed(bench, found, numbers)
    # What a step does that should have been refused is not known.
    refused = {each["step"] for each in found.refusals}
    if all(number in refused for number in numbers if number <= found.reached):
        yield from _traces(bench, found, numbers)


def _missed(bench: Bench, found: Recording, refused: Mapping[int, str]) -> Iterator[Finding]:
    """Find the steps that were not refused by their rules, each also tried alone, without other refusals."""
    said = {each["step"] for each in found.refusals}
    for number, rule in refused.items():
        missed = list(verdicts.refusals(found, {number: rule}))
        if missed and number not in said:
            # It was played, so the steps after it are those of another script.
            yield from missed
            return
        if missed:
            steps = [
                step
                for at, step in enumerate(found.steps)
                if at <= number and (at not in refused or at == number)
            ]
            alone = bench.record(steps, continues=True)
            yield from verdicts.traces(missed, verdicts.refusals(alone, {len(steps) - 1: rule}))


def _traces(bench: Bench, found: Recording, refused: Mapping[int, str]) -> Iterator[Finding]:
    """Compare with the same script without its refused steps; its own faults are those of other rules."""
    rule = "misuse.trace"
    rest = found.without(refused)
    findings = [
        *verdicts.unexpected(found, refused, rule),
        *_recorded(rest, rule, bench),
        *_more_experiments(rest, rule),
    ]
    if findings:
        logged = shown_steps(found.steps)
        without = _recorded(bench.record(rest.steps), rule, bench)
        yield from (each._replace(logged=logged) for each in verdicts.traces(findings, without))


def _more_experiments(found: Recording, rule: str) -> Iterator[Finding]:
    """Find experiments that no call has begun."""
    begun = sum(step[0] == "newExperiment" for step in found.steps)
    if len(found.experiments) > begun:
        yield Finding(
            rule, f"there are {len(found.experiments)} experiments", "", ", ".join(found.experiments)
        )


def shown_steps(steps: list[Any]) -> str:
    """Return steps, one a line, and not too many of them."""
    return "\n".join(map(shown, steps[:20]))


def _told(found: Recording) -> Iterator[Finding]:
    """Find that begin.json does not say what newExperiment was told."""
    begin = verdicts.document(found.files, "begin") or {}
    for key, text in notation.value(found.steps[0][1]).items():
        if begin.get(key) != text:
            message = f"begin.json does not say the same under {key!r}"
            rule = "begin.document" if key == "tag" else "begin.optional"
            yield Finding(rule, message, shown(text), shown(repr(begin.get(key))))


def _mended(steps: list[Any]) -> dict[str, int]:
    """Return how many texts have to be mended, each counted once."""
    count: Counter[str] = Counter({_LOSS["texts"]: 0})
    for verb, *arguments in notation.value(steps):
        if verb == "log":
            count[_LOSS["texts"]] += sum(_is_odd(cell, "\0") for cell in arguments[1].values())
        elif verb == "saveJSON":
            count[_LOSS["texts"]] += sum(map(_is_odd, _texts(arguments[1])))
    return dict(count)


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, dict)):
        yield from value if isinstance(value, dict) else ()
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    else:
        yield value


def _is_odd(value: Any, also: str = "") -> bool:
    return isinstance(value, str) and any("\ud800" <= each <= "\udfff" or each in also for each in value)


def _read(bench: Bench, pin: Pin) -> Iterator[Finding]:
    """Write an experiment of these files, and compare what the reader sees with what is there."""
    texts = {name: notation.value(text) for name, text in pin["files"].items()}
    files = {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
    answer = bench.read(given.experiment(files))
    for name, text in texts.items():
        member, right = _right(name, text)
        for finding in given.shows(answer, name, member, right, pin["rules"][0], bench=bench):
            yield finding._replace(logged=shown(f"{name}: {text!r}; {finding.logged}"))


def _right(name: str, text: str) -> tuple[str, Any]:
    """Return what a reader has to give for a file: the member of its answer, and the value."""
    if name.endswith(SPEC["kind"]["json"]["suffix"]):
        return "value", json.loads(text)
    rows = given.table(text)
    return ("plain", True) if rows is None else ("rows", rows)
