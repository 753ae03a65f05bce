"""
What TAB offers in a shell: the tags of a folder or a bucket, and the artifacts of an experiment.

Whoever presses TAB waits, and a bucket that does not answer must not take the shell with it. So there is a
limit to the patience, and no error, no warning and no odd name ever gets between prompt and cursor.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
from collections.abc import Callable, Iterable
from typing import Final

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from lab_workbook.repository import ExperimentRepository

_PATIENCE_SECONDS: Final = 3


def install() -> None:
    """Have click use what is here."""
    add_completion_class(_Bash, "bash")


def tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the tags that begin like this."""
    del param
    return _in_time(lambda: (each.tag for each in _repository(ctx).list_experiments()), incomplete)


def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the artifacts that begin like this, of the experiment whose tag stands before."""
    del param
    return _in_time(lambda: _repository(ctx)[str(ctx.params["tag"])], incomplete)


def _repository(ctx: click.Context) -> ExperimentRepository:
    return ExperimentRepository(ctx.params.get("prefix"))


def _in_time(ask: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    found: list[str] = []

    def work() -> None:
        with contextlib.suppress(Exception):
            found.extend(name for name in ask() if name.startswith(incomplete) and name.isprintable())

    # A daemon, so that the process can end before the answer has come.
    thread = threading.Thread(target=work, daemon=True)
    with contextlib.redirect_stderr(io.StringIO()):
        thread.start()
        thread.join(_PATIENCE_SECONDS)
    return list(found)


class _Bash(BashComplete):
    """Bash takes a word as it is, and most names of series have a space in them."""

    def format_completion(self, item: CompletionItem) -> str:
        # Twice, because click's script reads each line with `read`, which takes one backslash away.
        escaped = re.sub(r"([^\w@%+=:,./-])", r"\\\\\1", item.value)
        return f"{item.type},{escaped}"
