"""What the verbs have in common: the experiment, its artifact, where it lies, and ``--json``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lab_workbook.cli import _completion

_F = TypeVar("_F", bound=Callable[..., Any])

#: One experiment, by its tag or the beginning of it.
tag = click.argument("tag", shell_complete=_completion.tags)
#: The name of an artifact of ``tag``.
name = click.argument("name", shell_complete=_completion.names)
#: The folder or bucket, for every verb that reads.
prefix = click.option("--prefix", help="Where the experiments lie, if not where the configuration says.")


def tags(*, required: bool = True) -> Callable[[_F], _F]:
    """Any number of experiments."""
    return click.argument(
        "tags",
        nargs=-1,
        required=required,
        metavar="TAG..." if required else "[TAG...]",
        shell_complete=_completion.tags,
    )


def as_json(what: str) -> Callable[[_F], _F]:
    """``--json``, which prints ``what`` for programs; its keys are camelCase."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what}.")


def place(function: _F) -> _F:
    """The folder or bucket, for a verb about nothing else: as ``[PREFIX]``, or as ``--prefix``."""

    def given(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        del param
        if value is None:
            return
        if ctx.params.get("prefix") is not None:
            raise click.UsageError("give one prefix, not two")
        ctx.params["prefix"] = value

    # Eager, so that the option finds what has been given.
    argument = click.argument("prefix", required=False, is_eager=True)
    option = click.option(
        "--prefix", "_place", expose_value=False, callback=given, help="The same as PREFIX."
    )
    return argument(option(function))
