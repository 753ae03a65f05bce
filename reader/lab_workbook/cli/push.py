"""``lab-workbook push``: deliver what a script could not wait for."""

from __future__ import annotations

import json

import click

from lab_workbook.cli import _options, _text


@click.command()
@click.argument("spools", nargs=-1)
@click.option("--tag", help="A new tag, for a spool whose own was taken by another experiment.")
@_options.as_json("a JSON list")
def command(spools: tuple[str, ...], *, tag: str | None, as_json: bool) -> None:
    """
    Deliver the given spools to their buckets, or all that are in spoolDir.

    Spools that another process is delivering are left to it, and those whose script still runs are
    not sealed, so this is safe at any time and as often as you like.
    """
    from lab_workbook_writer.uploader.push import push
    from lab_workbook_writer.uploader.spool import Spool, all_spools

    from lab_workbook import config

    if tag is not None and len(spools) != 1:
        raise click.UsageError("--tag names one experiment: give the spool that it is for")
    settings = config.load()
    folders = [] if spools else config.spool_dirs(settings)
    chosen = [Spool(spool) for spool in spools]
    chosen += [spool for folder in folders for spool in all_spools(folder)]
    if not chosen and not as_json:
        click.echo(f"nothing is waiting in {_text.safe(' or '.join(folders))}")
    told = []
    for spool in chosen:
        report = push(spool, tag=tag, idle_seconds=settings.exit_timeout)
        told.append({"spool": str(spool), "text": report.text, "isFine": report.is_fine})
        if not as_json:
            click.echo(_text.safe(report.text))
    if as_json:
        click.echo(json.dumps(told, indent=2))
    if not all(each["isFine"] for each in told):
        raise SystemExit(1)
