"""The verb ``show``: all that can be said of one experiment without loading its tables."""

from __future__ import annotations

import functools
import json
from typing import Any

import click

from lab_workbook import cost
from lab_workbook.cli import _options, _text
from lab_workbook.experiment import Experiment
from lab_workbook.overview.listing import PARAMETERS_MAX_BYTES
from lab_workbook.protocol import layout
from lab_workbook.protocol.isolation import attempt
from lab_workbook.repository import ExperimentRepository


@click.command("show")
@_options.tag
@_options.prefix
@_options.as_json("a JSON object")
def command(tag: str, prefix: str | None, *, as_json: bool) -> None:
    """Show the status, times, host, parameters and artifacts of the experiment TAG."""
    experiment = ExperimentRepository(prefix)[tag]
    facts = _facts(experiment)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    facts["delivery"] = _delivery(experiment)
    parameters, artifacts = facts.pop("parameters"), facts.pop("artifacts")
    facts["error"] = ": ".join(map(str, (facts["error"] or {}).values()))
    facts["lost"] = ", ".join(f"{count} {kind}" for kind, count in (facts["lost"] or {}).items() if count)
    click.echo(_text.columns([(key, _shown(value)) for key, value in facts.items() if value]))
    for name, values in parameters.items():
        click.echo(f"\n{_text.safe(name)}")
        click.echo(_indented([(key, _shown(value)) for key, value in values.items()]))
    if artifacts:
        click.echo("\nartifacts")
        click.echo(_indented([(name, f"{size} bytes") for name, size in artifacts.items()]))


def _facts(experiment: Experiment) -> dict[str, Any]:
    sizes = experiment.artifact_sizes()
    begin = experiment.begin
    return {
        "tag": experiment.tag,
        "where": experiment.where,
        "status": experiment.status,
        "error": experiment.error,
        "started": _text.iso(experiment.started),
        "ended": _text.iso(experiment.ended),
        "host": begin.get("host"),
        "command": begin.get("command"),
        "writer": begin.get("writer"),
        "runtime": begin.get("runtime"),
        "resumes": begin.get("resumes"),
        "note": experiment.note,
        "notes": [note.get("text") for note in experiment.notes],
        "lost": experiment.end.get("lost"),
        "delivery": experiment.end.get("delivery"),
        "parameters": _parameters(experiment, sizes),
        "artifacts": sizes,
    }


def _delivery(experiment: Experiment) -> str | None:
    """Return in words what was sent to the bucket, if anything was."""
    told = cost.delivery(experiment.end)
    if told is None:
        return None
    requests, sent = told
    return ", ".join([*(f"{count:,} {kind}" for kind, count in requests.items()), f"{sent:,} bytes sent"])


def _parameters(experiment: Experiment, sizes: dict[str, int]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, size in sizes.items():
        if not layout.is_parameters(name) or size > PARAMETERS_MAX_BYTES:
            continue
        # The rest of the experiment is worth showing all the same.
        value = attempt(functools.partial(experiment.get, name), _text.warn)
        if isinstance(value, dict):
            found[name] = value
    return found


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _indented(lines: list[tuple[str, str]]) -> str:
    return "\n".join(f"  {line}" for line in _text.columns(lines).split("\n")) if lines else "  (empty)"
