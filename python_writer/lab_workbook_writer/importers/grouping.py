"""
Thousands of metrics in few series: those that were measured at the same steps stand side by side.

The series are named as those of `workbook.log`, so that `lab_workbook.Experiment.metrics` joins them: the
first groups become ``metrics.csv``, ``metrics-2.csv``, …, and what is left then shares ``metrics-rest.csv``,
a row for each value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec
from lab_workbook.protocol.numbering import Numbering

from lab_workbook_writer.importers.run import Metric

#: The field that says when the first value of a row was measured; ``Date`` says when it was imported.
WALL_TIME: Final = "wall time"

Row = dict[str, Any]


class Table(NamedTuple):
    """A series to write: its name, its fields, and its rows."""

    name: str
    fields: list[str]
    rows: Iterator[Row]


def tables(metrics: Mapping[str, Metric]) -> Iterator[Table]:
    """
    Yield the series that hold all of these metrics, each value once, in the order of their measurement.

    The steps of a group are the same, also those that come twice, so that no cell in it is missing.
    """
    groups: dict[bytes, list[tuple[str, Metric]]] = {}
    for name, metric in metrics.items():
        groups.setdefault(metric.steps.tobytes(), []).append((name, metric))
    ordered = list(groups.values())
    for number, group in enumerate(ordered[: _spec.METRICS_MAX_SERIES], start=1):
        yield _table(number, group)
    rest = [each for group in ordered[_spec.METRICS_MAX_SERIES :] for each in group]
    if rest:
        fields = [_spec.METRICS_STEP, _spec.METRICS_KEY, _spec.METRICS_VALUE]
        yield Table(_spec.METRICS_REST, fields, _long(rest))


def titles(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """
    Return names that can head a table, each once and none of those taken.

    >>> titles(["loss", "step", "", "loss", "loss"], ["step"])
    ['loss', 'step_', '_', 'loss_', 'loss_2']
    """
    numbering = Numbering(_spelled, ["", *taken, _spec.SERIES_DATE_FIELD])
    # What UTF-8 cannot spell came from the name of a file.
    spelled = (
        name.encode("utf-8", "replace").decode().replace("\0", _spec.TEXT_REPLACEMENT) for name in names
    )
    return list(map(numbering.free, spelled))


def _spelled(name: str, number: int) -> str:
    return f"{name}_{number}" if number > 1 else f"{name}_"


def _table(number: int, group: list[tuple[str, Metric]]) -> Table:
    name = _spec.METRICS_NAME if number == 1 else f"{_spec.METRICS_NAME}-{number}"
    # Each series has its own, because experiment.metrics() joins columns of one name.
    clock = WALL_TIME if number == 1 else f"{WALL_TIME} {number}"
    has_times = any(not math.isnan(each) for _, metric in group for each in metric.times)
    # A metric may be called so, too.
    columns = titles([each for each, _ in group], [_spec.METRICS_STEP, WALL_TIME, clock])
    fields = [_spec.METRICS_STEP, *columns, *([clock] if has_times else [])]
    return Table(name, fields, _rows(group, columns, clock if has_times else None))


def _rows(group: list[tuple[str, Metric]], columns: list[str], clock: str | None) -> Iterator[Row]:
    metrics = [metric for _, metric in group]
    for at, step in enumerate(metrics[0].steps):
        row = {column: metric.values[at] for column, metric in zip(columns, metrics, strict=True)}
        row[_spec.METRICS_STEP] = step
        if clock is not None:
            known = [metric.times[at] for metric in metrics if not math.isnan(metric.times[at])]
            row[clock] = min(known, default=None)
        yield row


def _long(rest: list[tuple[str, Metric]]) -> Iterator[Row]:
    for name, metric in rest:
        for step, value in zip(metric.steps, metric.values, strict=True):
            yield {_spec.METRICS_STEP: step, _spec.METRICS_KEY: name, _spec.METRICS_VALUE: value}
