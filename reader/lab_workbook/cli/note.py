"""The verb ``note``: add a note to an experiment, or read those it has."""

from __future__ import annotations

import json

import click

from lab_workbook.cli import _options, _text
from lab_workbook.repository import ExperimentRepository


@click.command("note")
@_options.tag
@click.argument("text", required=False)
@click.option("--author", help="Who says so, if not the user of this machine.")
@_options.prefix
@_options.as_json("a JSON list of notes")
def command(tag: str, text: str | None, author: str | None, prefix: str | None, *, as_json: bool) -> None:
    r"""
    Add the note TEXT to the experiment TAG; without TEXT print its notes, oldest first.

    \b
    lab-workbook note 201602122149-PMJ8a76csB 'diverged: the rate was too high'
    """
    experiment = ExperimentRepository(prefix)[tag]
    notes = experiment.notes if text is None else [experiment.add_note(text, author=author)]
    if as_json:
        click.echo(json.dumps(list(map(dict, notes)), indent=2))
    elif notes:
        click.echo(_text.columns([(note["time"], note["author"], note["text"]) for note in notes]))
    else:
        click.echo(f"no notes on {_text.safe(experiment.tag)}", err=True)
