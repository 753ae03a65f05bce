"""The verb ``checkout``: the source as it ran."""

from __future__ import annotations

import json

import click

from lab_workbook.cli import _options, _text
from lab_workbook.protocol import _spec
from lab_workbook.repository import ExperimentRepository


@click.command("checkout")
@_options.tag
@click.argument("directory", type=click.Path())
@click.option("--repository", help="Where to get the commit, a path or a URL, if not from the one here.")
@click.option("--name", default=_spec.GIT_DEFAULT_NAME, show_default=True, help="As for saveGitStatus.")
@click.option("--no-patch", "patch", flag_value=False, default=True, help="The commit alone.")
@_options.prefix
@_options.as_json("a JSON object")
def command(
    tag: str,
    directory: str,
    *,
    repository: str | None,
    name: str,
    patch: bool,
    prefix: str | None,
    as_json: bool,
) -> None:
    """
    Put the source of the experiment TAG into DIRECTORY, which is new or empty, as it was when it ran.

    That is the commit which was checked out, and what differed from it, in its submodules too. Nothing of it
    is run.
    """
    experiment = ExperimentRepository(prefix)[tag]
    found = experiment.checkout(directory, repository=repository, name=name, patch=patch)
    if as_json:
        click.echo(json.dumps({"tag": experiment.tag, **found._asdict()}, indent=2))
        return
    click.echo(f"{_text.safe(found.directory)} is at {found.commit}")
    for changed in found.changed:
        click.echo(f"  changed  {_text.safe(changed)}")
    for missing in found.missing:
        click.echo(f"  missing  {_text.safe(missing)}, a submodule whose commit is not to be had here")
