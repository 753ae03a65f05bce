"""
A report: one page about some experiments, with their curves, that opens anywhere and asks for nothing.

>>> lab_workbook.report(repository["TAG1", "TAG2"], "report.html")

The page holds all that it shows, each number exactly, and the little program that draws it. A policy in its
head forbids it every request, and every script but those whose hashes it names.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.resources
import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from lab_workbook.errors import AlreadyExists, NotComparable, StoreError
from lab_workbook.experiment import Experiment
from lab_workbook.html import curves, facts, render, source, visible
from lab_workbook.html.facts import Facts
from lab_workbook.protocol.isolation import attempt
from lab_workbook.protocol.private import replacing
from lab_workbook.store import parallel

_SCRIPTS = (
    "vendor/uplot/uPlot.iife.min.js",
    "static/data.js",
    "static/gestures.js",
    "static/report.js",
)
_STYLES = ("vendor/uplot/uPlot.min.css", "static/report.css")
# What the template begins with, so that a report is known by its first bytes.
_MARK = b"<!doctype html>\n<!-- A report of lab-workbook. -->\n"


def report(experiments: Iterable[Experiment], path: str | os.PathLike[str]) -> None:
    """
    Write a page about some experiments: their curves, parameters, sources, notes and artifacts.

    >>> lab_workbook.report(repository["TAG1", "TAG2"], "report.html")

    An earlier report at ``path`` is replaced in one step, and any other file is left alone. An experiment
    that cannot be read is on the page with the reason.

    Raises:
        NotComparable: there is no experiment.
        ExperimentNotFound: nothing lies under one of the tags.
        AlreadyExists: a file that is no report has this path.
        StoreError: the page cannot be written.
    """
    # Asked before the work, which can take a minute.
    _check(os.fspath(path))
    _write(page(experiments).encode(), os.fspath(path))


def page(experiments: Iterable[Experiment]) -> str:
    """Return the page of `report` as HTML."""
    chosen = list(dict.fromkeys(experiments))
    if not chosen:
        raise NotComparable("there is nothing to report: give at least one experiment")
    found = dict(parallel.each(_look, chosen, "experiments"))
    looks = [found[each] for each in chosen]
    told = [look.facts for look in looks]
    series = curves.beside([look.curves for look in looks])
    scripts, styles = _texts(_SCRIPTS), _texts(_STYLES)
    return render(
        "report.html",
        policy=_policy(scripts, styles),
        scripts=scripts,
        styles=styles,
        data=_embedded({"tags": [visible(each.tag) for each in told], "series": series}),
        facts=told,
        parameters=_rows([each.parameters for each in told]),
        environment=_rows([each.environment for each in told]),
        artifacts=_rows([each.artifacts for each in told]),
        series=series,
        sources=source.beside([look.rans for look in looks]),
        now=datetime.now(timezone.utc),
    )


class _Look(NamedTuple):
    facts: Facts
    curves: dict[str, curves.Curve]
    rans: list[source.Ran]


def _look(experiment: Experiment) -> _Look:
    # A tag that does not exist is a mistake of the caller's, and nothing to show.
    experiment.artifact_sizes()
    problems: list[str] = []
    look = attempt(lambda: _whole(experiment), problems.append)
    return _Look(facts.unreadable(experiment, problems[0]), {}, []) if look is None else look


def _whole(experiment: Experiment) -> _Look:
    told = facts.of(experiment)
    return _Look(told, curves.of(experiment, told), source.of(experiment, told))


def _rows(of_each: Sequence[dict[str, Any]]) -> list[tuple[str, list[Any], bool]]:
    """Return each key with its value in every experiment, or None, and whether these differ."""
    keys = dict.fromkeys(key for values in of_each for key in values)
    rows = [(key, [values.get(key) for values in of_each]) for key in keys]
    return [(key, values, len(set(values)) > 1) for key, values in rows]


def _texts(names: Sequence[str]) -> list[str]:
    here = importlib.resources.files(__package__)
    return [here.joinpath(name).read_text(encoding="utf-8") for name in names]


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    hashes = {"script-src": scripts, "style-src": styles}
    allowed = [f"{kind} {' '.join(map(_hash, texts))}" for kind, texts in hashes.items()]
    return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(data: Any) -> str:
    """Return data as JSON of ASCII alone, in which no text can end the element that it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _check(path: str) -> None:
    with contextlib.suppress(FileNotFoundError, IsADirectoryError), open(path, "rb") as file:
        if file.read(len(_MARK)) == _MARK:
            return
        raise AlreadyExists(f"{path} is there, and is no report: choose another path, or move it away")


def _write(data: bytes, path: str) -> None:
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise StoreError(f"the report cannot be written to {path}: {error.strerror}") from None
