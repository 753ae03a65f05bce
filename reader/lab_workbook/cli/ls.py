"""The verb ``ls``: which experiments are there, and how did they end?"""

from __future__ import annotations

import json

import click

from lab_workbook.cli import _options, _text
from lab_workbook.repository import ExperimentRepository


@click.command("ls")
@_options.place
@_options.as_json("a JSON list")
def command(prefix: str | None, *, as_json: bool) -> None:
    """
    List the experiments of a folder or a bucket: tag, status, start in UTC, note, and which one it resumes.

    Without PREFIX it is the place that the environment or ~/.lab-workbook-config names.
    """
    repository = ExperimentRepository(prefix)
    found = [{key: getattr(row, key) for key in _SHOWN} for row in repository._rows()]  # noqa: SLF001 - without pandas
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo(f"no experiments in {_text.safe(repository.where)}", err=True)
        return
    for each in found:
        each["resumes"] = each["resumes"] and f"resumes {each['resumes']}"
    click.echo(_text.columns([tuple(each[key] or "" for key in _SHOWN) for each in found]))


_SHOWN = ("tag", "status", "started", "note", "resumes")
