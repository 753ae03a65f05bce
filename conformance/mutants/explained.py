"""
The survivors that no case can kill, and why: explained.json.

One that is ``equivalent`` writes the same bytes whatever happens: it counts for nothing. Of
one that is ``unseen`` only tests of another kind can know, or none; it counts against the kit.

It can only be honest: an entry that names no mutant any more is an error, and so is one that is killed
after all.
"""

from __future__ import annotations

import json
from pathlib import Path

from conformance.mutants.making import like
from conformance.mutants.mutant import Mutant

FILE = Path(__file__).with_name("explained.json")
Key = tuple[str, str, str]
EQUIVALENT, UNSEEN = "equivalent", "unseen"


def load(path: Path = FILE) -> dict[Key, str]:
    """Return which of the two an entry is, by module and by what was and what it becomes."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {(each["module"], each["was"], each["becomes"]): each["it is"] for each in entries}


def key(mutant: Mutant) -> Key:
    """Return what an entry knows a mutant by."""
    return mutant.module, mutant.was, mutant.becomes


def mutants(reasons: dict[Key, str], only: str = "") -> tuple[list[Mutant], list[str]]:
    """Return the explained mutants, and a line about each entry that names none."""
    found, gone = [], []
    for entry in reasons:
        mutant = like(*entry) if only in entry[0] else None
        if mutant:
            found.append(mutant)
        elif only in entry[0]:
            gone.append(f"{entry[0]}: there is no mutant any more from {entry[1]!r} to {entry[2]!r}")
    return found, gone
