"""``lab-workbook capture-source FOLDER``: what the Lua writer asks; in Python it is ``save_git_status``."""

from __future__ import annotations

import os
import sys

import click

from lab_workbook import config
from lab_workbook.protocol import _spec, redaction


@click.command("capture-source", hidden=True)
@click.argument("folder", type=click.Path())
@click.option("--name", default=_spec.GIT_DEFAULT_NAME)
def command(folder: str, name: str) -> None:
    """
    Put the files of the source around the working directory into FOLDER, and say what is in it.

    Each line on stdout begins with what it is: ``part 1 .git-patch``, a file and its artifact's suffix;
    ``note …``, what people should hear; ``nothing …``, why there is nothing to record.
    """
    from lab_workbook_writer.capture import git, source

    redaction.add_patterns(config.load().redact)
    # A name may be no text in UTF-8, and what cannot be said in a locale is said with escapes.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        captured = source.capture(name)
    except git.NotRecorded as problem:
        click.echo(f"nothing {_line(str(problem))}")
        return
    for number, (suffix, data) in enumerate(captured.parts, 1):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(data)
        click.echo(f"part {number} {suffix}")
    for note in captured.notes:
        click.echo(f"note {_line(note)}")


def _line(text: str) -> str:
    return " ".join(text.split())
