"""
A script goes on after a call that was refused, at each level.

Every refusing example of SPEC.md is played once more, with steps after it; the result has to be that of the
same script without the refused call (rule ``misuse.trace``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lab_workbook_conformance import answers, judges, notation
from lab_workbook_conformance.case import Case
from lab_workbook_conformance.levels import pins
from lab_workbook_conformance.levels.examples import CLOSE, NEW, Example, examples
from lab_workbook_conformance.levels.pins import Pin

RULE = "misuse.trace"
_SAVED = {"saveJSON": {"after": 1}, "saveText": "after", "saveFile": "after", "newTimeSeriesLog": ["after"]}
_SURROGATE = {"$bytes": "61EDA08062"}


def cases() -> Iterator[Case]:
    """Yield a case for each refusing example of steps, names and tags, and for what they do not show."""
    for example in examples():
        if not example.accepts:
            for name, rule, steps in _refused(example):
                yield _case(f"{name}-continued", rule, [*steps, *after(steps)], {len(steps) - 1: rule})
    for name, rule, steps, refused in _MORE:
        yield _case(name, rule, steps, refused)


def _case(name: str, rule: str, steps: list[Any], refused: dict[int, str]) -> Case:
    pin: Pin = {"expect": "continue", "rules": [RULE], "steps": steps, "refused": list(refused.items())}
    return Case(name, (RULE, rule), "core", "writer", partial(pins.play, pin=pin))


def _refused(example: Example) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield the steps of an example, the last of which is refused: their name, and the rule."""
    if example.subject == "steps":
        yield example.name, example.rule, example.steps
    # One line of each is enough: how each line is refused is shown by the cases without steps after it.
    for name, line in list(example.numbered("name", "tag"))[:1]:
        is_tag = example.subject == "tag"
        steps = [["newExperiment", {"tag": line}]] if is_tag else [NEW, ["saveText", line, "x"]]
        yield name, example.rule, steps


def after(steps: list[Any]) -> list[Any]:
    """Return what a script does after the last of these steps was refused, up to its end."""
    *before, refused = steps
    if CLOSE in before:
        return [["flush"], CLOSE]
    begun = [] if any(step[0] == NEW[0] for step in before) else [NEW]
    names = {step[1] for step in before if step[0] == "newTimeSeriesLog"}
    fields = {step[1]: step[2] for step in before if step[0] == "newTimeSeriesLog"}
    rows = [["log", name, {fields[name][0]: 1}] for name in sorted(names)]
    again = [[step[0], step[1], _SAVED[step[0]]] for step in before if step[0] in ("saveJSON", "saveText")]
    right = [[refused[0], refused[1], _SAVED[refused[0]]]] if _is_free(refused, before) else []
    series = [["newTimeSeriesLog", "after", ["x"]], ["log", "after", {"x": 1}], *rows]
    return [*begun, *right, *again, ["saveText", "after", "x"], *series, CLOSE]


def _is_free(refused: list[Any], before: list[Any]) -> bool:
    """Return whether a name that a refused step gave can be used: it obeys all rules, and no other has it."""
    if refused[0] not in _SAVED:
        return False
    step = notation.value(refused)
    taken = [name for each in before if each[0] in _SAVED for name in answers.files(each)]
    return not judges.tree([judges.BEGIN, *taken, *answers.files(step)])


_LOSS = ["newTimeSeriesLog", "loss", ["epoch", "note", "loss"]]
_FUNCTION = {"$function": 1}
_MORE: tuple[tuple[str, str, list[Any], dict[int, str]], ...] = (
    (
        "misuse.trace-row",
        "series.value",
        [
            NEW,
            _LOSS,
            ["log", "loss", {"epoch": 1, "note": "x", "loss": {"$float": "0.5"}}],
            ["log", "loss", {"epoch": 2, "note": _SURROGATE, "loss": [1]}],
            ["log", "loss", {"epoch": 3, "note": "a\0", "lost": 1}],
            ["log", "loss", {"epoch": 4, "note": "y", "loss": {"$float": "0.25"}}],
            CLOSE,
        ],
        {3: "series.value", 4: "series.row"},
    ),
    (
        "misuse.trace-json",
        "json.value",
        [
            NEW,
            ["saveJSON", "options", {"epochs": 3}],
            ["saveJSON", "options", {"text": _SURROGATE, "f": _FUNCTION}],
            ["saveJSON", "other", [1, {"a": [_SURROGATE, {"$cycle": 1}]}]],
            ["saveJSON", "Other", {"epochs": 4}],
            ["saveText", "other.json/deep", "x"],
            ["saveText", "third/..", _SURROGATE],
            ["saveText", "third", "x"],
            CLOSE,
        ],
        {2: "json.value", 3: "json.depth", 5: "name.unique", 6: "name.parts"},
    ),
    (
        "misuse.trace-series",
        "series.fields",
        [
            NEW,
            ["newTimeSeriesLog", "a", ["x", ""]],
            ["newTimeSeriesLog", "a", ["x"], 0],
            ["newTimeSeriesLog", "A", ["x", "y"]],
            ["newTimeSeriesLog", "A", ["y"]],
            ["log", "A", {"x": 1, "y": 2}],
            ["saveText", "A.csv", "x"],
            ["saveText", "B.csv", "x"],
            ["newTimeSeriesLog", "B", ["x"]],
            ["saveText", "B.csv", "y"],
            ["log", "A", {"x": 3, "y": 4}],
            CLOSE,
            ["log", "A", {"x": 5}],
            ["saveText", "late", "x"],
            ["newTimeSeriesLog", "late", ["x"]],
            ["flush"],
            CLOSE,
        ],
        {
            1: "series.fields",
            2: "series.save-every",
            4: "series.once",
            6: "series.once",
            8: "series.once",
            12: "end.last",
            13: "end.last",
            14: "end.last",
        },
    ),
    (
        "misuse.trace-experiment",
        "tag.explicit",
        [
            ["newExperiment", {"note": 5}],
            ["newExperiment", {"tag": "a/b"}],
            ["newExperiment", {"tag": "baseline"}],
            _LOSS,
            ["newExperiment", {"tag": "baseline"}],
            ["newExperiment", {"tag": "other", "note": 5}],
            ["log", "loss", {"epoch": 1}],
            CLOSE,
        ],
        {0: "begin.optional", 1: "tag.explicit", 4: "tag.claim", 5: "begin.optional"},
    ),
)
