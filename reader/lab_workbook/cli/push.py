"""``lab-workbook push``: deliver what a script could not wait for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from lab_workbook.cli import _options, _text

if TYPE_CHECKING:
    from lab_workbook_writer.uploader.push import Report
    from lab_workbook_writer.uploader.spool import Spool


@click.command()
@click.argument("spools", nargs=-1)
@click.option("--tag", help="Use a new tag, for a spool whose own was taken by another experiment.")
@click.option(
    "--seal",
    is_flag=True,
    help="Deliver and seal the given spools on your word that their scripts are dead, where that cannot be"
    " seen from here. Rows that such a script logs after all stay in its spool.",
)
@click.option(
    "--discard",
    is_flag=True,
    help="Delete the given spools, which were sealed or whose scripts are dead, and list what was not"
    " delivered.",
)
@_options.as_json("a JSON list")
def command(spools: tuple[str, ...], *, tag: str | None, seal: bool, discard: bool, as_json: bool) -> None:
    """
    Upload what is left in the local spool: the given SPOOLS or tags, or all that are in spoolDir.

    Spools that another process is delivering are left to it, and those whose script still runs are not
    sealed. Of a script on another host, which cannot be asked from here, all rows are uploaded, and
    the experiment is sealed only with --seal. So this is safe at any time and as often as you like. The
    exit code is 1 if something was not delivered, or cannot arrive just now.
    """
    from lab_workbook import config

    _check_usage(spools, tag, seals=seal, discards=discard)
    settings = config.load()
    # A spool that is given by its path needs no folder of spools, which needs a HOME.
    folders = [] if spools and all(map(_is_path, spools)) else config.spool_dirs(settings)
    chosen = list(_chosen(spools, folders))
    if not chosen and not as_json:
        click.echo(f"nothing is waiting in {_text.safe(' or '.join(folders))}")
    reports = []
    for spool in chosen:
        for report in _reports(spool, tag, settings.exit_timeout, seals=seal, discards=discard):
            reports.append({"spool": str(spool), "text": report.text, "isFine": report.is_fine})
            if not as_json:
                click.echo(_text.safe(report.text))
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    if not all(each["isFine"] for each in reports):
        raise SystemExit(1)


def _check_usage(spools: tuple[str, ...], tag: str | None, *, seals: bool, discards: bool) -> None:
    if tag is not None and len(spools) != 1:
        raise click.UsageError("--tag names one experiment: give the spool that it is for")
    if seals and discards:
        raise click.UsageError("--seal and --discard exclude each other")
    if (seals or discards) and not spools:
        raise click.UsageError(
            f"{'--seal' if seals else '--discard'} needs the spools or tags that it is for"
        )


def _chosen(given: tuple[str, ...], folders: list[str]) -> Iterator[Spool]:
    """Yield the given spools, by path or by tag, or all."""
    from lab_workbook_writer.uploader.spool import Spool, all_spools

    spools = [spool for folder in folders for spool in all_spools(folder)]
    if not given:
        yield from spools
    for each in given:
        yield Spool(each) if _is_path(each) else _tagged(each, spools, " or ".join(folders))


def _is_path(text: str) -> bool:
    return os.path.sep in text or os.path.exists(text)


def _tagged(tag: str, spools: list[Spool], where: str) -> Spool:
    """Return the one spool whose tag is, or begins like, a text."""
    names = {os.path.basename(str(spool)): spool for spool in spools}
    found = [spool for name, spool in names.items() if name.rpartition(".")[0] == tag]
    found = found or [spool for name, spool in names.items() if name.startswith(tag)]
    if not found:
        raise click.ClickException(f"no spool in {where} has a tag that begins with {tag!r}")
    if len(found) > 1:
        raise click.ClickException(f"several spools begin with {tag!r}: {', '.join(map(str, found))}")
    return found[0]


def _reports(
    spool: Spool, tag: str | None, idle_seconds: float, *, seals: bool, discards: bool
) -> Iterator[Report]:
    from lab_workbook_writer.uploader import push

    if discards:
        yield from push.discard(spool)
    else:
        yield push.push(spool, tag=tag, seals=seals, idle_seconds=idle_seconds)
