"""
A callback for the `Trainer` of Hugging Face's transformers.

>>> from lab_workbook_writer.integrations.transformers import LabWorkbookCallback
>>> trainer = Trainer(model, args, train_dataset=data, callbacks=[LabWorkbookCallback()])

What the trainer logs goes to the series of `Workbook.log` by its global step, the training arguments to
``options.json`` and the model's configuration to ``model.json``.
"""

from __future__ import annotations

import os
from typing import Any, Final

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("transformers", "LabWorkbookCallback", extra="transformers"):
    from transformers import TrainerCallback

_MODEL: Final = "model"


class LabWorkbookCallback(TrainerCallback):
    """
    Record what a `Trainer` logs, on the process that is zero in its world.

    >>> callback = LabWorkbookCallback(checkpoints=True, note="half the learning rate")

    ``workbook`` is an open one, or what `lab_workbook.new_experiment` takes opens one when training begins.
    With ``checkpoints`` each folder that the trainer saves is copied, which takes as long as to save it.
    Each trial of a hyperparameter search is an experiment of its own.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`, when training begins.
    """

    def __init__(
        self,
        workbook: Workbook | None = None,
        *,
        checkpoints: bool = False,
        capture: bool = True,
        **settings: Any,
    ) -> None:
        self._recording = Recording(workbook, capture=capture, **settings)
        self._checkpoints = checkpoints
        self._has_options = False
        self._is_training = False

    @property
    def workbook(self) -> Workbook:
        """The workbook, to save more into it; the first who asks opens it."""
        return self._recording.workbook

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Open the experiment, and save what it is started with."""
        if not state.is_world_process_zero:
            return
        if state.is_hyper_param_search and self._has_options:
            self._recording.reopen()
            self._has_options = False
        self._start(args, model)
        self._recording.report_start()
        self._is_training = True
        if state.trial_params:
            self._recording.save_options({"trial": state.trial_name, "trial_params": state.trial_params})

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, model: Any = None, **_: Any
    ) -> None:
        """Append a row: losses, scores of an evaluation, and the times at the end."""
        if state.is_world_process_zero and logs:
            self._start(args, model)
            self._recording.log(logs, state.global_step)

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Append the scores of a prediction, which the trainer itself does not log."""
        if state.is_world_process_zero and metrics:
            self._recording.log(metrics, state.global_step)
            self._report_end()

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note that an evaluation has ended, if it is no part of a training."""
        if state.is_world_process_zero:
            self._report_end()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep a copy of the checkpoint that was just saved, if ``checkpoints`` says so."""
        if state.is_world_process_zero and self._checkpoints:
            path = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
            if os.path.isdir(path):
                self._recording.save_checkpoint(path)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Make all of it durable and note the end; an evaluation may follow, so the experiment stays open."""
        if state.is_world_process_zero:
            self._recording.flush()
            self._is_training = False
            self._report_end()

    def close(self) -> None:
        """End the experiment now, for a notebook; else it ends with the script."""
        self._recording.close()

    def _report_end(self) -> None:
        if not self._is_training:
            self._recording.report_end()

    def _start(self, args: Any, model: Any) -> None:
        if self._has_options:
            return
        self._has_options = True
        opened = self._recording
        opened.open()
        with opened.going_on("the training arguments"):
            # It writes <HUB_TOKEN> in the place of a token, which is no option, and would be called a secret.
            given = args.to_dict()
            opened.save_options(
                {name: value for name, value in given.items() if value != f"<{name.upper()}>"}
            )
        config: Any = getattr(model, "config", None)
        if hasattr(config, "to_dict"):
            with opened.going_on("the configuration of the model"):
                opened.save_options(config.to_dict(), _MODEL)
