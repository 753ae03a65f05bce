"""The verb ``diff``: what differs between two experiments?"""

from __future__ import annotations

import json

import click

from lab_workbook.cli import _completion, _options
from lab_workbook.compare.diff import Line
from lab_workbook.repository import ExperimentRepository

_COLOURS = {"added": "green", "removed": "red", "place": "cyan", "problem": "yellow"}


@click.command("diff")
@click.argument("a", shell_complete=_completion.tags)
@click.argument("b", shell_complete=_completion.tags)
@_options.prefix
@_options.as_json("a JSON object")
def command(a: str, b: str, prefix: str | None, *, as_json: bool) -> None:
    """
    Show what differs between the experiments A and B: parameters, environment, source, artifacts.

    Only what differs is shown, and the patches of the two as they differ from each other.
    """
    repository = ExperimentRepository(prefix)
    found = repository[a].diff(repository[b])
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
        return
    for line in found.lines():
        click.echo(_coloured(line))


def _coloured(line: Line) -> str:
    # click takes the colours away again where no terminal shows them.
    return click.style(line.text, fg=_COLOURS.get(line.kind), bold=line.kind == "title" or None)
