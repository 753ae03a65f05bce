"""
What differs between two experiments: parameters, environment, source and artifacts.

>>> print(diff(repository["201602122149-PMJ8a76csB"], repository["201602131007-Cq2m7RkXa1"]))
a  201602122149-PMJ8a76csB
b  201602131007-Cq2m7RkXa1
<BLANKLINE>
parameters            a    b
options.learningRate  0.1  0.01

What lies in experiments may come from strangers, so all that is read here has a bounded size.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from lab_workbook.experiment import Experiment
from lab_workbook.overview.listing import PARAMETERS_MAX_BYTES
from lab_workbook.overview.parameters import Parameters
from lab_workbook.protocol import _spec, layout
from lab_workbook.protocol.isolation import attempt
from lab_workbook.protocol.text import printable

# More is data in a patch, and to compare it takes minutes.
_SOURCE_MAX_BYTES: Final = 512 * 1024
_SOURCE_MAX_LINES: Final = 4000
_VALUE_MAX: Final = 500

# What is another one in each experiment, and says nothing about how it ran.
_IDENTITY: Final = {"tag", "started", "nonce", "pid", "pidStarted", "pidImage", "bootId", "pidNamespace"}

# So it is in environment.json, or begin.json has it already.
_TOLD: Final = {"captured", "command", "host"}

_SUFFIXES: Final = (_spec.KIND_GIT_COMMIT_SUFFIX, _spec.KIND_GIT_PATCH_SUFFIX)
_KINDS: Final = {"+": "added", "-": "removed", "@": "place"}

#: A value of the one experiment and of the other; None where it has none.
Change = tuple[Any, Any]


class Line(NamedTuple):
    """A line of the text; ``kind`` is ``title``, ``added``, ``removed``, ``place``, ``problem`` or empty."""

    kind: str
    text: str


class SourceChange(NamedTuple):
    """
    Two commits, and in lines how the patch upon the one differs from that upon the other.

    Each commit is None where it was not saved; ``patch`` is empty where the patches are the same.
    """

    commits: tuple[str | None, str | None]
    patch: list[str]


@dataclass(frozen=True)
class Diff:
    """
    What differs between two experiments; false if nothing does.

    ``parameters`` and ``environment`` give two values by name, ``source`` a `SourceChange` by the name under
    which git's status was saved, ``only`` the artifacts that only the one and only the other has, and
    ``problems`` sentences about what could not be read. As a text and in a notebook it shows all of it.
    """

    tags: tuple[str, str]
    parameters: dict[str, Change]
    environment: dict[str, Change]
    source: dict[str, SourceChange]
    only: tuple[list[str], list[str]]
    problems: list[str]

    def __bool__(self) -> bool:
        return bool(self.parameters or self.environment or self.source or any(self.only))

    def __repr__(self) -> str:
        return f"<Diff of {self.tags[0]} and {self.tags[1]}: {'different' if self else 'the same'}>"

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines())

    def _repr_html_(self) -> str:
        from lab_workbook.html import render

        return render("diff.html", diff=self, shown=_shown)

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the text, each safe to print, with what it is."""
        yield from (Line("", f"{side}  {printable(tag)}") for side, tag in zip("ab", self.tags, strict=True))
        if not self:
            yield Line("", "\nnothing differs")
        for title, changes in (("parameters", self.parameters), ("environment", self.environment)):
            yield from _table(title, changes)
        for name, change in self.source.items():
            yield from _table(f"source {name}", {"commit": change.commits} if _differ(change.commits) else {})
            yield from _titled(f"patch {name}" if change.patch else "", change.patch)
        for side, names in zip("ab", self.only, strict=True):
            yield from _titled(f"only in {side}" if names else "", names)
        yield from (Line("problem", f"\n{printable(problem)}") for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, ``a`` and ``b`` for the two experiments."""
        return {
            **_sides(self.tags),
            "parameters": {name: _sides(change) for name, change in self.parameters.items()},
            "environment": {name: _sides(change) for name, change in self.environment.items()},
            "source": {
                name: {"commit": _sides(change.commits), "patch": change.patch}
                for name, change in self.source.items()
            },
            "only": _sides(self.only),
            "problems": self.problems,
        }


def diff(a: Experiment, b: Experiment) -> Diff:
    """
    Return what differs between two experiments.

    >>> lab_workbook.diff(repository[-2], repository[-1]).parameters
    {'options.learningRate': (0.1, 0.01)}

    Parameters are those of JSON artifacts, named as in `ExperimentRepository.table`; the environment is
    what begin.json says of host, runtime, command and the like, and what ``environment.json`` says of the
    machine and of all packages.

    Raises:
        ExperimentNotFound: one of them is not there.
        Unreadable: its begin.json or end.json is not what it should be.
    """
    problems: list[str] = []
    sides = (a, b)
    sizes = (a.artifact_sizes(), b.artifact_sizes())
    parameters = [_parameters(each, found, problems) for each, found in zip(sides, sizes, strict=True)]
    source = [_source(each, found, problems) for each, found in zip(sides, sizes, strict=True)]
    environment = [_environment(each, found, problems) for each, found in zip(sides, sizes, strict=True)]
    return Diff(
        tags=(a.tag, b.tag),
        parameters=_changes(*parameters),
        environment=_changes(*environment),
        source=_source_changes(source[0], source[1], problems),
        only=(sorted(sizes[0].keys() - sizes[1].keys()), sorted(sizes[1].keys() - sizes[0].keys())),
        problems=problems,
    )


def _parameters(experiment: Experiment, sizes: Mapping[str, int], problems: list[str]) -> dict[str, Any]:
    return _values(experiment, [name for name in sizes if layout.is_parameters(name)], sizes, problems)


def _environment(experiment: Experiment, sizes: Mapping[str, int], problems: list[str]) -> dict[str, Any]:
    known = {key: value for key, value in experiment.begin.items() if key not in _IDENTITY}
    return known | _values(experiment, [layout.ENVIRONMENT], sizes, problems, without=_TOLD)


def _values(
    experiment: Experiment,
    names: Iterable[str],
    sizes: Mapping[str, int],
    problems: list[str],
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Return what is in JSON artifacts, each value by its path."""
    found = Parameters()
    for name in names:
        if name in sizes and sizes[name] <= PARAMETERS_MAX_BYTES:
            document = _read(experiment, name, problems)
            if isinstance(document, dict):
                found.add(name, {key: value for key, value in document.items() if key not in without})
    if found.omitted:
        problems.append(f"{experiment.tag} has {found.omitted:,} values more, which are not compared")
    return found.values


def _source(experiment: Experiment, sizes: Mapping[str, int], problems: list[str]) -> dict[str, str]:
    found = {}
    for name, size in sizes.items():
        if name.endswith(_SUFFIXES) and size > _SOURCE_MAX_BYTES:
            problems.append(f"{name} of {experiment.tag} has {size:,} bytes, too much to compare")
        elif name.endswith(_SUFFIXES):
            text = _read(experiment, name, problems)
            found[name] = text if isinstance(text, str) else ""
    return found


def _read(experiment: Experiment, name: str, problems: list[str]) -> Any:
    # The rest is worth comparing all the same.
    return attempt(lambda: experiment[name], problems.append)


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Change]:
    pairs = {name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])}
    return {name: pair for name, pair in pairs.items() if _differ(pair)}


