"""
A callback for Hydra: each job is an experiment.

    hydra:
      callbacks:
        lab_workbook:
          _target_: lab_workbook_writer.integrations.hydra.LabWorkbookCallback

The job's configuration goes to ``options.json`` as it is composed, with its interpolations unresolved, so
that ``${oc.env:PASSWORD}`` stays a reference; what was overridden goes to ``overrides.json``. In the job,
`current_workbook` gives the experiment:

>>> from lab_workbook_writer.integrations.hydra import current_workbook
>>> current_workbook().log({"loss": 0.25}, step=1)
"""

from __future__ import annotations

from typing import Any, Final

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol.redaction import redacted_arguments

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("hydra", "LabWorkbookCallback", extra="hydra"):
    from hydra.core.utils import JobStatus
    from hydra.experimental.callback import Callback
    from omegaconf import OmegaConf

_OVERRIDES: Final = "overrides"


class LabWorkbookCallback(Callback):
    """
    Open an experiment when a job starts, and end it with the job: ``finished``, or ``failed`` with its error.

    What `lab_workbook.new_experiment` takes may stand beside ``_target_``, such as ``note``. Of a multirun
    each job is an experiment, wherever the launcher runs it. Hydra makes a warning of what a callback raises,
    so that a job runs where no experiment could be opened.
    """

    def __init__(self, *, capture: bool = True, **settings: Any) -> None:
        self._given: dict[str, Any] = {"capture": capture, **settings}
        self._recording: Recording | None = None

    def on_job_start(self, config: Any, **_: Any) -> None:
        """Open the experiment, and save the configuration."""
        # None as long as it does not open, so that the end of the job does not end another one's.
        self._recording = None
        recording = Recording(**self._given)
        recording.open()
        self._recording = recording
        _jobs.append(recording)
        with recording.going_on("the configuration"):
            options = OmegaConf.to_container(config, resolve=False)
            options.pop("hydra", None)
            recording.save_options(options)
        with recording.going_on("the overrides"):
            overrides, _cut = redacted_arguments([str(each) for each in config.hydra.overrides.task])
            recording.workbook.save_json(_OVERRIDES, overrides)

    def on_job_end(self, config: Any, job_return: Any, **_: Any) -> None:
        """End the experiment as the job ended."""
        if self._recording is not None:
            failed = job_return.status is JobStatus.FAILED
            # Its property raises it, and prints what Hydra itself will print.
            self._recording.close(getattr(job_return, "_return_value", None) if failed else None)
            _jobs.remove(self._recording)
            self._recording = None


def current_workbook() -> Workbook:
    """
    Return the workbook of the job that runs.

    >>> current_workbook().save_text("remarks.txt", "The loss jumps at epoch 3.")

    Raises:
        LabWorkbookError: no job runs, the callback is not among ``hydra.callbacks``, or it could open none.
    """
    if not _jobs:
        raise LabWorkbookError("no experiment is open here: name the callback under hydra.callbacks")
    return _jobs[-1].workbook


# A job may run another one by Hydra's API; the innermost is the current one.
_jobs: list[Recording] = []
