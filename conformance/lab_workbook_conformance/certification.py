"""
The overall result of one program: certified for levels, incomplete, failed, not judged, or only a selection.

>>> certification = certify(results, hello, levels=["core"], roles=["writer"])
>>> certification.status, certification.levels
('certified', ('core',))

A level is certified for a program if it has every required verb, and if each rule of the level passed in at
least one case and was violated in none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lab_workbook_conformance.case import Case
from lab_workbook_conformance.constants import SPEC

CERTIFIED, INCOMPLETE, FAILED, UNJUDGED, SELECTION = (
    "certified",
    "incomplete",
    "failed",
    "unjudged",
    "selection",
)

_CORE_WRITER = (
    "newExperiment",
    "newTimeSeriesLog",
    "log",
    "saveJSON",
    "saveText",
    "saveFile",
    "flush",
    "close",
)
# By level and role. ADAPTER.md shows the same table, and a test compares the two.
REQUIRED_VERBS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("core", "writer"): _CORE_WRITER,
    ("core", "reader"): ("read",),
    ("git", "writer"): ("saveGitStatus",),
    ("models", "writer"): ("saveTorch",),
    ("s3", "writer"): _CORE_WRITER,
    ("s3", "reader"): ("read",),
}

# Rules about values that some languages do not have, so that no program in them can break these.
OPTIONAL_RULES: Mapping[str, str] = {"series.beyond": "integers beyond 64 bits"}


class CaseResult(Protocol):
    """What certification needs to know about one case that was run."""

    @property
    def case(self) -> Case: ...
    @property
    def verdict(self) -> str: ...


class Certification(NamedTuple):
    """The status, the levels that are complete, and the reasons why others are not."""

    status: str
    levels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Requirements(NamedTuple):
    """What one program claims, and the cases of which its levels consist."""

    hello: Mapping[str, Any]
    levels: Sequence[str]
    roles: Sequence[str]
    cases: Collection[Case]

    def missing(self, passed: Collection[tuple[str, str, str]]) -> dict[str, list[str]]:
        """Return the reasons why each level is incomplete, given (level, role, rule) of what passed."""
        return {level: list(self._missing_in(level, passed)) for level in self.levels}

    def _missing_in(self, level: str, passed: Collection[tuple[str, str, str]]) -> Iterator[str]:
        for role in self.roles:
            verbs = REQUIRED_VERBS.get((level, role), ())
            absent = [verb for verb in verbs if verb not in self.hello["verbs"]]
            if absent:
                yield f"level {level}, {role}: the adapter has no verb {', '.join(absent)}"
            rules = {
                rule for case in self.cases if (case.level, case.role) == (level, role) for rule in case.rules
            }
            required = rules - OPTIONAL_RULES.keys()
            untested = sorted(rule for rule in required if (level, role, rule) not in passed)
            if untested:
                yield f"level {level}, {role}: no case passed for {', '.join(untested)}"


def certify(results: Iterable[CaseResult], requirements: Requirements, *, passed: str) -> Certification:
    """
    Return the certification of a program that violated no rule.

    ``passed`` is the verdict of a case that passed.
    """
    kept = {
        (result.case.level, result.case.role, rule)
        for result in results
        if result.verdict == passed
        for rule in result.case.rules
    }
    claims = list(_claims(requirements))
    missing = requirements.missing(kept)
    complete = tuple(level for level, reasons in missing.items() if not reasons and not claims)
    reasons = [*claims, *(reason for each in missing.values() for reason in each)]
    return Certification(INCOMPLETE if reasons else CERTIFIED, complete, tuple(reasons))


def _claims(requirements: Requirements) -> Iterator[str]:
    """Yield what the adapter's hello lacks, whatever its cases come to."""
    version = SPEC["protocol"]["version"]
    if requirements.hello["spec"] != version:
        yield (
            f"the adapter's hello has spec {requirements.hello['spec']!r}; this kit certifies {version!r}, "
            f"which its own hello names"
        )
    if not requirements.roles:
        yield "the adapter's verbs have neither newExperiment (a writer) nor read (a reader)"
    if not requirements.levels:
        yield "the adapter's hello has no levels; every program has level core"
    elif "core" not in requirements.levels and "core" not in requirements.hello["levels"]:
        yield "the adapter's hello has no level core, which all other levels require"


STATUS_TEXTS: Mapping[str, Callable[[Certification], str]] = {
    CERTIFIED: lambda found: f"is certified for {_levels(found)}",
    INCOMPLETE: lambda found: "is incomplete" + (f"; complete: {_levels(found)}" if found.levels else ""),
    FAILED: lambda _: "violates the specification",
    UNJUDGED: lambda _: "could not be judged",
    SELECTION: lambda _: "was run on a selection of cases, so it is not certified",
}


def _levels(found: Certification) -> str:
    return ("levels " if len(found.levels) > 1 else "level ") + ", ".join(found.levels)
