"""
Level core, in depth: experiments, names and misuse that chance makes up, and files for readers.

Each case here plays many examples of one kind, and reports the smallest that it can find of those that fail.
The same seed makes up the same examples. What was found once is kept by a pin (module ``pins``).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import hypothesis
from hypothesis import configuration, errors
from hypothesis import strategies as st

from lab_workbook_conformance import misuses, notation, strategies
from lab_workbook_conformance.adapter import AdapterSilent, AdapterTrouble
from lab_workbook_conformance.bench import Bench, Unsupported
from lab_workbook_conformance.case import Case, Finding
from lab_workbook_conformance.levels import pins
from lab_workbook_conformance.levels.examples import CLOSE, NEW
from lab_workbook_conformance.levels.pins import Pin

EXAMPLES = 25
# What is found is worth a while; a script that fails slowly must not take the afternoon.
_SHRINK_SECONDS = 30


class Property(NamedTuple):
    """Something that holds of every example: ``pins`` makes them up, for an adapter with these verbs."""

    name: str
    role: str
    rules: tuple[str, ...]
    pins: Callable[[Collection[str]], st.SearchStrategy[Pin]]


class Failure(NamedTuple):
    """The smallest example found that fails, and what is wrong with it."""

    pin: Pin
    findings: tuple[Finding, ...]


# What came of an example: findings, or trouble with the adapter.
Outcome = tuple[Finding, ...] | AdapterTrouble


class _FailedError(Exception):
    """An example fails; Hypothesis looks for a smaller one that does."""


class _TimeIsUp(BaseException):
    """Shrinking has taken long enough. No Exception, which Hypothesis would take for a failure."""


def cases(examples: int = EXAMPLES, seed: int = 0) -> Iterator[Case]:
    """Yield a case for each property; none where no examples are wanted."""
    for each in PROPERTIES if examples else ():
        play = partial(_play, of=each, examples=examples, seed=seed)
        yield Case(each.name, each.rules, "core", each.role, play)


def _play(bench: Bench, of: Property, examples: int, seed: int) -> Iterable[Finding]:
    failure = falsify(bench, of, examples=examples, seed=seed)
    if failure is None:
        return ()
    return [finding._replace(logged=story(failure.pin)) for finding in failure.findings]


def first_failure(bench: Bench, names: Collection[str], *, examples: int, seed: int) -> Failure | None:
    """
    Return what the first property finds that fails, of those with these names, or of all.

    Raises:
        AdapterTrouble: it could not be talked to.
    """
    for each in PROPERTIES:
        if examples and (each.name in names or not names):
            # A property that an adapter cannot play is no failure.
            with contextlib.suppress(Unsupported):
                failure = falsify(bench, each, examples=examples, seed=seed)
                if failure:
                    return failure
    return None


def story(pin: Pin) -> str:
    """Return the whole of a small example: its steps one a line, or the files that there were to read."""
    lines = pin["steps"] if "steps" in pin else list(pin["files"].items())
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)


def falsify(bench: Bench, of: Property, *, examples: int = EXAMPLES, seed: int = 0) -> Failure | None:
    """
    Look for an example that fails, and then for the smallest such; None: all hold.

    Raises:
        Unsupported: the adapter could play none of them.
        AdapterTrouble: it could not be talked to.
    """
    memory = _Memory(bench)
    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    test = hypothesis.given(of.pins(bench.hello["verbs"]))(memory.play)
    try:
        with _nothing_left_behind():
            hypothesis.seed(seed)(settings(test))()
    except (_FailedError, _TimeIsUp):
        pin, outcome = memory.smallest
        if isinstance(outcome, AdapterTrouble):
            raise type(outcome)(f"{outcome}\n{story(pin)}") from None
        return Failure(pin, outcome)
    except errors.Unsatisfiable:
        raise Unsupported(memory.unsupported) from None
    if memory.unsupported and not memory.played:
        raise Unsupported(memory.unsupported)
    return None


class _Memory:
    """
    What came of each example so far, so that none is played twice.

    ``smallest`` is the smallest one that fails. Once the time for shrinking is over it is the last word.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._known: dict[str, Outcome] = {}
        self._wanted = ""
        self._give_up = self._size = float("inf")
        self.smallest: tuple[Pin, Outcome] = ({}, ())
        self.unsupported = ""
        self.played = 0

    def play(self, pin: Pin) -> None:
        """Play an example; raises where it fails as the first one did that failed."""
        key = json.dumps(pin, sort_keys=True)
        if time.monotonic() > self._give_up:
            raise _TimeIsUp
        if key not in self._known:
            self._known[key] = self._outcome(pin)
        outcome = self._known[key]
        ways = _ways(outcome)
        if ways and not self._wanted:
            # A smaller example of another fault would hide this one.
            self._wanted = ways[0]
            # One that waits for an answer in vain would do so again and again.
            patience = 0 if isinstance(outcome, AdapterSilent) else _SHRINK_SECONDS
            self._give_up = time.monotonic() + patience
        if self._wanted in ways:
            if len(key) < self._size:
                self._size, self.smallest = len(key), (_named(pin, ways), outcome)
            raise _FailedError

    def _outcome(self, pin: Pin) -> Outcome:
        try:
            found = tuple(pins.play(self._bench, pin))
        except Unsupported as error:
            self.unsupported = str(error)
            hypothesis.reject()
        except AdapterTrouble as error:
            return error
        self.played += 1
        return found