def _differ(pair: Change) -> bool:
    # As they are written: 1, 1.0 and true are equal in Python, and not-a-number differs from itself.
    one, other = (json.dumps(value, sort_keys=True) for value in pair)
    return one != other


def _source_changes(a: dict[str, str], b: dict[str, str], problems: list[str]) -> dict[str, SourceChange]:
    changes = {}
    for stem in sorted(
        {name.removesuffix(suffix) for name in (*a, *b) for suffix in _SUFFIXES if name.endswith(suffix)}
    ):
        commit, patch = (stem + suffix for suffix in _SUFFIXES)
        commits = (_commit(a.get(commit)), _commit(b.get(commit)))
        lines = _patch_lines(stem, a.get(patch, ""), b.get(patch, ""), problems)
        if lines or _differ(commits):
            changes[stem] = SourceChange(commits, lines)
    return changes


def _commit(text: str | None) -> str | None:
    """Return the commit of what `git log` said."""
    return None if text is None else text.partition("\n")[0].removeprefix("commit ").strip()


def _patch_lines(name: str, a: str, b: str, problems: list[str]) -> list[str]:
    before, after = a.splitlines(), b.splitlines()
    if a != b and max(len(before), len(after)) > _SOURCE_MAX_LINES:
        problems.append(f"the patches of {name} differ, and are too long to say where")
        return []
    return list(difflib.unified_diff(before, after, "a", "b", lineterm=""))


def _table(title: str, changes: Mapping[str, Change]) -> Iterator[Line]:
    if not changes:
        return
    cells = [(title, "a", "b"), *((name, *map(_shown, change)) for name, change in changes.items())]
    texts = [tuple(printable(cell) for cell in line) for line in cells]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for number, line in enumerate(texts):
        text = "  ".join(map(str.ljust, line, widths)).rstrip()
        yield Line("" if number else "title", text if number else f"\n{text}")


def _titled(title: str, lines: list[str]) -> Iterator[Line]:
    if title:
        yield Line("title", f"\n{printable(title)}")
    for line in lines:
        yield Line(
            _KINDS.get(line[:1], "") if title.startswith("patch") else "", printable(line.expandtabs())
        )


def _shown(value: Any) -> str:
    """Return a value for people; one that is missing is empty."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}…"


def _sides(pair: tuple[Any, Any]) -> dict[str, Any]:
    return dict(zip("ab", pair, strict=True))
