"""
How the kit tests each rule: by cases, by the judge that looks at every recording, or not at all and why.

>>> how(levels.cases())["series.caller"]
Proof(cases=(), is_judged=False, untested='no file shows it; ...')

No rule is without one of the three, and a test of the kit's own says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab_workbook_conformance.case import Case
from lab_workbook_conformance.constants import rules, untested

# What `judges.experiment`, `plays` and `verdicts` look at in each experiment, whatever its case is about. The
# notes and the heartbeat are among it, although no verb of an adapter writes a note.
_JUDGED = {
    "layout": ("working",),
    "name": ("utf8", "parts", "characters", "edges", "length", "reserved", "unique"),
    "kind": ("suffix", "replace"),
    "series": (
        "csv",
        "header",
        "names",
        "fields",
        "birth",
        "row",
        "date",
        "append",
        "text",
        "integer",
        "float",
        "integral",
        "special",
        "beyond",
        "locale",
    ),
    "text": ("mended",),
    "json": ("strict", "numbers", "special", "depth", "keys", "value"),
    "begin": ("document", "optional", "first"),
    "end": ("document", "outcome", "lost", "files", "delivery", "last"),
    "notes": ("name", "document"),
    "heartbeat": ("document",),
    "segments": ("key", "rows"),
}
JUDGED = frozenset(f"{topic}.{word}" for topic, words in _JUDGED.items() for word in words)


class Proof(NamedTuple):
    """What keeps a rule: cases by name, the judge of every recording, and what SPEC.md says is left open."""

    cases: tuple[str, ...]
    is_judged: bool
    untested: str

    @property
    def is_tested(self) -> bool:
        """Whether a writer or reader that breaks it can be found out at all."""
        return bool(self.cases) or self.is_judged


def how(cases: Iterable[Case]) -> dict[str, Proof]:
    """Return the proof of each rule."""
    by_rule: dict[str, list[str]] = {rule: [] for rule in rules()}
    for case in cases:
        for rule in case.rules:
            by_rule[rule].append(case.name)
    return {
        rule: Proof(tuple(names), rule in JUDGED, untested().get(rule, "")) for rule, names in by_rule.items()
    }


def lines(cases: Iterable[Case]) -> Iterator[str]:
    """Yield the table for people, a line for each rule."""
    for rule, proof in how(cases).items():
        judged = ["every recording"] if proof.is_judged else []
        tested = ", ".join([*proof.cases, *judged])
        yield f"{rule}: {tested or f'untested: {proof.untested}'}"
