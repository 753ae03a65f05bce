"""``lab-workbook upload SPOOL``: what the writers start; people use ``push``."""

from __future__ import annotations

import click


@click.command(hidden=True)
@click.argument("spool")
def command(spool: str) -> None:
    """Deliver a spool while its script lives, and then to its end."""
    from lab_workbook_writer.uploader.__main__ import close_inherited, main

    close_inherited()
    raise SystemExit(main([spool]))
