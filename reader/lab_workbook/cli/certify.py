"""``lab-workbook certify``: the conformance kit, which has a command line of its own."""

from __future__ import annotations

import click


# Everything is passed on as it is, --help included.
@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Try whether a writer or a reader speaks the lab-workbook protocol."""
    try:
        from lab_workbook_conformance import certify
    except ImportError as error:
        raise click.ClickException(
            f"the conformance kit needs {error.name}: pip install 'lab-workbook[conformance]'"
        ) from None
    raise SystemExit(certify.main(arguments))
