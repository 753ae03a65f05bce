"""
The command ``lab-workbook``: one module a verb, each loaded only when it runs.

A verb's module lives beside this file, is named like the verb and offers ``command``.
"""

from __future__ import annotations

import importlib
import keyword
import os
from typing import Any

import click

from lab_workbook.cli import _completion, _text
from lab_workbook.errors import LabWorkbookError

# Kept here so that --help needs none of the modules, which import pandas or boto3.
_VERBS = {
    "cache": "Say what is kept of what was read from S3, or delete it.",
    "cat": "Print an artifact, byte for byte.",
    "certify": "Try whether a writer or reader speaks the protocol.",
    "checkout": "Put the source back as it ran.",
    "cost": "Say what experiments in S3 cost.",
    "demo": "Record a first experiment, to see what one is.",
    "diff": "Show what differs between two experiments.",
    "doctor": "Try whether recording works, and say why not.",
    "import": "Record what other programs have recorded.",
    "ls": "List the experiments of a folder or a bucket.",
    "note": "Add a note to an experiment, or print its notes.",
    "policy": "Print the permissions that S3 has to give.",
    "push": "Upload what is left in the local spool.",
    "report": "Write a page about experiments, with their curves.",
    "show": "Show what is known of one experiment.",
    "table": "Print the experiments with their parameters.",
    "tail": "Print the last rows of a series, and those that come.",
    "verify": "Check that nothing has changed since the end.",
}

# Started by the writers, not by people.
_HIDDEN = ("capture-source", "upload")


class _Verbs(click.Group):
    """A group that knows its verbs by name, and turns our errors into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _VERBS and cmd_name not in _HIDDEN:
            return None
        # A module cannot be called `import`, or have a hyphen.
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name.replace("-", "_")
        command = importlib.import_module(f"{__name__}.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a promise between our own modules
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabWorkbookError as error:
            raise click.ClickException(_text.safe(" ".join(str(error).split("\n")))) from error


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lab-workbook")
@click.pass_context
def main(context: click.Context) -> None:
    """Look at experiments, and deliver what is left to deliver."""
    # click leaves colours away where no terminal is; this is how people ask for it on one.
    if os.environ.get("NO_COLOR"):
        context.color = False


_completion.install()
