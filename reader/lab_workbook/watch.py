"""
A series as it grows: its new rows as they land, or a picture of them.

>>> for rows in experiment.watch("Training loss.csv"):
...     print(rows["loss"].min())

>>> experiment.watch("Training loss.csv").plot(y="loss")

Each look fetches and parses only what is new, so one may look often and for days.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from lab_workbook.errors import ArtifactNotFound, LabWorkbookError, Unreachable, Unreadable
from lab_workbook.protocol import _spec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lab_workbook.experiment import Experiment

# A killed script leaves rows to its uploader, which puts them into the bucket within this time, or end.json.
_DELIVERY_SECONDS: Final = _spec.TIMING_HEARTBEAT_SECONDS

# More points than a screen has columns; the extremes are kept.
_POINTS: Final = 10_000


class Watch(Iterator[pd.DataFrame]):
    """The new rows of a series as they land; made by `Experiment.watch`, which tells when it ends."""

    def __init__(self, experiment: Experiment, name: str, *, every: float, timeout: float | None) -> None:
        self._experiment, self._name = experiment, name
        self._every, self._timeout = every, timeout
        self._table: pd.DataFrame | None = None
        self._given = 0
        self._lost_since: float | None = None
        self._is_over = False
        self._quiet_since = time.monotonic()

    def __repr__(self) -> str:
        return f"<Watch: {self._name} of {self._experiment.tag}, {self._given} rows>"

    def __next__(self) -> pd.DataFrame:
        while True:
            fresh = self._look()
            if fresh is not None and len(fresh):
                self._given += len(fresh)
                self._quiet_since = time.monotonic()
                return fresh
            # Asked before the last look, so that no row could come after it.
            if self._is_over:
                break
            self._is_over = self._has_ended()
            if self._is_over:
                continue
            left = self._seconds_left()
            if left <= 0:
                raise StopIteration
            time.sleep(min(self._every, left))
        if self._table is None:
            # There never was such a series; the error lists those that are there.
            self._experiment.get(self._name)
        raise StopIteration

    def plot(self, y: str | Sequence[str] | None = None, **options: Any) -> Axes:
        """
        Draw the series in a notebook, and again whenever rows come; returns matplotlib's axes in the end.

        >>> experiment.watch("Training loss.csv", every=10).plot(y="loss", logy=True)

        ``y`` names a column or several, otherwise all numbers are drawn; ``options`` are those of
        ``DataFrame.plot``. Interrupting the cell ends it. Of a long series the extremes are drawn.

        Raises:
            LabWorkbookError: matplotlib or IPython is missing; the message says how to install them.
        """
        try:
            from IPython.display import Image, display
            from matplotlib import figure
        except ImportError as error:
            raise LabWorkbookError(
                f"a live plot needs {error.name}: `pip install 'lab-workbook[plot]'` brings it along"
            ) from None
        canvas = figure.Figure(layout="constrained")
        axes: Axes = canvas.subplots()
        shown = None
        with contextlib.suppress(KeyboardInterrupt):
            for _ in self:
                _draw(axes, self._table, y, {"title": self._name, **options})
                picture = Image(_png(canvas))  # type: ignore[no-untyped-call]
                if shown is None:
                    shown = display(picture, display_id=True)  # type: ignore[no-untyped-call]
                else:
                    shown.update(picture)
        return axes

    def _look(self) -> pd.DataFrame | None:
        """Return the rows that have come since the last look; None where there is no answer yet."""
        try:
            table = self._experiment.get(self._name)
        except ArtifactNotFound:
            return None
        except Unreachable:
            # Of an experiment that is over, rows may be missing, and nobody would notice.
            if self._is_over:
                raise
            return None
        if not isinstance(table, pd.DataFrame):
            raise Unreadable(
                f"{self._name} of {self._experiment.tag} is no series, so it has no rows to watch"
            )
        self._table = table
        fresh: pd.DataFrame = table.iloc[self._given :]
        return fresh

    def _has_ended(self) -> bool:
        status = self._status()
        if status != _spec.STATUS_LOST:
            self._lost_since = None
            return status not in (_spec.STATUS_RUNNING, _spec.STATUS_OPEN, _spec.STATUS_UNKNOWN)
        if self._lost_since is None:
            self._lost_since = time.monotonic()
        # In a folder a row is where it belongs as soon as it is logged.
        is_delivered = self._experiment.where.startswith("s3:")
        since = max(self._lost_since, self._quiet_since)
        return not is_delivered or time.monotonic() - since >= _DELIVERY_SECONDS

    def _status(self) -> str:
        try:
            return self._experiment.status
        except Unreachable:
            return _spec.STATUS_OPEN

    def _seconds_left(self) -> float:
        if self._timeout is None:
            return self._every
        return self._quiet_since + self._timeout - time.monotonic()


def _draw(axes: Axes, table: Any, y: str | Sequence[str] | None, options: dict[str, Any]) -> None:
    from lab_workbook.downsampling import downsample

    axes.clear()
    downsample(table, _POINTS).plot(y=y, ax=axes, **options)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
