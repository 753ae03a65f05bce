"""
A logger for Lightning, by either of its names: ``lightning`` and ``pytorch_lightning``.

>>> from lab_workbook_writer.integrations.lightning import LabWorkbookLogger
>>> trainer = Trainer(logger=LabWorkbookLogger(note="half the learning rate"))

What the model logs goes to the series of `Workbook.log`, hyperparameters to ``options.json``. The experiment
opens when a trainer starts, on rank 0 alone, and goes on from ``fit`` to ``test``. It ends with the script,
and has finished if its last stage has.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final, Literal

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("lightning", "LabWorkbookLogger", extra="lightning"):
    # Each name has classes of its own; whoever has imported one of them trains with that one.
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
        from pytorch_lightning.utilities.rank_zero import rank_zero_only
    else:
        from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
        from lightning.pytorch.utilities.rank_zero import rank_zero_only

_NAME: Final = "lab-workbook"

Checkpoints = Literal["none", "best", "all"]


class LabWorkbookLogger(Logger):
    """
    Record what a Lightning trainer logs.

    >>> logger = LabWorkbookLogger(checkpoints="best", note="half the learning rate")
    >>> logger.experiment.save_text("remarks.txt", "The loss jumps at epoch 3.")

    ``experiment`` is the workbook. Give an open one as ``workbook``, or what `lab_workbook.new_experiment`
    takes. Of what `ModelCheckpoint` saves, copies are kept of ``all``, of the ``best`` when a stage ends, or
    of ``none``. ``capture=False`` leaves the state of source and environment out.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`, when a trainer starts.
    """

    def __init__(
        self,
        workbook: Workbook | None = None,
        *,
        checkpoints: Checkpoints = "none",
        capture: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__()
        if checkpoints not in ("none", "best", "all"):
            raise ValueError(f"checkpoints is 'none', 'best' or 'all', not {checkpoints!r}")
        self._recording = Recording(workbook, capture=capture, **settings)
        self._checkpoints = checkpoints
        self._best = ""
        self._kept: set[tuple[str, int]] = set()

    @property
    @rank_zero_experiment
    def experiment(self) -> Workbook:
        """The workbook; the first who asks, which is the trainer, opens it."""
        return self._recording.workbook

    @property
    def name(self) -> str:
        """Where Lightning puts checkpoints of its own: ``lab-workbook/TAG/checkpoints``."""
        return _NAME

    @property
    def version(self) -> str | None:
        """The tag of the experiment, on the rank that records."""
        return self._recording.workbook.tag if rank_zero_only.rank == 0 else None

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Append a row."""
        self._recording.log(metrics, step)

    @rank_zero_only
    def log_hyperparams(
        self, params: Mapping[str, Any] | Namespace, metrics: Mapping[str, Any] | None = None
    ) -> None:
        """Save hyperparameters, beside those that were given before; metrics that come along are a row."""
        self._recording.save_options(vars(params) if isinstance(params, Namespace) else params)
        if metrics:
            self._recording.log(metrics)

    def save(self) -> None:
        """Do nothing: the trainer asks after each row, and each row is safe already."""

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep a copy of what was just saved, if ``checkpoints`` says so."""
        with self._recording.going_on("a checkpoint"):
            self._best = checkpoint_callback.best_model_path
            if self._checkpoints == "all":
                last, best = checkpoint_callback.last_model_path, checkpoint_callback.best_k_models
                for path in (*best, self._best, last):
                    self._keep(path)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """
        Make durable what a stage has logged, and note how it has ended.

        Another one may follow, so the experiment stays open. While Lightning calls this for a stage that has
        failed, it handles the error.
        """
        if self._checkpoints == "best" and self._best:
            self._keep(self._best)
        self._recording.flush()
        error = sys.exc_info()[1]
        if status == "success" or error is not None:
            self._recording.report_end(error)

    @rank_zero_only
    def close(self) -> None:
        """End the experiment now, for a notebook; else it ends with the script."""
        self._recording.close()

    def _keep(self, path: str) -> None:
        if not path:
            return
        with self._recording.going_on("a checkpoint"):
            # By its time too, because last.ckpt is the same file again and again.
            saved = (path, os.stat(path).st_mtime_ns)
            if saved not in self._kept:
                self._kept.add(saved)
                self._recording.save_checkpoint(path)
