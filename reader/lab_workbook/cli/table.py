"""The verb ``table``: which experiments are there, with which parameters, and how well did they do?"""

from __future__ import annotations

from typing import Any

import click

from lab_workbook.cli import _options, _text
from lab_workbook.protocol import jsontext
from lab_workbook.repository import ExperimentRepository


@click.command("table")
@click.argument("query", metavar="[FILTER]", required=False)
@click.option(
    "--series", multiple=True, metavar="NAME", help="Add the last, lowest and highest values of a series."
)
@click.option(
    "--column", "columns", multiple=True, metavar="NAME", help="Show only this; several may be given."
)
@_options.prefix
@_options.as_json("a JSON list")
def command(
    query: str | None, *, series: tuple[str, ...], columns: tuple[str, ...], prefix: str | None, as_json: bool
) -> None:
    """
    Print a table of the experiments: status, times, note and parameters, a line each.

    FILTER chooses among them, such as 'options.rate < 0.1 and status == "finished"'; names with spaces or
    other signs stand in backticks. docs/filters.md has the grammar. Columns without values are left out.
    """
    # pandas takes most of a second to import.
    from lab_workbook.overview import frame, select

    repository = ExperimentRepository(prefix)
    table = select.rows(repository.table(series=series or False), query)
    chosen = select.columns(table, columns) if columns else table.dropna(axis="columns", how="all")
    found = frame.records(chosen)
    if as_json:
        click.echo(jsontext.encode(found, lambda _kind: None).decode())
    elif not found:
        click.echo(f"no experiments in {_text.safe(repository.where)} match", err=True)
    else:
        click.echo(
            _text.columns(
                [("tag", *map(str, chosen.columns)), *([*map(_shown, line.values())] for line in found)]
            )
        )


def _shown(value: Any) -> str:
    return (
        ""
        if value is None
        else value
        if isinstance(value, str)
        else jsontext.encode(value, lambda _kind: None).decode()
    )
