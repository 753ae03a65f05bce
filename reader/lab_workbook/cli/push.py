"""``lab-workbook push``: deliver what a script could not wait for."""

from __future__ import annotations

import click


@click.command()
@click.argument("spools", nargs=-1)
@click.option("--tag", help="A new tag, for a spool whose own was taken by another experiment.")
def command(spools: tuple[str, ...], tag: str | None) -> None:
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
    chosen = [Spool(spool) for spool in spools] if spools else all_spools(settings.spool_dir)
    if not chosen:
        click.echo(f"nothing is waiting in {settings.spool_dir}")
    fine = True
    for spool in chosen:
        report = push(spool, tag=tag, idle_seconds=settings.exit_timeout)
        click.echo(report.text)
        fine = fine and report.is_fine
    if not fine:
        raise SystemExit(1)
