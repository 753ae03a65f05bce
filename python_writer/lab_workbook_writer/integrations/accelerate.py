"""
A tracker for Hugging Face's accelerate.

>>> import lab_workbook_writer.integrations.accelerate
>>> accelerator = Accelerator(log_with="lab_workbook")
>>> accelerator.init_trackers("digits", config={"learning rate": 0.1})

Importing this gives accelerate the name ``lab_workbook``; one that is older than 1.15 knows no names but its
own, and takes an instance: ``Accelerator(log_with=LabWorkbookTracker("digits"))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab_workbook_writer.integrations.absent import needs
from lab_workbook_writer.integrations.recording import Recording
from lab_workbook_writer.workbook import Workbook

with needs("accelerate", "LabWorkbookTracker", extra="accelerate"):
    from accelerate import tracking


class LabWorkbookTracker(tracking.GeneralTracker):
    """
    Record what ``accelerator.log`` is given, on the main process.

    >>> tracker = LabWorkbookTracker("digits", bucket_prefix="s3://my-bucket/experiments/")

    The name of the project becomes the note, if there is no other. ``workbook`` is an open one, or what
    `lab_workbook.new_experiment` takes opens one in ``init_trackers``; ``end_training`` ends it.

    Raises:
        ConfigurationError, StoreError, TagTaken: as `lab_workbook.new_experiment`, in ``init_trackers``.
    """

    name = "lab_workbook"
    requires_logging_directory = False
    main_process_only = True

    def __init__(
        self,
        run_name: str | None = None,
        workbook: Workbook | None = None,
        *,
        capture: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__()
        if workbook is None and run_name:
            settings.setdefault("note", run_name)
        self._recording = Recording(workbook, capture=capture, **settings)

    @property
    def tracker(self) -> Workbook:
        """The workbook: what ``accelerator.get_tracker("lab_workbook", unwrap=True)`` gives."""
        return self._recording.workbook

    @tracking.on_main_process
    def start(self) -> None:
        """Open the experiment."""
        self._recording.open()

    @tracking.on_main_process
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Save the configuration as ``options.json``."""
        self._recording.save_options(values)

    @tracking.on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        """Append a row; tables inside of tables are columns such as ``loss/train``."""
        self._recording.log(values, step)

    @tracking.on_main_process
    def finish(self) -> None:
        """End the experiment."""
        self._recording.close()


if hasattr(tracking, "register_tracker_class"):
    tracking.register_tracker_class(LabWorkbookTracker)
