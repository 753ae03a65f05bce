"""
Suggestions for a name that does not exist: the existing names that are spelled like it.

difflib takes time by the product of the lengths of two texts, and names come from strangers. So only short
names get suggestions, and only from a bounded number of names.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import islice
from typing import Final

_LONGEST: Final = 80
_MOST: Final = 20_000


def near(name: str, names: Sequence[str], *, count: int = 1) -> list[str]:
    """
    Return up to ``count`` names that are spelled like a name, the most similar first.

    >>> near("learnign rate", ["learning rate", "momentum"])
    ['learning rate']
    """
    if len(name) > _LONGEST:
        return []
    # Of a similarity of one half, a name has at most three times the length of the other.
    candidates = (each for each in names if len(each) <= 3 * len(name))
    return difflib.get_close_matches(name, list(islice(candidates, _MOST)), n=count, cutoff=0.5)
