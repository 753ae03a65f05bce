"""
Everything that a writer must refuse, as Hypothesis strategies, with the rule that it must name.

>>> misuses().example()
Misuse(rule='name.parts', steps=[['newExperiment', {}], ['saveText', 'a//b', 'x']])

Each breaks one rule and no other, so there is no doubt which one is to be named. They shrink to the shortest
such steps. The last step is the one that must be refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from hypothesis import strategies as st

from lab_workbook_conformance import judges, notation
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.strategies import (
    SUFFIXES,
    Life,
    Step,
    experiments,
    fields,
    names,
    tags,
    texts,
)

_NEW: Step = ["newExperiment", {}]
_CLOSE: Step = ["close"]
_DATE = SPEC["series"]["date_field"]
_RESERVED = SPEC["layout"]["reserved"]
_MAX_DEPTH = SPEC["json"]["max_depth"]
# Spelled, because no JSON has them.
_FUNCTION, _CYCLE = {"$function": 1}, {"$cycle": 1}
# Half of a surrogate pair is what also a language can hold whose texts are UTF-16.
_NOT_UTF8 = {"$bytes": "EDA080"}


class Misuse(NamedTuple):
    """Steps, spelled as in SPEC.md, of which the last breaks a rule."""

    rule: str
    steps: list[Step]


def misuses(verbs: Collection[str] = (*SUFFIXES, "log", "close")) -> st.SearchStrategy[Misuse]:
    """Misuse of every kind that these verbs allow, after some steps that are right."""
    return (
        st.tuples(_preludes(), st.one_of(*_KINDS)).map(_after).filter(lambda found: _can_play(found, verbs))
    )


def _preludes() -> st.SearchStrategy[list[Step]]:
    begun = [["newTimeSeriesLog", "before", ["epoch"]], ["log", "before", {"epoch": 1}]]
    return st.sampled_from([[], [["saveJSON", "before", [1]]], begun])


def _after(pair: tuple[list[Step], Misuse]) -> Misuse:
    prelude, misuse = pair
    first, *others = misuse.steps
    # Steps that begin otherwise than by a plain experiment are about that beginning.
    return misuse._replace(steps=[first, *prelude, *others]) if others and first == _NEW else misuse


def _can_play(misuse: Misuse, verbs: Collection[str]) -> bool:
    return {step[0] for step in misuse.steps} <= {*verbs, _NEW[0]}


# Marks a step that has to be refused, in front of its rule and the step itself.
_REFUSED = "refused"


@st.composite
def continued(draw: st.DrawFn, verbs: Collection[str]) -> tuple[list[Step], dict[int, str]]:
    """
    Whole experiments in which steps are refused and the script goes on: the steps, spelled, and the rules.

    >>> continued(SUFFIXES).example()
    ([['newExperiment', {}], ['saveText', 'a', 'x'], ['saveText', 'a/..', 'x'], ['close']], {2: 'name.parts'})
    """
    steps = draw(experiments(verbs, _with_misuse))
    late = draw(st.sampled_from([[], [_saves("saveText", "late")], [_saves("newTimeSeriesLog", "late")]]))
    more = [*([[_REFUSED, "end.last", step] for step in late]), *([_CLOSE] if late else [])]
    marked = [*steps, *more]
    refused = {at: step[1] for at, step in enumerate(marked) if step[0] == _REFUSED}
    # What is refused is spelled already.
    return [step[2] if step[0] == _REFUSED else notation.spelled(step) for step in marked], refused


@st.composite
def _with_misuse(draw: st.DrawFn, life: Life) -> list[Step]:
    """Put misuse between the steps of one artifact."""
    verb, name, steps = life
    changed: list[Step] = []
    for at, step in enumerate(steps):
        before = [Misuse("tag.explicit", [["newExperiment", {"tag": "a/b"}]])]
        before += _misuse_of_series(life) if at and verb == "newTimeSeriesLog" else _misuse_before(verb, name)
        chosen = draw(st.lists(st.sampled_from(before), max_size=2))
        changed += [[_REFUSED, misuse.rule, *misuse.steps] for misuse in chosen]
        changed.append(step)
    return changed


def _misuse_before(verb: str, name: str) -> list[Misuse]:
    """Return misuse of the name of an artifact that is about to be saved, or saved again."""
    found = [Misuse("name.parts", [_saves(verb, f"{name}/../b")])]
    if verb == "saveJSON":
        parts = {"text": _NOT_UTF8, "number": 1}
        found += [
            Misuse("json.value", [[verb, name, {**parts, "x": [_FUNCTION]}]]),
            Misuse("json.depth", [[verb, name, [parts, _CYCLE]]]),
        ]
    if verb == "newTimeSeriesLog":
        found += [
            Misuse("series.fields", [[verb, name, ["a", ""]]]),
            Misuse("series.save-every", [[verb, name, ["a"], 0]]),
        ]
    return found


def _misuse_of_series(life: Life) -> list[Misuse]:
    """Return misuse of a series that is open."""
    verb, name, (opened, *_) = life
    header = opened[2]
    # The right cells come first, so that a writer may have begun with them.
    right = dict.fromkeys(header, 1) | {header[0]: _NOT_UTF8}
    unknown = next(field for field in ("x", "y", "z", *"abcdefghi") if field not in header)
    return [
        Misuse("series.value", [["log", name, {**right, header[-1]: [1]}]]),
        Misuse("series.row", [["log", name, {**right, unknown: 1}]]),
        Misuse("series.once", [[verb, name, ["other"]]]),
        Misuse("series.once", [["saveText", f"{name}.csv", "x"]]),
    ]


def hostile_names(suffix: str = "") -> st.SearchStrategy[tuple[str, Any]]:
    """
    Names that break one rule once they have their ``suffix``: the rule, and the name.

    >>> hostile_names().example()
    ('name.edges', 'a.')
    """
    pieces = st.sampled_from(["a", "é", "/", ".", " ", "\\", "\0", "\x1f", "\x7f", "\x85", "\n", _RESERVED])
    short = st.lists(st.one_of(pieces, texts(max_size=3)), max_size=6).map("".join)
    longer = st.tuples(st.sampled_from(["a", "é", "ab/"]), st.integers(80, 600)).map(
        lambda x: x[0] * x[1] + "a"
    )
    reserved = st.tuples(st.sampled_from([_RESERVED, _RESERVED.upper()]), names()).map("/".join)
    found = st.one_of(short, longer, reserved).map(lambda name: (judges.name(name + suffix), name))
    alone = found.filter(lambda pair: len(pair[0]) == 1).map(lambda pair: (pair[0][0], pair[1]))
    return st.one_of(alone, st.just(("name.utf8", _NOT_UTF8)))


def _saves(verb: str, name: Any) -> Step:
    """A right call of a verb that saves, but for its name."""
    content = {"newTimeSeriesLog": ["epoch"], "saveJSON": {"a": 1}}.get(verb, "x")
    return [verb, name, content]


_savers = st.sampled_from(sorted(SUFFIXES, reverse=True))


@st.composite
def _misnamed(draw: st.DrawFn) -> Misuse:
    verb = draw(_savers)
    rule, name = draw(hostile_names(SUFFIXES[verb]))
    return Misuse(rule, [_NEW, _saves(verb, name)])


@st.composite
def _mistagged(draw: st.DrawFn) -> Misuse:
    _, tag = draw(st.one_of(hostile_names(), names().filter(judges.tag).map(lambda tag: ("", tag))))
    return Misuse("tag.explicit", [["newExperiment", {"tag": tag}]])


@st.composite
def _claimed(draw: st.DrawFn) -> Misuse:
    tag = draw(tags())
    begin = ["newExperiment", {"tag": tag}]
    return Misuse("tag.claim", [begin, *draw(st.sampled_from([[], [_CLOSE]])), begin])


@st.composite
def _mixed_up(draw: st.DrawFn) -> Misuse:
    """Two names that differ in letter case, or of which one is a folder of the other."""
    verb = draw(_savers)
    suffix = SUFFIXES[verb]
    # With a letter that has two cases.
    name = draw(names(suffix).map(lambda name: f"a{name}"))
    others = [(verb, _other_case(name)), ("saveText", f"{name}{suffix}/a")]
    others += [("saveText", name.rpartition("/")[0])] if "/" in name else []
    other_verb, other = draw(st.sampled_from(others))
    first, second = draw(st.permutations([_saves(verb, name), _saves(other_verb, other)]))
    return Misuse("name.unique", [_NEW, first, second])


def _is_mixed_up(misuse: Misuse) -> bool:
    """Say whether the two names are different and each is right for itself."""
    _, *saves = misuse.steps
    first, second = (step[1] + SUFFIXES[step[0]] for step in saves)
    return first != second and not judges.name(first) + judges.name(second)


def _other_case(name: str) -> str:
    # Of letters beyond ASCII both cases are allowed side by side.
    return "".join(letter.swapcase() if letter.isascii() else letter for letter in name)


@st.composite
def _opened_twice(draw: st.DrawFn) -> Misuse:
    name = draw(names(SUFFIXES["newTimeSeriesLog"]))
    opens = _saves("newTimeSeriesLog", name)
    other = draw(
        st.sampled_from([opens, _saves("saveText", f"{name}.csv"), _saves("saveFile", f"{name}.csv")])
    )
    return Misuse("series.once", [_NEW, *draw(st.permutations([opens, other]))])


@st.composite
def _bad_fields(draw: st.DrawFn) -> Misuse:
    right = draw(st.one_of(st.just([]), fields()))
    wrong = st.sampled_from([_DATE, "", "a\0", _NOT_UTF8, 1, True, ["epoch"], *right[:1]])
    all_fields = draw(st.permutations([*right, draw(wrong)])) if right else []
    return Misuse("series.fields", [_NEW, ["newTimeSeriesLog", "a", all_fields]])


@st.composite
def _bad_save_every(draw: st.DrawFn) -> Misuse:
    fractions = st.floats(allow_nan=True).filter(lambda number: number % 1 != 0)
    wrong = st.one_of(st.integers(max_value=0), fractions.map(_float), st.sampled_from(["1", True, [1]]))
    return Misuse("series.save-every", [_NEW, ["newTimeSeriesLog", "a", ["epoch"], draw(wrong)]])


def _float(number: float) -> Any:
    return {"$float": repr(number)}


@st.composite
def _bad_row(draw: st.DrawFn) -> Misuse:
    header = draw(fields())
    right = dict.fromkeys(draw(st.lists(st.sampled_from(header), unique=True)), 1)
    unknown = draw(st.one_of(texts(max_size=5), st.just(_DATE)).filter(lambda field: field not in header))
    bad_fields = Misuse("series.row", [["log", "a", {**right, unknown: 1}]])
    value = draw(st.sampled_from([[], [1, 2], {}, {"a": 1}, _FUNCTION]))
    bad_value = Misuse("series.value", [["log", "a", {**right, header[-1]: value}]])
    rule, log = draw(st.sampled_from([bad_fields, bad_value]))
    return Misuse(rule, [_NEW, ["newTimeSeriesLog", "a", header], *log])


@st.composite
def _bad_json(draw: st.DrawFn) -> Misuse:
    depth = draw(st.integers(1, 30))
    rule, wrong = draw(
        st.sampled_from(
            [
                ("json.value", _FUNCTION),
                ("json.depth", _CYCLE),
                ("json.depth", {"$nested": _MAX_DEPTH + 1 - depth}),
                ("json.keys", {"$pairs": [[1, "n"], ["1", "s"]]}),
            ]
        )
    )
    return Misuse(rule, [_NEW, ["saveJSON", "a", _wrapped(draw, wrong, depth)]])


def _wrapped(draw: st.DrawFn, value: Any, depth: int) -> Any:
    """Return a value in so many lists and objects, with others beside it."""
    for _ in range(depth):
        beside = draw(st.one_of(st.just(1), texts(max_size=3))) if depth < 4 else 1
        value = draw(st.sampled_from([[value], [value, beside], {"a": value}, {"a": value, "b": beside}]))
    return value


@st.composite
def _too_late(draw: st.DrawFn) -> Misuse:
    opened = _saves("newTimeSeriesLog", "a")
    verb = draw(_savers)
    late = draw(st.sampled_from([_saves(verb, "b"), ["log", "a", {"epoch": 1}], _saves("saveText", "c")]))
    return Misuse("end.last", [_NEW, opened, _CLOSE, late])


RULES = (
    "name.utf8",
    "name.parts",
    "name.characters",
    "name.edges",
    "name.length",
    "name.reserved",
    "name.unique",
    "tag.explicit",
    "tag.claim",
    "series.once",
    "series.fields",
    "series.save-every",
    "series.row",
    "series.value",
    "json.value",
    "json.depth",
    "json.keys",
    "end.last",
)
_KINDS = (
    _misnamed(),
    _mixed_up().filter(_is_mixed_up),
    _mistagged(),
    _claimed(),
    _opened_twice(),
    _bad_fields(),
    _bad_save_every(),
    _bad_row(),
    _bad_json(),
    _too_late(),
)
