"""
A callback for Keras 3, on any of its backends.

>>> from lab_workbook_writer.integrations.keras import LabWorkbookCallback
>>> model.fit(inputs, targets, epochs=5, callbacks=[LabWorkbookCallback()])

What an epoch gives goes to the series of `Workbook.log`, by the number of batches since the callback was
made, with a column ``epoch`` that counts from 0 as Keras does; optimizer and losses go to ``options.json``,
and the layers to ``model.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("keras", "LabWorkbookCallback", extra="keras"):
    import keras

_MODEL: Final = "model"


class LabWorkbookCallback(keras.callbacks.Callback):
    """
    Record what `fit` and `evaluate` give.

    >>> callback = LabWorkbookCallback(every_batches=100, note="half the learning rate")

    With ``every_batches`` what every so many batches give is recorded as well, as ``batch/loss`` and so on.
    ``workbook`` is an open one, or what
    `lab_workbook.new_experiment` takes opens one when training begins.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`, when training begins.
    """

    def __init__(
        self,
        workbook: Workbook | None = None,
        *,
        every_batches: int | None = None,
        capture: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__()
        if every_batches is not None and every_batches < 1:
            raise ValueError(f"every_batches is at least 1, not {every_batches!r}")
        self._recording = Recording(workbook, capture=capture, **settings)
        self._every_batches = every_batches
        self._batches = 0
        self._before = 0
        self._is_fitting = False

    @property
    def workbook(self) -> Workbook:
        """The workbook, to save more into it; the first who asks opens it."""
        return self._recording.workbook

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Open the experiment, and save what it is started with."""
        opened = self._recording
        opened.open()
        opened.report_start()
        self._is_fitting, self._before = True, self._batches
        with opened.going_on("the parameters of fit"):
            opened.save_options(dict(self.params or {}))
        with opened.going_on("how the model is compiled"):
            opened.save_options(self.model.get_compile_config() or {})
        with opened.going_on("the layers of the model"):
            opened.save_options(json.loads(self.model.to_json()), _MODEL)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Append what a batch gives, every ``every_batches`` of them."""
        before = self._batches
        # Not one more each time: Keras may run several before it calls.
        self._batches = self._before + batch + 1
        every = self._every_batches
        if every and logs and self._batches // every > before // every:
            self._recording.log({f"batch/{name}": value for name, value in logs.items()}, self._batches)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Append what an epoch gives, with its validation."""
        self._before = self._batches
        if logs:
            self._recording.log({"epoch": epoch, **logs}, self._batches)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Append what `evaluate` gives; inside of `fit` it is among what the epoch gives."""
        if logs and not self._is_fitting:
            self._recording.log({f"test_{name}": value for name, value in logs.items()}, self._batches)
            self._recording.report_end()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Make all of it durable, and note the end; `evaluate` may follow, so the experiment stays open."""
        self._is_fitting = False
        self._recording.flush()
        self._recording.report_end()

    def close(self) -> None:
        """End the experiment now, for a notebook; else it ends with the script."""
        self._recording.close()
