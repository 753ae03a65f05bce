"""
TensorBoard's `SummaryWriter`, as far as a training script uses it, for a script that has one already.

>>> from lab_workbook_writer.integrations.tensorboard import SummaryWriter
>>> writer = SummaryWriter()
>>> writer.add_scalar("loss/train", 0.25, global_step=1)
>>> writer.close()

Only the import changes, and neither TensorBoard nor torch is needed. Scalars go to the series of
`Workbook.log`, texts and histograms to a series each, pictures to files. What an experiment has no place
for, such as a graph or a sound, is left out, and said once.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import index
from types import TracebackType
from typing import Any, Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.integrations.plain import file_name, scalars
from lab_workbook_writer.integrations.png import png
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.series_log import TimeSeriesLog
from lab_workbook_writer.workbook import Workbook

_TEXTS: Final = ("texts", ("step", "tag", "text"))
_HISTOGRAMS: Final = ("histograms", ("step", "tag", "count", "min", "max", "mean", "edges", "counts"))
_BINS: Final = 64


class SummaryWriter:
    """
    Record what a script gives to a `SummaryWriter`.

    >>> writer = SummaryWriter(note="half the learning rate")
    >>> writer.add_text("remark", "The loss jumps.", global_step=3)
    >>> writer.add_hparams({"rate": 0.05}, {"accuracy": 0.9})

    The arguments of TensorBoard's are taken: ``log_dir`` and ``comment`` become the note, if there is no
    other, and the rest means nothing here. ``workbook`` is an open one, or what `lab_workbook.new_experiment`
    takes opens one here.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
        *,
        workbook: Workbook | None = None,
        capture: bool = True,
        **settings: Any,
    ) -> None:
        told = f"{log_dir or ''}{comment}"
        if workbook is None and told:
            settings.setdefault("note", told)
        self._recording = Recording(workbook, capture=capture, **settings)
        self._series: dict[str, TimeSeriesLog] = {}
        self._hparams = 0
        self._recording.open()

    @property
    def workbook(self) -> Workbook:
        """The workbook, to save more into it."""
        return self._recording.workbook

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Append a number."""
        self._recording.log({str(tag): scalar_value}, global_step)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Append several numbers as one row, with columns ``main_tag/name``."""
        self._recording.log(
            {f"{main_tag}/{tag}": value for tag, value in tag_scalar_dict.items()}, global_step
        )

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Append a text to ``texts.csv``."""
        with self._recording.going_on("a text", _spec.LOSS_ROWS):
            self._row(_TEXTS, step=_step(global_step), tag=str(tag), text=str(text_string))

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: Any = None,
    ) -> None:
        """Save hyperparameters, as ``hparams.json``, ``hparams-2.json`` and so on, and what they led to."""
        self._hparams += 1
        name = "hparams" if self._hparams == 1 else f"hparams-{self._hparams}"
        self._recording.save_options(hparam_dict, name)
        if metric_dict:
            self._recording.log(metric_dict, global_step)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = None,
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Append a histogram to ``histograms.csv``; its edges and counts are texts in JSON."""
        with self._recording.going_on("a histogram", _spec.LOSS_ROWS):
            import numpy as np

            array = np.asarray(_on_the_cpu(values), dtype="float64").ravel()
            found = array[np.isfinite(array)]
            # TensorBoard's names for ways to choose bins are not numpy's, and its own has a thousand of them.
            chosen = bins if isinstance(bins, (int, Sequence)) and not isinstance(bins, str) else _BINS
            counts, edges = np.histogram(found, bins=chosen)
            measured = (found.min(), found.max(), found.mean()) if found.size else (None, None, None)
            self._row(
                _HISTOGRAMS,
                step=_step(global_step),
                tag=str(tag),
                count=array.size,
                **dict(zip(("min", "max", "mean"), measured, strict=True)),
                edges=json.dumps(edges.tolist()),
                counts=json.dumps(counts.tolist()),
            )

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Save a picture, as ``images/TAG-STEP.png``."""
        with self._recording.going_on("an image"):
            self._save_picture("images", tag, global_step, png(_on_the_cpu(img_tensor), dataformats.upper()))

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Any = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Save a figure of matplotlib, or several, as ``figures/TAG-STEP.png``."""
        figures = figure if isinstance(figure, (list, tuple)) else [figure]
        for number, each in enumerate(figures):
            name = tag if len(figures) == 1 else f"{tag}-{number}"
            with self._recording.going_on("a figure"):
                drawn = io.BytesIO()
                each.savefig(drawn, format="png")
                self._save_picture("figures", name, global_step, drawn.getvalue())
        # A figure that pyplot keeps was made by it.
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        for each in figures if close and pyplot else ():
            pyplot.close(each)

    def flush(self) -> None:
        """Make what is there durable; it is on its way already."""
        self._recording.flush()

    def close(self) -> None:
        """End the experiment: its outcome is ``finished``."""
        self._recording.close()

    def get_logdir(self) -> str:
        """Return where the experiment lies, with its tag."""
        return self.workbook.where

    def __enter__(self) -> SummaryWriter:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recording.close(error)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take what else TensorBoard's has, say once that it is not recorded, and do nothing."""
        if not name.startswith("add_"):
            raise AttributeError(f"a SummaryWriter has no {name!r}")

        def nothing(*_: Any, **__: Any) -> None:
            self._recording.say_once(
                name, f"{name} has no place in an experiment: what it is given is left out"
            )

        return nothing

    def _row(self, kind: tuple[str, tuple[str, ...]], **row: Any) -> None:
        name, fields = kind
        if name not in self._series:
            self._series[name] = self.workbook.new_time_series_log(name, fields)
        self._series[name](scalars(row)[0])

    def _save_picture(self, folder: str, tag: str, step: Any, data: bytes) -> None:
        import os
        import tempfile

        suffix = "" if step is None else f"-{_step(step)}"
        handle, path = tempfile.mkstemp(suffix=".png")
        with open(handle, "wb") as file:
            file.write(data)
        try:
            self.workbook.save_file(f"{folder}/{file_name(str(tag))}{suffix}.png", path)
        finally:
            os.remove(path)


def _step(step: Any) -> int | None:
    return None if step is None else index(step)


def _on_the_cpu(value: Any) -> Any:
    """Return what numpy can read: a tensor may be on its way through autograd, or on another device."""
    for method in ("detach", "cpu"):
        value = getattr(value, method, lambda value=value: value)()
    return value
