"""
What every integration stands on: an experiment that opens when it is first needed, and is never in the way.

>>> recording = Recording(note="half the learning rate")
>>> recording.save_options({"rate": 0.05})
>>> recording.log({"loss": 0.25}, step=1)

A framework calls from the middle of a training loop. Whatever goes wrong there in recording is said once,
and training goes on. What is wrong when the experiment opens is raised, as by `lab_workbook.new_experiment`:
that is before the first step, and whoever asked for a record wants to know that there will be none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from operator import index
from typing import Any, Final

from lab_workbook.errors import InvalidValue, Misuse, warn
from lab_workbook.protocol import _spec

from lab_workbook_writer import guard, lifecycle
from lab_workbook_writer.integrations.plain import file_name, scalars, told
from lab_workbook_writer.opening import new_experiment
from lab_workbook_writer.place import Nowhere
from lab_workbook_writer.workbook import Workbook

OPTIONS: Final = "options"
CHECKPOINTS: Final = "checkpoints"
# A script may make up keys as it goes.
_MOST_KEYS: Final = 1000


class Recording:
    """
    One experiment, for a logger of a framework.

    Either it is ``workbook``, which its owner closes; or it is opened with ``settings``, those of
    `lab_workbook.new_experiment`, when it is first needed. Then with ``capture`` the state of the source
    and of the environment are saved at once.
    """

    def __init__(self, workbook: Workbook | None = None, *, capture: bool = True, **settings: Any) -> None:
        if workbook is not None and settings:
            raise TypeError(f"{sorted(settings)}: a workbook that is open already takes no settings")
        self._workbook = workbook
        self._is_ours = workbook is None
        self._capture = capture
        self._settings = settings
        self._options: dict[str, dict[str, Any]] = {}
        self._said: set[str] = set()
        # Sets of keys whose rows are numbers and texts, as far as was seen.
        self._fitting: set[frozenset[str]] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is an experiment yet."""
        return self._workbook is not None

    @property
    def workbook(self) -> Workbook:
        """The experiment; the first who asks opens it."""
        return self.open()

    def open(self) -> Workbook:
        """
        Open the experiment, if it is not open yet.

        Raises:
            ConfigurationError, InvalidTag, TagTaken, StoreError: as `lab_workbook.new_experiment`.
        """
        if self._workbook is None:
            self._workbook = new_experiment(**self._settings)
            if self._capture:
                with self.going_on("the state of the source"):
                    self._workbook.save_git_status()
                with self.going_on("the environment"):
                    self._workbook.save_environment()
        return self._workbook

    def log(self, values: Mapping[str, Any], step: Any = None) -> None:
        """Append a row of metrics; what no row can hold is left out, and said once."""
        workbook = self.workbook
        try:
            keys = frozenset(values)
            if keys not in self._fitting:
                self._log_what_fits(workbook, values, step)
                return
            try:
                workbook.log(values, step=step)
            except Misuse:
                self._log_what_fits(workbook, values, step)
        except Exception as error:  # noqa: BLE001 - nothing that recording does may end a training
            self._report("a row of metrics", error, _spec.LOSS_ROWS)

    def _log_what_fits(self, workbook: Workbook, values: Mapping[str, Any], step: Any) -> None:
        # Looked at for the first row of a set of keys, before a series is opened for it: the next ones are
        # like it, and looking costs as much as writing.
        row, left_out = scalars(values)
        for name in left_out:
            self.say_once(name, f"{name!r} is no number and no text: it is left out of the metrics")
        # A column that the table keeps for itself gets a neighbour of nearly the same name.
        kept = {_spec.SERIES_DATE_FIELD, *(() if step is None else (_spec.METRICS_STEP,))}
        row = {f"{name}_" if name in kept else name: value for name, value in row.items()}
        if row.keys() == values.keys() and len(self._fitting) < _MOST_KEYS:
            self._fitting.add(frozenset(row))
        workbook.log(row, step=None if step is None else index(step))

    def save_options(self, options: Mapping[str, Any], name: str = OPTIONS) -> None:
        """Save what a run was started with, as ``<name>.json``; more that comes later is added."""
        workbook = self.workbook
        with self.going_on(f"{name!r}"):
            saved = self._options.setdefault(name, {})
            saved.update({str(key): value for key, value in options.items()})
            try:
                workbook.save_json(name, saved)
            except InvalidValue:
                workbook.save_json(name, told(saved))

    def save_checkpoint(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Save a copy of a file, or of each file of a folder, under ``checkpoints/``."""
        workbook = self.workbook
        path = os.fspath(path)
        name = f"{CHECKPOINTS}/{file_name(name or os.path.basename(path.rstrip('/')))}"
        with self.going_on("a checkpoint"):
            if not os.path.isdir(path):
                workbook.save_file(name, path)
                return
            for folder, _, files in sorted(os.walk(path)):
                for file in sorted(files):
                    source = os.path.join(folder, file)
                    workbook.save_file(f"{name}/{file_name(os.path.relpath(source, path))}", source)

    def flush(self) -> None:
        """Make what is there durable; without an experiment there is nothing to do."""
        if self._workbook is not None:
            with self.going_on("what was recorded last"):
                self._workbook.flush()

    def close(self, error: BaseException | None = None) -> None:
        """End the experiment, if it is ours: it failed with this error, or finished."""
        if self._workbook is not None and self._is_ours:
            with self.going_on("the end of the experiment"):
                self._workbook.__exit__(type(error) if error else None, error, None)

    def report_end(self, error: BaseException | None = None) -> None:
        """
        Note that the framework has ended a training, by an error if there is one.

        More may follow, such as a test, so the experiment stays open; if the script never closes it, this is
        its outcome.
        """
        if self._workbook is not None and self._is_ours:
            self._workbook.watch.reported = lifecycle.of_exception(error)

    def report_start(self) -> None:
        """Note that a training starts: the end of the one before it says nothing any more."""
        if self._workbook is not None and self._is_ours:
            self._workbook.watch.reported = None

    def reopen(self) -> None:
        """End the experiment as the framework has reported, if it is ours; the next row opens another one."""
        if self._workbook is not None and self._is_ours:
            with self.going_on("the end of the experiment"):
                watch = self._workbook.watch
                watch.end(watch.unasked())
            self._workbook = None
            self._options = {}

    @contextlib.contextmanager
    def going_on(self, about: str, loss: str = _spec.LOSS_ARTIFACTS) -> Iterator[None]:
        """Warn of what goes wrong in the block and go on; a fault of the environment counts as ``loss``."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nothing that recording does may end a training
            self._report(about, error, loss)

    def say_once(self, about: str, message: str) -> None:
        """Warn, if nothing was said about this before."""
        if about not in self._said:
            self._said.add(about)
            warn(message)

    def _report(self, about: str, error: Exception, loss: str) -> None:
        # What a framework gives us may be wrong in any way, so other errors are not taken for faults here.
        workbook = self._workbook if isinstance(error, guard.FAULTS) else None
        if workbook is None or not guard.absorbs(error, lambda why: guard.report(workbook, loss, about, why)):
            self._say(about, error)

    def _say(self, about: str, error: Exception) -> None:
        self.say_once(
            about, f"{about} could not be recorded ({type(error).__name__}: {error}); training goes on"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave an open experiment behind: it belongs to the process that has opened it."""
        state = {**self.__dict__, "_workbook": None}
        if self._workbook is not None:
            state |= {"_settings": {}, "_left": (self._workbook.tag, self._workbook.where)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        left = state.pop("_left", None)
        self.__dict__.update(state)
        if left is not None:
            tag, where = left
            self._workbook = Workbook(tag, Nowhere(where, lambda: self._say_copied(tag)))

    def _say_copied(self, tag: str) -> None:
        self.say_once(
            "copy", f"this is a copy of the logger that writes {tag}: what it is given is not recorded"
        )
