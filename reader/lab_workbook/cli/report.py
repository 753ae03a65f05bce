"""The verb ``report``: one page about some experiments, to look at and to pass on."""

from __future__ import annotations

import json
import os

import click

from lab_workbook.cli import _options, _text
from lab_workbook.repository import ExperimentRepository


@click.command("report")
@_options.tags()
@_options.prefix
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    help="The page; an earlier report is replaced.",
)
@_options.as_json("a JSON object")
def command(tags: tuple[str, ...], *, prefix: str | None, output: str, as_json: bool) -> None:
    """
    Write a page about the experiments TAG...: curves, parameters, source, notes.

    The page needs nothing but a browser, and never asks the network for anything.
    """
    from lab_workbook.html import in_bytes
    from lab_workbook.html.report import report

    report(ExperimentRepository(prefix)[tags], output)
    size = os.path.getsize(output)
    click.echo(
        json.dumps({"path": output, "bytes": size}) if as_json else f"{_text.safe(output)}, {in_bytes(size)}"
    )
