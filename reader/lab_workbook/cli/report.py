"""The verb ``report``: one page about some experiments, to look at and to pass on."""

from __future__ import annotations

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
def command(tags: tuple[str, ...], prefix: str | None, output: str) -> None:
    """
    Write a page about the experiments TAG...: curves, parameters, source, notes.

    The page needs nothing but a browser, and never asks the network for anything.
    """
    from lab_workbook.html import in_bytes
    from lab_workbook.html.report import report

    report(ExperimentRepository(prefix)[tags], output)
    click.echo(f"{_text.safe(output)}, {in_bytes(os.path.getsize(output))}")
