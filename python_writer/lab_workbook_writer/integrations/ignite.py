"""
A logger for PyTorch-Ignite.

>>> from lab_workbook_writer.integrations.ignite import LabWorkbookLogger
>>> with LabWorkbookLogger() as logger:
...     logger.attach_output_handler(
...         trainer,
...         event_name=Events.ITERATION_COMPLETED,
...         tag="train",
...         output_transform=lambda loss: {"loss": loss},
...     )
...     trainer.run(data, max_epochs=3)
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("ignite", "LabWorkbookLogger", extra="ignite"):
    from ignite import distributed
    from ignite.engine import Engine, Events
    from ignite.handlers.base_logger import BaseLogger, BaseOptimizerParamsHandler, BaseOutputHandler


class OutputHandler(BaseOutputHandler):
    """Append what an engine gives out, and its metrics, as one row; columns are ``tag/name``."""

    def __call__(self, engine: Any, logger: LabWorkbookLogger, event_name: Any) -> None:
        # What the script's own functions raise here is the script's, and not held back.
        values = self._setup_output_metrics_state_attrs(engine, log_text=True, key_tuple=False)
        step = self.global_step_transform(engine, event_name)
        logger.log(values, step)


class OptimizerParamsHandler(BaseOptimizerParamsHandler):
    """Append a parameter of an optimizer, one column for each of its groups: ``tag/lr/group_0``."""

    def __call__(self, engine: Any, logger: LabWorkbookLogger, event_name: Any) -> None:
        stem = f"{self.tag}/{self.param_name}" if self.tag else self.param_name
        groups = enumerate(self.optimizer.param_groups)
        values = {f"{stem}/group_{number}": float(group[self.param_name]) for number, group in groups}
        logger.log(values, engine.state.get_event_attrib_value(event_name))


class LabWorkbookLogger(BaseLogger):
    """
    Record what handlers of an engine log, on rank 0.

    >>> logger = LabWorkbookLogger(note="half the learning rate")
    >>> logger.save_options({"rate": 0.05})
    >>> logger.attach_opt_params_handler(trainer, event_name=Events.EPOCH_STARTED, optimizer=optimizer)
    >>> logger.close()

    A logger that is never closed has finished if the engines that it is attached to have.
    ``workbook`` is an open one, or what `lab_workbook.new_experiment` takes opens one here.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`.
    """

    def __init__(self, workbook: Workbook | None = None, *, capture: bool = True, **settings: Any) -> None:
        self._recording = Recording(workbook, capture=capture, **settings)
        self._is_recording = distributed.get_rank() == 0
        if self._is_recording:
            self._recording.open()

    @property
    def workbook(self) -> Workbook:
        """The workbook, to save more into it."""
        return self._recording.workbook

    def save_options(self, options: Mapping[str, Any]) -> None:
        """Save what the run is started with, as ``options.json``; more that comes later is added."""
        if self._is_recording:
            self._recording.save_options(options)

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Append a row, as the handlers do."""
        if self._is_recording and values:
            self._recording.log(values, step)

    def attach(self, engine: Any, log_handler: Any, event_name: Any, *args: Any, **given: Any) -> Any:
        """Call a handler for each such event, as Ignite's own loggers do, and note when the engine ends."""
        if not engine.has_event_handler(self._on_completed, Events.COMPLETED):
            engine.add_event_handler(Events.STARTED, self._on_started)
            engine.add_event_handler(Events.COMPLETED, self._on_completed)
        return super().attach(engine, log_handler, event_name, *args, **given)

    def close(self) -> None:
        """End the experiment: its outcome is ``finished``."""
        self._recording.close()

    def __enter__(self) -> LabWorkbookLogger:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recording.close(error)

    def _on_started(self, _: Any) -> None:
        self._recording.report_start()

    def _on_completed(self, _: Any) -> None:
        # An evaluator within a trainer ends no training.
        if _count_running() == 1:
            self._recording.report_end()

    def _create_output_handler(self, *args: Any, **given: Any) -> OutputHandler:
        return OutputHandler(*args, **given)

    def _create_opt_params_handler(self, *args: Any, **given: Any) -> OptimizerParamsHandler:
        return OptimizerParamsHandler(*args, **given)


def _count_running() -> int:
    """Return how many engines run within each other here."""
    count = 0
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - one that raised is not there
    while frame is not None:
        count += frame.f_code is Engine.run.__code__
        frame = frame.f_back
    return count
