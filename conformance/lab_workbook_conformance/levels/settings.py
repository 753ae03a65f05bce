"""
Level core, for writers: where an experiment lands, by its prefix, the configuration and the environment.

All of it needs a fresh adapter in a world of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from lab_workbook_conformance import answers, notation, verdicts
from lab_workbook_conformance.bench import Bench, Recording
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, NEW, Example, examples

Findings = Iterable[Finding]

# The home of the examples.
_HOME = "/home/me"
_CONFIG = SPEC["config"]["file"].removeprefix("~/")
_STEPS = [NEW, ["saveText", "notes", "x"], CLOSE]


def cases() -> Iterator[Case]:
    """Yield the examples about prefixes and configurations, and what they cannot show."""
    for example in examples():
        for name, play in _plays(example):
            yield Case(name, (example.rule,), "core", "writer", play)
    yield Case("config.order-prefix", ("config.order",), "core", "writer", _order)
    yield Case("config.disabled-set", ("config.disabled",), "core", "writer", _disabled)
    yield Case("config.disabled-not", ("config.disabled",), "core", "writer", _enabled)


def _plays(example: Example) -> Iterator[tuple[str, Callable[[Bench], Findings]]]:
    """Yield the names of cases and what plays them, one for each line or configuration."""
    if example.subject == "config":
        play = _configuration if example.accepts else _refused_configuration
        yield example.name, partial(play, example=example)
    for name, line in example.numbered("prefix"):
        if not example.accepts:
            yield name, partial(_refused_prefix, prefix=line, rule=example.rule)
        elif _is_folder(line):
            yield name, partial(_lands, prefix=line, name="notes", rule=example.rule)
    for name, line in example.numbered("answer"):
        if example.accepts and line[0] in ("prefix", "place") and _is_folder(line[1]):
            artifact = line[-2] if line[0] == "place" else "notes"
            yield name, partial(_lands, prefix=line[1], name=artifact, rule=example.rule)


def _is_folder(prefix: str) -> bool:
    """Return whether a prefix is a folder; buckets are for level s3."""
    return (answers.prefix(prefix) or "").startswith("file://")


def _lands(bench: Bench, prefix: str, name: str, rule: str) -> Findings:
    """Record one artifact under a prefix, and look for it in the folder that this means."""
    read = answers.prefix(prefix) or ""
    folder = read.removeprefix("file://")
    if folder.startswith(_HOME):
        folder = bench.home + folder.removeprefix(_HOME)
    else:
        folder = bench.scratch() + folder
        prefix = f"file://{folder}"
    # The same folder is spelled in several ways. It stays, because the adapter may stand in it.
    for each in os.listdir(folder) if os.path.isdir(folder) else ():
        shutil.rmtree(os.path.join(folder, each), ignore_errors=True)
    steps = [["newExperiment", {}], ["saveText", name, "x"], CLOSE]
    found = bench.record(steps, prefix=prefix, look_in=folder)
    yield from _landed(found, prefix, name, rule, bench)


def _landed(found: Recording, where: str, name: str, rule: str, bench: Bench) -> Findings:
    yield from verdicts.recording(found, rule, integers=bench.integers) if found.files else ()
    yield from verdicts.played(found, rule) if not found.files else ()
    if found.is_done and name not in found.files:
        there = ", ".join(f"{tag}/{path}" for tag, files in found.experiments.items() for path in files)
        home = ", ".join(sorted(os.listdir(bench.home)))
        yield Finding(
            rule, f"{name} is not in its folder", where, there or f"nothing; at home there is: {home}"
        )


def _refused_prefix(bench: Bench, prefix: str, rule: str) -> Findings:
    found = bench.record([NEW], prefix=prefix, look_in=bench.scratch())
    for finding in verdicts.refused(found, rule):
        yield finding._replace(logged=shown(prefix))


def _configuration(bench: Bench, example: Example) -> Findings:
    """Record with this configuration; where it has no prefix for a folder, the argument gives one."""
    data = _at_home(example)
    place = re.search(rb"(?m)^bucketPrefix *= *~/(.*?)/?\r?$", data)
    with bench.another(home={_CONFIG: data}) as fresh:
        runs = os.path.join(fresh.home, place[1].decode() if place else "runs")
        found = fresh.record(_STEPS, prefix=None if place else runs, look_in=runs)
        yield from _landed(found, shown(data), "notes", example.rule, fresh)
        if found.tag and found.tag.encode() in data:
            yield Finding(example.rule, "its tag comes from the configuration", shown(data), found.tag)


def _at_home(example: Example) -> bytes:
    """Return a configuration whose experiments go to a folder, because not every writer knows buckets."""
    return notation.to_bytes(example.text).replace(b"s3://my-bucket/experiments", b"~/runs")


def _refused_configuration(bench: Bench, example: Example) -> Findings:
    data = _at_home(example)
    with bench.another(home={_CONFIG: data}) as fresh:
        found = fresh.record([NEW], look_in=os.path.join(fresh.home, "lab-workbook"))
    for finding in verdicts.refused(found, example.rule):
        yield finding._replace(logged=shown(data))
    number = str(example.text.count("\n") if "region" in example.text else 1)
    if found.answer == "refused" and number not in found.said["message"]:
        yield Finding(
            example.rule, "the error does not name the line", shown(data), shown(found.said["message"])
        )


def _order(bench: Bench) -> Findings:
    """Say where by argument, environment and file, and see which counts."""
    variable = f"{SPEC['config']['environment_prefix']}BUCKET_PREFIX"
    file = {_CONFIG: b"bucketPrefix = ~/file/\n"}
    with bench.another(environment={variable: "~/variable/"}, home=file) as fresh:
        yield from _counts(fresh, "argument", prefix="~/argument/")
        yield from _counts(fresh, "variable")
    with bench.another(environment={variable: ""}, home=file) as fresh:
        yield from _counts(fresh, "file")
    with bench.another() as fresh:
        default = SPEC["config"]["defaults"]["bucketPrefix"]
        yield from _counts(fresh, default.removeprefix("file://~/").rstrip("/"))


def _counts(bench: Bench, winner: str, *, prefix: str | None = None) -> Findings:
    found = bench.record(_STEPS, prefix=prefix, look_in=os.path.join(bench.home, winner))
    yield from _landed(found, f"the one that counts is {winner}", "notes", "config.order", bench)


def _disabled(bench: Bench) -> Findings:
    """Call each verb that can be called, in a world where none does anything."""
    verbs = bench.hello["verbs"]
    steps: list[Any] = [
        NEW,
        ["newTimeSeriesLog", "loss", ["epoch"]],
        ["log", "loss", {"epoch": 1}],
        ["saveJSON", "options", {"rate": 1}],
        ["saveText", "notes", "x"],
        ["saveFile", "model.bin", {"$bytes": "00FF"}],
        *([["saveGitStatus"]] if "saveGitStatus" in verbs else []),
        ["flush"],
        CLOSE,
    ]
    steps = [step for step in steps if step[0] in verbs]
    for value in ("1", "true"):
        with bench.another(environment={SPEC["config"]["disabled"]: value}) as fresh:
            yield from _left_nothing(fresh, steps)


def _left_nothing(bench: Bench, steps: list[Any]) -> Findings:
    before = _everything(bench.home)
    found = bench.record(steps)
    yield from verdicts.played(found, "config.disabled")
    bench.end()
    made = sorted(_everything(bench.home) - before)
    there = [f"{tag}/{name}" for tag, files in found.experiments.items() for name in files]
    if made or there:
        yield Finding(
            "config.disabled", "it is disabled, and left files", shown(steps), ", ".join([*there, *made])
        )


def _everything(folder: str) -> set[str]:
    """Return all files below a folder but those of caches, which are no affair of a writer's."""
    paths = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(path, folder) for path in paths if f"{os.sep}.cache{os.sep}" not in path}


def _enabled(bench: Bench) -> Findings:
    """Record as ever where the variable says 0, or nothing."""
    for value in ("0", ""):
        with bench.another(environment={SPEC["config"]["disabled"]: value}) as fresh:
            yield from _landed(fresh.record(_STEPS), f"{value!r}", "notes", "config.disabled", fresh)
