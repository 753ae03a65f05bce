"""
A run of another program: what an importer has found, and what it has read.

A run is read only when its turn comes, because a tree may hold more than memory does.
"""

from __future__ import annotations

import functools
import hashlib
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt

from lab_workbook_writer.importers import trees

# Beyond it a time is no time of a training run, and strftime would give years of five digits.
_LATEST: Final = 253402300799.0


# Each takes half a kilobyte, and a stranger's file a few bytes for it.
_MOST_METRICS: Final = 100_000


class Metric:
    """The values of one metric: each with its step, and the time of its measurement if that is known."""

    __slots__ = ("steps", "times", "values")

    def __init__(self) -> None:
        # Arrays, because a run may have a hundred million points, and an object each would not fit.
        self.steps = array("q")
        self.times = array("d")
        self.values: array[float] | list[Any] = array("d")

    def add(self, step: int, wall_time: float, value: Any) -> None:
        """Add a point; a time that is not known is nan."""
        self.steps.append(step)
        self.times.append(wall_time)
        if type(value) is not float and isinstance(self.values, array):
            self.values = self.values.tolist()
        self.values.append(value)


@dataclass
class Run:
    """
    What is known of one run.

    ``documents`` become JSON artifacts by their names, and ``files`` artifacts with the bytes at these
    paths. ``origin`` is told in import.json. ``left_out`` counts by kind what has no place in an experiment,
    and ``problems`` are sentences about what could not be read.
    """

    metrics: dict[str, Metric] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, step: int, wall_time: float, value: Any) -> None:
        """Add a point of a metric; those of more than 100,000 metrics are counted and left out."""
        metric = self.metrics.get(name)
        if metric is None:
            if len(self.metrics) >= _MOST_METRICS:
                self.left_out["values of further metrics"] += 1
                return
            metric = self.metrics[name] = Metric()
        metric.add(step, wall_time, value)

    def skip(self, name: str, why: str) -> None:
        """Note that something in the run cannot be read, and why."""
        self.problems.append(f"{name}: {why}")


class Found(NamedTuple):
    """A run that can be read: its kind and name, the tag that it always gets, and how to read it."""

    kind: str
    name: str
    tag: str
    load: Callable[[], Run]


def below(kind: str, path: str, find: Callable[[str, str], Iterable[Found]], nothing: str) -> Iterator[Found]:
    """
    Yield the runs that ``find`` gives for a folder and each one below it, by its path and its name.

    A folder that cannot be read is a run that fails.

    Raises:
        Unreadable: there is none; ``nothing`` says of what.
    """
    left: list[Found] = []
    is_there = False
    for folder, name in trees.folders(path, lambda *why: left.append(failed(kind, *why))):
        shown = trees.base(folder) if name == "." else name
        for found in isolated(kind, shown, functools.partial(find, folder, shown)):
            is_there = True
            yield found
    yield from left
    if not is_there and not left:
        raise Unreadable(f"{nothing}, in {path} or below it")


def isolated(kind: str, name: str, find: Callable[[], Iterable[Found]]) -> list[Found]:
    """
    Return the runs that ``find`` gives for one folder or file; if it raises, one that fails with the reason.

    So a run that a stranger has damaged is reported when its turn comes, and the others are imported.
    """
    problems: list[str] = []
    found = attempt(lambda: list(find()), problems.append)
    return [failed(kind, name, problems[0])] if found is None else found


def failed(kind: str, name: str, why: str) -> Found:
    """Return a run that cannot be read, for the reason that loading it gives."""

    def load() -> Run:
        raise Unreadable(why)

    return Found(kind, name, tag_of(kind, 0.0, name), load)


def tag_of(kind: str, started: float, *identity: bytes | str) -> str:
    """
    Return the tag of a run: the minute in which it started, and characters that say which it is.

    The same run gets the same tag each time, so that it is imported once.

    >>> tag_of("mlflow", 1455313654.0, "2780c8a19bdf4a33")
    '201602122147-e3tAVLNU5r'
    """
    digest = hashlib.sha256(kind.encode())
    for part in identity:
        data = _encoded(part) if isinstance(part, str) else part
        # The length, so that no two identities are spelled alike.
        digest.update(b"%d:" % len(data))
        digest.update(data)
    number = int.from_bytes(digest.digest(), "big")
    characters = ""
    for _ in range(_spec.TAG_RANDOM_LENGTH):
        number, rest = divmod(number, len(_spec.TAG_ALPHABET))
        characters += _spec.TAG_ALPHABET[rest]
    return f"{time.strftime(_spec.TAG_TIME_FORMAT, time.gmtime(sane(started)))}-{characters}"


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Halves of characters that are not bytes of the name of a file.
        return text.encode("utf-8", "surrogatepass")


def sane(seconds: Any) -> float:
    """Return a time that a calendar knows: what lies outside, or is none, is the beginning of 1970."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return 0.0
    return float(seconds) if 0 <= seconds <= _LATEST else 0.0
