"""
Metrics: series for whoever does not want to say beforehand what will be logged.

>>> workbook.log({"loss": 0.25, "accuracy": 0.5}, step=100)

A table has one set of columns, and a training loop has few sets of metrics: the losses of each step, the
scores of each validation. So each set of keys is a series of its own, whose first field is the step, and
`lab_workbook.Experiment.metrics` joins them again. A script that makes up keys as it goes would open
thousands of files: from a number of sets on, all further ones share one long series, a row for each value.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import index
from typing import Any, Final

from lab_workbook.errors import InvalidName, InvalidRow, InvalidSeries
from lab_workbook.protocol import _spec
from lab_workbook.protocol.redaction import is_secret_name, redacted_cell, redacted_keys

from lab_workbook_writer.series_log import TimeSeriesLog, check_fields

Open = Callable[[str, Sequence[str]], TimeSeriesLog]

_STEP: Final = _spec.METRICS_STEP
_LONG_FIELDS: Final = (_STEP, _spec.METRICS_KEY, _spec.METRICS_VALUE)


class Metrics:
    """
    The series of one workbook that `Workbook.log` opens and fills; ``open_series`` makes one of them.

    Several threads may log, and so may a signal handler.
    """

    def __init__(self, open_series: Open) -> None:
        self._open_series = open_series
        self._series: dict[frozenset[str], TimeSeriesLog] = {}
        self._long: TimeSeriesLog | None = None
        # next() on it is one step for all threads.
        self._calls = itertools.count()
        # Reentrant, because a signal handler may log while its own thread is in here.
        self._lock = threading.RLock()

    def log(self, values: Mapping[str, object], step: int | None) -> None:
        """
        Append a row to the series of these keys; `Workbook.log` says the rest.

        Raises:
            InvalidRow, InvalidSeries, InvalidValue: as `Workbook.log`; nothing is written then.
        """
        call = next(self._calls)
        try:
            if _STEP in values:
                step = _only(values[_STEP], step)
            number = call if step is None else _whole(step)
            row = {_STEP: number, **values}
            # The step comes first, also where it was among the values.
            row[_STEP] = number
        except TypeError:
            raise _no_table(values) from None
        series = self._series.get(frozenset(row))
        if series is None:
            series = self._opened(row)
        if series is None:
            self._log_long(row)
        else:
            series(row)

    def after_fork(self) -> None:
        """Take a new lock: the thread that held the old one may not exist in this process."""
        self._lock = threading.RLock()

    def _opened(self, row: Mapping[str, Any]) -> TimeSeriesLog | None:
        """Return the series of these keys, a new one if need be; None where there are enough of them."""
        keys = frozenset(row)
        with self._lock:
            if keys not in self._series:
                if len(self._series) >= _spec.METRICS_MAX_SERIES:
                    return None
                number = len(self._series) + 1
                self._series[keys] = self._free(_names(_spec.METRICS_NAME, number), tuple(row))
            return self._series[keys]

    def _log_long(self, row: Mapping[str, Any]) -> None:
        keys = check_fields(_spec.METRICS_REST, list(row))[1:]
        with self._lock:
            if self._long is None:
                self._long = self._free(_names(_spec.METRICS_REST, 1), _LONG_FIELDS)
        step = row[_STEP]
        shown, _ = redacted_keys(keys)
        cells = [(step, title, _redacted(key, row[key])) for key, title in zip(keys, shown, strict=True)]
        self._long.all_of([dict(zip(_LONG_FIELDS, each, strict=True)) for each in cells])

    def _free(self, names: Iterator[str], fields: Sequence[str]) -> TimeSeriesLog:
        """Open a series under the first of these names that the script has not used for something else."""
        for name in names:
            with contextlib.suppress(_Taken):
                return self._open(name, fields)
        raise AssertionError("the names have no end")

    def _open(self, name: str, fields: Sequence[str]) -> TimeSeriesLog:
        try:
            return self._open_series(name, fields)
        except InvalidName as error:
            raise _Taken from error
        except InvalidSeries as error:
            if error.rule == "series.once":
                raise _Taken from error
            raise


class _Taken(Exception):
    """The script uses this name for something else."""


def _names(stem: str, number: int) -> Iterator[str]:
    """Yield ``metrics``, ``metrics-2``, ``metrics-3``, … from a number on."""
    for each in itertools.count(number):
        yield stem if each == 1 else f"{stem}-{each}"


def _redacted(key: str, value: Any) -> Any:
    return redacted_cell(key, value)[0] if isinstance(value, str) and is_secret_name(key) else value


def _only(inside: Any, beside: Any) -> Any:
    if beside is not None:
        raise InvalidRow("series.row", f"log() was given {_STEP!r} twice: among the values and beside them")
    return inside


def _whole(step: Any) -> int:
    if type(step) is int:
        return step
    try:
        # A boolean has an index too, but whoever gave one meant something else.
        if not isinstance(step, bool):
            return index(step)
    except TypeError:
        pass
    raise InvalidRow("series.row", f"the step of log() is a whole number or None, not {step!r}")


def _no_table(values: object) -> InvalidRow:
    kind = type(values).__name__
    return InvalidRow("series.row", f"log() takes a table such as {{'loss': 0.25}}, not {kind}: {values!r}")
