"""The verb ``cache``: what is kept of what was read from S3?"""

from __future__ import annotations

import json

import click

from lab_workbook import config
from lab_workbook.cli import _options, _text
from lab_workbook.store.cache_folder import CacheFolder


@click.command("cache")
@click.option("--clear", is_flag=True, help="Delete it. All of it is fetched again when it is needed.")
@_options.as_json("a JSON object")
def command(*, clear: bool, as_json: bool) -> None:
    """
    Say where copies of what was read from S3 are kept, how many, and how much room they take up.

    The settings `cacheDir` and `cacheBytes` say where and how much.
    """
    settings = config.load()
    folder = CacheFolder(settings.cache_dir, settings.cache_bytes)
    usage = folder.clear() if clear else folder.usage()
    if as_json:
        told = {"where": settings.cache_dir, "files": usage.files, "bytes": usage.bytes}
        click.echo(json.dumps({**told, "limitBytes": settings.cache_bytes, "isCleared": clear}, indent=2))
        return
    verb = "deleted from" if clear else "in"
    size = f"{usage.bytes / 1e6:,.1f} MB of at most {settings.cache_bytes / 1e6:,.1f} MB"
    click.echo(f"{usage.files:,} files {verb} {_text.safe(settings.cache_dir)}, {size}")
