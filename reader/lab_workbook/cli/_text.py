"""
Words for a terminal.

Names and notes come from whoever wrote the experiment. A control character in them could move the
cursor or recolour the screen, so none reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from lab_workbook.protocol.text import printable


def safe(value: object) -> str:
    r"""
    Return a value as one line that is safe to print.

    >>> safe("loss\x1b[31m.csv")
    'loss\\x1b[31m.csv'
    """
    return printable(str(value))


def warn(problem: str) -> None:
    """Print a warning on stderr."""
    click.echo(f"Warning: {safe(problem)}", err=True)


def columns(lines: Sequence[Sequence[object]]) -> str:
    """Return lines of cells, each column as wide as its widest cell, one line each."""
    texts = [[safe(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    padded = [[text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in texts]
    return "\n".join("  ".join(line).rstrip() for line in padded)


def iso(moment: datetime | None) -> str | None:
    """Return a time as JSON has it."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
