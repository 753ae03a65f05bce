"""The verb ``cat``: an artifact as it was written."""

from __future__ import annotations

import shutil
import sys

import click

from lab_workbook import kinds
from lab_workbook.cli import _options, _text
from lab_workbook.repository import ExperimentRepository


@click.command("cat")
@_options.tag
@_options.name
@_options.prefix
def command(tag: str, name: str, prefix: str | None) -> None:
    r"""
    Print the artifact NAME of the experiment TAG, byte for byte.

    \b
    lab-workbook cat 201602122149-PMJ8a76csB Source.git-patch | git apply

    A terminal gets text alone, in which control characters are spelled out. Of a series that grows, whole
    rows are printed. Bytes that are not those that were written are an error, and are not printed; but of a
    model, which may be larger than the memory, that is found when they have been.
    """
    experiment = ExperimentRepository(prefix)[tag]
    if kinds.is_lazy(name) and not sys.stdout.isatty():
        with experiment.get(name).open() as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    data = experiment.read_checked(name)
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise click.ClickException(f"{_text.safe(name)} is no text: send it to a file, with >") from None
    for line in text.splitlines():
        click.echo(_text.safe(line.expandtabs()))
