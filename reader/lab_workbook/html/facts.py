"""
What is said of an experiment where it is shown: little, and of bounded size, whatever it holds.

>>> of(experiment).parameters
{'options.json': {'learning rate': '0.1', 'momentum': '0.9'}}
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from lab_workbook.errors import LabWorkbookError
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import _spec

# A JSON artifact of a megabyte is a result, not parameters; a thousand lines are more than anyone reads.
_DOCUMENT_MAX_BYTES = 64 * 1024
_DOCUMENTS_MAX = 20
_PARAMETERS_MAX = 1_000
_NOTES_MAX = 20
_TEXT_MAX = 2_000
# What it ran on and how, of begin.json; the rest has a place of its own.
_ENVIRONMENT = ("host", "command", "writer", "runtime", "resumes")

_T = TypeVar("_T")


class Facts(NamedTuple):
    """
    An experiment in words; ``artifacts`` are bytes by name, ``parameters`` texts by artifact and name.

    ``problems`` are sentences about what could not be read.
    """

    tag: str
    where: str
    status: str
    error: str
    started: datetime | None
    ended: datetime | None
    notes: list[str]
    environment: dict[str, str]
    parameters: dict[str, dict[str, str]]
    artifacts: dict[str, int]
    problems: list[str]


def of(experiment: Experiment) -> Facts:
    """
    Return what is to be said of an experiment.

    Raises:
        ExperimentNotFound: nothing lies under its tag.
        Unreadable: begin.json or end.json is not what it should be.
    """
    artifacts = experiment.artifact_sizes()
    problems: list[str] = []
    begin = experiment.begin
    added = _attempted(lambda: experiment.notes, problems) or []
    return Facts(
        tag=experiment.tag,
        where=experiment.where,
        status=experiment.status,
        error=": ".join(_text(each) for each in (experiment.error or {}).values()),
        started=experiment.started,
        ended=experiment.ended,
        notes=[
            _text(note)
            for note in (experiment.note, *(each.get("text") for each in added[-_NOTES_MAX:]))
            if note
        ],
        environment={key: _text(begin[key]) for key in _ENVIRONMENT if begin.get(key) is not None},
        parameters=_parameters(experiment, artifacts, problems),
        artifacts=artifacts,
        problems=problems,
    )


def _parameters(
    experiment: Experiment, artifacts: Mapping[str, int], problems: list[str]
) -> dict[str, dict[str, str]]:
    found = {}
    documents = [
        name
        for name, size in artifacts.items()
        if name.endswith(_spec.KIND_JSON_SUFFIX) and size <= _DOCUMENT_MAX_BYTES
    ]
    for name in documents[:_DOCUMENTS_MAX]:
        value = _attempted(functools.partial(experiment.get, name), problems)
        if isinstance(value, dict):
            flat = itertools.islice(_flattened(value), _PARAMETERS_MAX)
            found[name] = {key: _text(leaf) for key, leaf in flat}
    return found


def _flattened(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the leaves of nested objects, their names with dots; a list is a leaf."""
    waiting = [iter(document.items())]
    path: list[str] = []
    while waiting:
        key, value = next(waiting[-1], (None, None))
        if key is None:
            waiting.pop()
            del path[-1:]
        elif isinstance(value, dict) and value:
            path.append(key)
            waiting.append(iter(value.items()))
        else:
            yield ".".join([*path, key]), value


def _attempted(get: Callable[[], _T], problems: list[str]) -> _T | None:
    try:
        return get()
    except LabWorkbookError as error:
        problems.append(_text(error))
        return None


def _text(value: object) -> str:
    """Return a value as one short text: a text as it is, else as JSON has it."""
    is_json = isinstance(value, dict | list | float | bool | None)
    text = json.dumps(value, ensure_ascii=False) if is_json else str(value)
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