def _ways(outcome: Outcome) -> list[str]:
    """Return in which ways it went wrong, the first one first."""
    if isinstance(outcome, AdapterTrouble):
        return [type(outcome).__name__]
    return list(dict.fromkeys(finding.rule for finding in outcome))


def _named(pin: Pin, broken: list[str]) -> Pin:
    """Return a pin with the rules that it is known to be about."""
    is_about = broken if pin["expect"] in ("accept", "continue") else [*pin["rules"], *broken]
    return {**pin, "rules": list(dict.fromkeys(is_about))}


@contextlib.contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Keep Hypothesis from making a folder of its own where the user is."""
    with tempfile.TemporaryDirectory(prefix="certify-") as folder:
        before = configuration.storage_directory(intent_to_write=False).path
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)


# What is made up.


def _accepted(steps: list[Any], rule: str) -> Pin:
    """Return steps, with plain values, that must be recorded; ``rule`` is blamed where no other is known."""
    return {"expect": "accept", "rules": [rule], "steps": notation.spelled(steps)}


def _experiments(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    return strategies.experiments(verbs).map(lambda steps: _accepted(steps, "end.last"))


def _names(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    del verbs

    def saved(names: list[str]) -> Pin:
        return _accepted([NEW, *(["saveText", name, "x"] for name in names), CLOSE], "name.characters")

    def tagged(tag: str) -> Pin:
        return _accepted([["newExperiment", {"tag": tag}], CLOSE], "tag.explicit")

    return st.one_of(strategies.name_sets().map(saved), strategies.tags().map(tagged))


def _odd_texts(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    """Make up texts that are not valid, in cells and in JSON."""
    del verbs

    def logged(texts: list[str]) -> Pin:
        rows = [["log", "a", {"x": text}] for text in texts]
        return _accepted([NEW, ["newTimeSeriesLog", "a", ["x"]], *rows, CLOSE], "text.mended")

    def saved(texts: list[str]) -> Pin:
        return _accepted([NEW, ["saveJSON", "a", texts], CLOSE], "text.mended")

    found = st.lists(st.one_of(strategies.odd_texts(), strategies.texts()), min_size=1, max_size=4)
    nul = st.text(st.sampled_from("\0a"), min_size=1, max_size=4).map(lambda text: [text])
    return st.one_of(st.one_of(found, nul).map(logged), found.map(saved))


def _misuses(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    return misuses.misuses(verbs).map(
        lambda misuse: {"expect": "refuse", "rules": [misuse.rule], "steps": misuse.steps}
    )


def _continued(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    """Make up scripts that go on after misuse."""
    return misuses.continued(verbs).map(
        lambda found: {
            "expect": "continue",
            "rules": ["misuse.trace"],
            "steps": found[0],
            "refused": [[number, rule] for number, rule in found[1].items()],
        }
    )


def _to_read(name: str, text: str, rule: str) -> Pin:
    return {"expect": "read", "rules": [rule], "files": {name: notation.spelled(text)}}


def _files(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    del verbs
    table = strategies.series_texts().map(lambda text: _to_read("a.csv", text, "series.types"))
    value = strategies.json_texts().map(lambda text: _to_read("a.json", text, "json.reading"))
    return st.one_of(table, value)


def _torn_files(verbs: Collection[str]) -> st.SearchStrategy[Pin]:
    """Make up series that end anywhere behind their header, also in the middle of a character."""
    del verbs
    return strategies.torn_series().map(lambda text: _to_read("a.csv", text, "series.row-end"))


PROPERTIES = (
    Property(
        "depth.experiments",
        "writer",
        (
            "series.row",
            "series.text",
            "series.integer",
            "series.float",
            "json.value",
            "kind.replace",
            "end.last",
        ),
        _experiments,
    ),
    Property("depth.names", "writer", ("name.characters", "name.length", "tag.explicit"), _names),
    Property("depth.odd-texts", "writer", ("text.mended", "end.lost"), _odd_texts),
    Property("depth.misuses", "writer", misuses.RULES, _misuses),
    Property("depth.continued", "writer", ("misuse.trace",), _continued),
    Property("depth.reading", "reader", ("series.types", "json.reading"), _files),
    Property("depth.torn", "reader", ("series.row-end",), _torn_files),
)
