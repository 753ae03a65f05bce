"""
The source of several experiments: commits, patches, and how the patches differ.

Patches that are the same are shown once, and each other one beside the first experiment's.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from lab_workbook.experiment import Experiment
from lab_workbook.html.facts import Facts
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt

# A patch of a megabyte holds data; reading it is not looking, and comparing it takes minutes.
_BYTES_MAX = 512 * 1024
_LINES_MAX = 4_000

_KINDS = {"+++": "head", "---": "head", "+": "added", "-": "removed", "@": "place", "d": "head", "i": "head"}


class Ran(NamedTuple):
    """What `save_git_status` kept under a name; a text that is not there is empty."""

    name: str
    commit: str
    patch: str


class Line(NamedTuple):
    """A line of a patch; ``kind`` is ``added``, ``removed``, ``place``, ``head`` or empty."""

    kind: str
    text: str


class Source(NamedTuple):
    """
    The source of some experiments that ran the same: a name, a commit and a patch.

    ``numbers`` are the places of the experiments; ``difference`` is to the patch of the first of all, and
    None where there is nothing to compare. ``left`` counts the lines of the patch that are not shown.
    """

    name: str
    numbers: list[int]
    commit: str
    patch: list[Line]
    left: int
    difference: list[Line] | None


def of(experiment: Experiment, told: Facts) -> list[Ran]:
    """Return what an experiment ran; what cannot be read is added to its problems."""
    return [
        Ran(
            name,
            _read(experiment, name + _spec.KIND_GIT_COMMIT_SUFFIX, told).strip(),
            _read(experiment, name + _spec.KIND_GIT_PATCH_SUFFIX, told),
        )
        for name in _names(told)
    ]


def beside(of_each: Sequence[Sequence[Ran]]) -> list[Source]:
    """Return the sources of several experiments, those that are the same only once."""
    groups: dict[Ran, list[int]] = {}
    for number, rans in enumerate(of_each):
        for ran in rans:
            groups.setdefault(ran, []).append(number)
    first: dict[str, Ran] = {}
    found = []
    for ran, numbers in sorted(groups.items(), key=lambda group: (group[0].name, group[1])):
        difference = _difference(first[ran.name].patch, ran.patch) if ran.name in first else None
        first.setdefault(ran.name, ran)
        lines = ran.patch.splitlines()
        shown = _shown(lines[:_LINES_MAX])
        found.append(Source(ran.name, numbers, ran.commit, shown, len(lines) - len(shown), difference))
    return found


def _names(told: Facts) -> list[str]:
    suffixes = (_spec.KIND_GIT_COMMIT_SUFFIX, _spec.KIND_GIT_PATCH_SUFFIX)
    stems = (
        name.removesuffix(suffix) for suffix in suffixes for name in told.artifacts if name.endswith(suffix)
    )
    return list(dict.fromkeys(stems))


def _read(experiment: Experiment, name: str, told: Facts) -> str:
    size = told.artifacts.get(name, 0)
    if not size:
        return ""
    if size > _BYTES_MAX:
        told.problems.append(f"{name} has {size:,} bytes, which is too much to show here")
        return ""
    value = attempt(lambda: experiment[name], told.problems.append)
    return value if isinstance(value, str) else ""


def _difference(one: str, other: str) -> list[Line]:
    before, after = (text.splitlines()[:_LINES_MAX] for text in (one, other))
    # Its first two lines would name files, and there are none.
    return _shown(list(difflib.unified_diff(before, after, lineterm=""))[2:])


def _shown(lines: list[str]) -> list[Line]:
    return [Line(_KINDS.get(line[:3], _KINDS.get(line[:1], "")), line) for line in lines]
