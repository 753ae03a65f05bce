"""
What is said of an experiment where it is shown: little, and of bounded size, whatever it holds.

>>> of(experiment).parameters
{'options.learning rate': '0.1', 'options.momentum': '0.9'}
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from lab_workbook.experiment import Experiment
from lab_workbook.overview.listing import PARAMETERS_MAX_BYTES
from lab_workbook.overview.parameters import Parameters
from lab_workbook.overview.rows import UNREADABLE
from lab_workbook.protocol import layout
from lab_workbook.protocol.isolation import attempt

# Each is a request, and what somebody wants to look at is among the first.
_DOCUMENTS_MAX = 20
_NOTES_MAX = 20
_TEXT_MAX = 2_000
# What it ran on and how, of begin.json; the rest has a place of its own.
_ENVIRONMENT = ("host", "command", "writer", "runtime", "resumes")


class Facts(NamedTuple):
    """
    An experiment in words; ``artifacts`` are bytes by name, ``parameters`` are named as in a table of all.

    Each note is a text and who wrote it when, where that is known; ``problems`` are sentences about what
    could not be read.
    """

    tag: str
    where: str
    status: str
    error: str
    started: datetime | None
    ended: datetime | None
    notes: list[tuple[str, str]]
    environment: dict[str, str]
    parameters: dict[str, str]
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
    return Facts(
        tag=experiment.tag,
        where=experiment.where,
        status=experiment.status,
        error=": ".join(_text(each) for each in (experiment.error or {}).values()),
        started=experiment.started,
        ended=experiment.ended,
        notes=_notes(experiment, problems),
        environment={key: _text(begin[key]) for key in _ENVIRONMENT if begin.get(key) is not None},
        parameters=_parameters(experiment, artifacts, problems),
        artifacts=artifacts,
        problems=problems,
    )


def unreadable(experiment: Experiment, problem: str) -> Facts:
    """Return what is to be said of an experiment that cannot be read: where it is, and why."""
    return Facts(
        tag=experiment.tag,
        where=experiment.where,
        status=UNREADABLE,
        error="",
        started=None,
        ended=None,
        notes=[],
        environment={},
        parameters={},
        artifacts={},
        problems=[problem],
    )


def _notes(experiment: Experiment, problems: list[str]) -> list[tuple[str, str]]:
    first = [(_text(experiment.note), "")] if experiment.note else []
    added = attempt(lambda: experiment.notes, problems.append) or []
    by = [(note["text"], f"{note['author']}, {note['time']}".strip(", ")) for note in added[-_NOTES_MAX:]]
    return first + [(_text(text), _text(author)) for text, author in by]


def _parameters(experiment: Experiment, artifacts: Mapping[str, int], problems: list[str]) -> dict[str, str]:
    documents = [
        name
        for name, size in artifacts.items()
        if layout.is_parameters(name) and size <= PARAMETERS_MAX_BYTES
    ]
    found = Parameters()
    for name in documents[:_DOCUMENTS_MAX]:
        value = attempt(functools.partial(experiment.get, name), problems.append)
        if isinstance(value, dict):
            found.add(name, value)
    return {name: _text(value) for name, value in found.values.items()}


def _text(value: object) -> str:
    """Return a value as one short text: a text as it is, else as JSON has it."""
    is_json = isinstance(value, dict | list | float | bool | None)
    text = json.dumps(value, ensure_ascii=False) if is_json else str(value)
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
