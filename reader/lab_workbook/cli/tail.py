"""The verb ``tail``: the last rows of a series, and those that come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from lab_workbook.cli import _options, _text
from lab_workbook.errors import Unreadable
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import jsontext
from lab_workbook.repository import ExperimentRepository

Row = dict[str, Any]


@click.command("tail")
@_options.tag
@_options.name
@_options.prefix
@click.option("-n", "--rows", "count", type=click.IntRange(min=0), default=10, show_default=True)
@click.option(
    "-f", "--follow", is_flag=True, help="Go on with each row that comes, until the experiment ends."
)
@click.option("--every", type=click.FloatRange(min=0.1), default=2.0, show_default=True, help="Seconds.")
@_options.as_json("a JSON object for each row, one a line")
@click.pass_context
def command(
    context: click.Context,
    tag: str,
    name: str,
    prefix: str | None,
    *,
    count: int,
    follow: bool,
    every: float,
    as_json: bool,
) -> None:
    r"""
    Print the last rows of the series NAME of the experiment TAG.

    \b
    lab-workbook tail 201602122149-PMJ8a76csB 'Training loss.csv' -n 20 --follow
    """
    experiment = ExperimentRepository(prefix)[tag]
    parts = experiment.watch(name, every=every) if follow else iter([_series(experiment, name)])
    show = _show_json if as_json else _show_text
    try:
        show(_rows(part, count if number == 0 else None) for number, part in enumerate(parts))
    except KeyboardInterrupt:
        # How one leaves it; the number is what a shell gives for this signal.
        context.exit(130)


def _series(experiment: Experiment, name: str) -> Any:
    table = experiment[name]
    if not hasattr(table, "reset_index"):
        raise Unreadable(f"{name} of {experiment.tag} is no series: `lab-workbook cat` prints it")
    return table


def _rows(table: Any, count: int | None) -> list[Row]:
    """Return the last rows of a table as plain values."""
    last = table if count is None else table.iloc[max(len(table) - count, 0) :]
    names = [str(name) for name in (table.index.name, *table.columns) if name is not None]
    columns = [last.index, *(last.iloc[:, at] for at in range(last.shape[1]))][-len(names) :]
    cells = [
        [None if is_missing else _plain(cell) for cell, is_missing in zip(column, column.isna(), strict=True)]
        for column in columns
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def _plain(cell: Any) -> Any:
    return _text.iso(cell) if hasattr(cell, "isoformat") else cell


def _show_json(parts: Iterable[list[Row]]) -> None:
    for part in parts:
        for row in part:
            click.echo(jsontext.encode(row, lambda _: None))


def _show_text(parts: Iterable[list[Row]]) -> None:
    for line in _lines(parts):
        click.echo(line)


def _lines(parts: Iterable[list[Row]]) -> Iterator[str]:
    """Yield the names and then the rows, in columns that widen where they must."""
    widths: list[int] = []
    for part in parts:
        table = [[_text.safe("" if cell is None else cell) for cell in row.values()] for row in part]
        if not widths and part:
            table.insert(0, [_text.safe(name) for name in part[0]])
            widths = [0] * len(table[0])
        for line in table:
            widths = [max(width, len(cell)) for width, cell in zip(widths, line, strict=True)]
        for line in table:
            yield "  ".join(map(str.ljust, line, widths)).rstrip()
