"""The verb ``ls``: which experiments are there, and how did they end?"""

from __future__ import annotations

import json
from typing import Any

import click

from lab_workbook.cli import _options, _text
from lab_workbook.errors import Unreadable
from lab_workbook.experiment import Experiment
from lab_workbook.repository import ExperimentRepository


@click.command("ls")
@_options.place
@_options.as_json("a JSON list")
def command(prefix: str | None, *, as_json: bool) -> None:
    """
    List the experiments of a folder or a bucket: tag, status, start in UTC, note.

    Without PREFIX it is the place that the environment or ~/.lab-workbook-config names.
    """
    repository = ExperimentRepository(prefix)
    found = [_summary(experiment) for experiment in repository.list_experiments()]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo(f"no experiments in {_text.safe(repository.where)}", err=True)
        return
    click.echo(_text.columns([tuple(each[key] or "" for key in _SHOWN) for each in found]))


_SHOWN = ("tag", "status", "started", "note")


def _summary(experiment: Experiment) -> dict[str, Any]:
    # One experiment from the future, or a broken one, must not hide all the others.
    try:
        return {
            "tag": experiment.tag,
            "status": experiment.status,
            "started": _text.iso(experiment.started),
            "note": experiment.note,
        }
    except Unreadable as error:
        return {"tag": experiment.tag, "status": "unreadable", "started": None, "note": str(error)}
