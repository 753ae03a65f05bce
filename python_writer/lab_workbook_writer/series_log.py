"""
A time-series log: the one thing of ours that a training loop calls again and again.

>>> loss_log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
>>> loss_log(epoch=1, loss=0.25)
>>> loss_log({"epoch": 2, "loss": 0.125})

A call costs little more than writing the same row with the `csv` module: the benchmark
``benchmarks/python_row.py`` watches over that, and explains the shape of this module.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import index, itemgetter
from threading import get_ident
from time import gmtime, strftime, time
from typing import Any, Final

from lab_workbook.errors import InvalidRow, InvalidSeries
from lab_workbook.protocol import _spec, cells
from lab_workbook.protocol.redaction import is_secret_name, redacted_cell
from lab_workbook.protocol.text import is_utf8

from lab_workbook_writer import forks, guard
from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.losses import Losses

Getter = Callable[[Mapping[str, object]], tuple[Any, ...]]

_NO_ROW: Final[Mapping[str, object]] = {}


class TimeSeriesLog:
    """
    A CSV artifact that grows by a row a call; made by `Workbook.new_time_series_log`.

    When a call has returned, its row survives the death of this process. Several threads may call,
    and so may a signal handler.
    """

    def __init__(
        self,
        name: str,
        fields: Sequence[str],
        file: AppendFile,
        losses: Losses,
        look: Callable[[], None],
    ) -> None:
        self.name = name
        self.fields = tuple(fields)
        self._losses = losses
        self._append = file.append
        self._look = look
        self._formats = cells.Formats(self._mend)
        # By thread, what counts the changes to a row that is not written yet: if it is refused, nothing does.
        self._mended: dict[int, list[Callable[[], None]]] = {}
        getter = _getter(self.fields)
        # A wrapper where it is needed only, because all others would pay for it in each row.
        self._secret_cells = _secret_cells(self.fields)
        self._cells_of = self._redacting(getter) if self._secret_cells else getter
        self._clock = (0, "")

    def __call__(self, row: Mapping[str, object] = _NO_ROW, /, **more: object) -> None:
        """
        Append a row; a field that is left out is missing.

        Raises:
            InvalidRow: a field is not one of this series, or the row is no mapping (rule ``series.row``).
            InvalidValue: a value is of a type that has no rule (rule ``series.value``); nothing is written.
        """
        now = second = 0
        # Not decorated with `guard.verb`, which costs a call per row.
        try:
            second, end_of_row = self._clock
            now = int(time())
            given = more if row is _NO_ROW else self._merged(row, more)
            try:
                values = self._cells_of(given)
            except KeyError:
                values = self._with_missing(given)
            if len(given) > len(values):
                raise self._unknown(given)  # noqa: TRY301 - an inner function would cost a call per row
            formats = self._formats
            line = ",".join([formats[type(value)](value) for value in values])
            if now != second:
                end_of_row = strftime(f",{_spec.SERIES_DATE_FORMAT}\n", gmtime(now))
                # One tuple, so that no other thread sees this second with another one's text.
                self._clock = (now, end_of_row)
                # Where the kernel does not show a fork by itself.
                forks.check()
            self._append((line + end_of_row).encode())
        except Exception as error:
            if not self._absorbs(error, 1):
                self._mended.pop(get_ident(), None)
                raise
        if self._mended:
            self._count_mended()
        if now != second:
            # Once a second, also after a loss: a dead uploader is what fills the disk of a spool.
            self._look()

    def all_of(self, rows: Sequence[Mapping[str, object]]) -> None:
        """
        Append several rows in one piece: all of them or none.

        Raises:
            InvalidRow, InvalidValue: as for a single row; nothing is written.
        """
        formats = self._formats
        try:
            end_of_row = strftime(f",{_spec.SERIES_DATE_FORMAT}\n", gmtime())
            lines = [
                ",".join([formats[type(value)](value) for value in self._with_missing(row)]) + end_of_row
                for row in rows
            ]
            self._append("".join(lines).encode(), len(lines))
        except Exception as error:
            if not self._absorbs(error, len(rows)):
                self._mended.pop(get_ident(), None)
                raise
        self._count_mended()
        self._look()

    def _mend(self, kind: str) -> None:
        """Remember that a cell of this thread's row could not be written as it was given."""
        self._count_later(partial(self._losses.add, kind))

    def _count_later(self, count: Callable[[], None]) -> None:
        self._mended.setdefault(get_ident(), []).append(count)

    def _count_mended(self) -> None:
        for count in self._mended.pop(get_ident(), ()):
            count()

    def _absorbs(self, error: Exception, rows: int) -> bool:
        return guard.absorbs(
            error, lambda why: self._losses.add(_spec.LOSS_ROWS, f"{self.name!r}: {why}", rows)
        )

    def __repr__(self) -> str:
        return f"<TimeSeriesLog {self.name!r} of {', '.join(self.fields)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker that is spawned is given a copy of all that its data set holds.
        return _copied, (self.name, self.fields)

    def _merged(self, row: Mapping[str, object], more: dict[str, object]) -> Mapping[str, object]:
        if not isinstance(row, Mapping):
            kind = type(row).__name__
            raise InvalidRow(
                "series.row",
                f"a row of {self.name!r} is a table such as {{{self.fields[0]!r}: 1}}, not {kind}: {row!r}",
            )
        for field in more:
            if field in row:
                raise InvalidRow("series.row", f"a row of {self.name!r} was given {field!r} twice")
        return {**row, **more} if more else row

    def _with_missing(self, given: Mapping[str, object]) -> tuple[object, ...]:
        if not all(field in self.fields for field in given):
            raise self._unknown(given)
        values = tuple(given.get(field) for field in self.fields)
        return self._redacted(values) if self._secret_cells else values

    def _redacting(self, getter: Getter) -> Getter:
        return lambda row: self._redacted(getter(row))

    def _redacted(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Redact the texts in the fields that are named like a secret."""
        shown = list(values)
        for place in self._secret_cells:
            if isinstance(shown[place], str):
                shown[place], count = redacted_cell(self.fields[place], shown[place])
                if count:
                    secrets = [self.fields[place]] * count
                    self._count_later(partial(self._losses.add_secrets, repr(self.name), secrets))
        return tuple(shown)

    def _unknown(self, given: Mapping[str, object]) -> InvalidRow:
        unknown = next(field for field in given if field not in self.fields)
        return InvalidRow(
            "series.row", f"{self.name!r} has no field {unknown!r}; it has: {', '.join(self.fields)}"
        )


def _copied(name: str, fields: Sequence[str]) -> TimeSeriesLog:
    """Return what a log is in another process, to which it was sent by pickle: it says so, and no more."""
    losses = Losses()

    def nothing() -> int:
        losses.say_once("copied", f"{name!r} was copied to this process: what it logs is not recorded")
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    return TimeSeriesLog(name, fields, AppendFile(nothing), losses, lambda: None)


def _secret_cells(fields: tuple[str, ...]) -> list[int]:
    return [place for place, field in enumerate(fields) if is_secret_name(field)]


def _getter(fields: tuple[str, ...]) -> Getter:
    if len(fields) > 1:
        return itemgetter(*fields)
    # With one key, itemgetter gives the bare value.
    (field,) = fields
    return lambda row: (row[field],)


def check_fields(name: str, fields: Any) -> tuple[str, ...]:
    """
    Return a copy of the fields of a series.

    Raises:
        InvalidSeries: they break the rule ``series.fields``.
    """
    if not isinstance(fields, (list, tuple)):
        kind = type(fields).__name__
        raise InvalidSeries(
            "series.fields", f"{name!r}: the fields are a list of texts, not {kind}: {fields!r}"
        )
    for field in fields:
        problem = _problem(field, fields)
        if problem:
            raise InvalidSeries("series.fields", f"{name!r}: the field {field!r} {problem}")
    if not fields:
        raise InvalidSeries("series.fields", f"{name!r}: a series has at least one field")
    return tuple(fields)


def _problem(field: object, fields: Sequence[object]) -> str | None:
    if not isinstance(field, str):
        return f"is a {type(field).__name__}, not a text"
    if not field:
        return "is empty"
    if field == _spec.SERIES_DATE_FIELD:
        return "is added by the workbook itself: choose another name"
    if fields.count(field) > 1:
        return "is there twice"
    if "\0" in field or not is_utf8(field):
        return "is not valid UTF-8, or holds NUL"
    return None


def check_save_every(name: str, save_every: Any) -> int | None:
    """
    Return the number of rows after which a series is published, or None.

    Raises:
        InvalidSeries: it breaks the rule ``series.save-every``.
    """
    if save_every is None:
        return None
    try:
        # A boolean has an index too, but whoever wrote True meant something else.
        rows = 0 if isinstance(save_every, bool) else index(save_every)
    except TypeError:
        rows = 0
    if rows < 1:
        raise InvalidSeries(
            "series.save-every", f"{name!r}: save_every is a whole number of at least 1, not {save_every!r}"
        )
    return rows


def header(fields: Sequence[str]) -> bytes:
    """Return the first line of a series (rule ``series.header``)."""
    names = [cells.field_name(field) for field in fields]
    return (",".join([*names, _spec.SERIES_DATE_FIELD]) + "\n").encode()
