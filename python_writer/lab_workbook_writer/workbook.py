"""
The workbook: what a training script holds in its hand.

>>> with lab_workbook.new_experiment() as workbook:
...     workbook.save_json("options", {"learning rate": 0.1})
...     loss_log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
...     loss_log(epoch=1, loss=0.25)

A verb raises for what the program does wrong, such as a name that no file can have. For what happens
to the machine, such as a full disk, it warns, counts the loss in end.json, and lets training go on: `guard`
decides which is which.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lab_workbook.errors import ConfigurationError, InvalidSeries, InvalidValue, Misuse, warn
from lab_workbook.protocol import _spec, documents, jsontext, names
from lab_workbook.protocol.redaction import redacted_keys, redactions
from lab_workbook.protocol.text import mended

from lab_workbook_writer import forks, guard, lifecycle, series_log
from lab_workbook_writer.append_file import AppendFile, Opener

# All that costs little is imported here and not in its verb: the package may be gone by then.
from lab_workbook_writer.capture import figure as figures
from lab_workbook_writer.capture import model
from lab_workbook_writer.capture import tensors as tensor_files
from lab_workbook_writer.capture.plain import plain
from lab_workbook_writer.ends import Wait, settled
from lab_workbook_writer.forks import own_page
from lab_workbook_writer.handover import Source
from lab_workbook_writer.losses import Losses
from lab_workbook_writer.metrics import Metrics
from lab_workbook_writer.place import Discard, Ending, Fill, Nowhere, Place, remove, write_file
from lab_workbook_writer.series_log import TimeSeriesLog
from lab_workbook_writer.spare import Spare

if TYPE_CHECKING:
    from lab_workbook_writer.capture.output import OutputCapture
    from lab_workbook_writer.capture.sampling import Sampler
    from lab_workbook_writer.guest import Guest
    from lab_workbook_writer.host import Host


def _itself(workbook: Workbook, *_args: object, **_kwargs: object) -> Workbook:
    return workbook


class Workbook:
    """
    One experiment, open for writing; made by `lab_workbook.new_experiment`.

    ``tag`` names it, and ``where`` is the URL under which its files lie.
    """

    def __init__(
        self, tag: str, place: Place, *, host: Host | None = None, guest: Guest | None = None
    ) -> None:
        self._tag = tag
        self.where = place.where
        self._place = place
        self._losses = Losses("; said only once") if guest else Losses()
        # What other ranks need of us, or we of rank 0.
        self._host = host
        self._guest = guest
        if guest is not None:
            guest.say = self._losses.say_once
        self._register = names.Register()
        self._saved: set[str] = set()
        self._series: dict[str, AppendFile] = {}
        self._metrics = Metrics(self.new_time_series_log)
        self._output: OutputCapture | None = None
        self._sampler: Sampler | None = None
        self._system: TimeSeriesLog | None = None
        self._is_open = True
        # What `close` has returned, and returns each time after that.
        self._is_whole = False
        self._spare = Spare()
        # Reentrant, because a signal handler may save something while its own thread is in here.
        self._lock = threading.RLock()
        self.watch = lifecycle.Watch(self._start_end, self._after_fork)
        self.watch.start()

    @property
    @guard.verb(otherwise=lambda workbook: workbook._tag)  # noqa: SLF001 - of the workbook itself
    def tag(self) -> str:
        """
        The name of the experiment.

        On another rank it is that of rank 0, if that is found on this host within some seconds; else a tag
        that no experiment has.
        """
        run = self._guest.run() if self._guest else None
        return run.tag if run else self._tag

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_json(self, name: str, value: object, *, allow: Collection[str] = ()) -> None:
        """
        Save parameters or results, as ``<name>.json``.

        >>> workbook.save_json("options", {"learning rate": 0.1, "layers": [512, 256]})
        >>> workbook.save_json("arguments", parser.parse_args())

        Namespaces of argparse, dataclasses, models of pydantic, containers of OmegaConf, paths, dates,
        enumerations, sets and small arrays are made plain first, as `lab_workbook_writer.capture.plain`
        lists.

        What looks like a secret, by its key or its shape, is written as ``[redacted]``, counted and
        warned of; what is below a key in ``allow`` stays as it is.

        Raises:
            InvalidValue: something in it has no rule in JSON, such as a function.
        """
        if not isinstance(allow, Collection):
            raise InvalidValue("json.secrets", f"allow is a list of keys such as ['api_key'], not {allow!r}")
        found: list[str] = []

        def redact(whole: Any) -> Any:
            whole, names = redactions(whole, allow=allow)
            found.extend(names)
            return whole

        mended_parts: list[tuple[Any, ...]] = []
        data = jsontext.encode(value, lambda *said: mended_parts.append(said), plain, change=redact)
        path = self._take(name, _spec.KIND_JSON_SUFFIX)
        # Counted only once nothing can be refused any more.
        for said in mended_parts:
            self._losses.add(*said)
        advice = f"; save_json(..., allow=[{found[0]!r}]) keeps it" if found and found[0] else ""
        self._losses.add_secrets(repr(path), found, advice)
        self._save_bytes(path, data)

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_text(self, name: str, text: str) -> None:
        """
        Save a text under its name as it is.

        >>> workbook.save_text("remarks.txt", "The loss jumps at epoch 3.")
        """
        if not isinstance(text, str):
            raise InvalidValue(
                "text.mended", f"save_text saves a str, not {type(text).__name__}: save_file copies bytes"
            )
        path = self._take(name)
        self._save_bytes(path, mended(text, self._losses.add, keep_nul=True).encode())

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_file(self, name: str, path: str | os.PathLike[str], *, move: bool = False) -> None:
        """
        Save a copy of a file under a name of your choice.

        >>> workbook.save_file("sample.png", "/tmp/sample.png")

        With ``move`` the file is given away: it is renamed, which costs neither time nor disk, and is
        gone from ``path``; across file systems it is copied and removed. If it cannot be saved it stays.

        Raises:
            OSError: there is no such file, or it may not be read. A file that the machine cannot open for
                another reason, such as no descriptors, is counted as lost.
            InvalidValue: this is not a path.
        """
        with Source(path, move=move) as source:
            if self._save(self._take(name), source.fill, source.discard):
                source.let_go()

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_torch(self, name: str, value: object) -> None:
        """
        Save a model, a tensor or anything else that torch can save, as ``<name>.pt``.

        >>> workbook.save_torch("model", model.state_dict())

        A state dict can be read by anyone, with ``weights_only=True``. A whole module is pickled: it can
        be read only where its classes are, and by whoever trusts it, so that is hinted at once.

        Raises:
            ImportError: torch is not installed.
        """
        path = self._take(name, _spec.KIND_PYTORCH_SUFFIX)
        self._save(path, model.saves(value, lambda: self._hint_at_pickle(path)))

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_tensors(self, name: str, tensors: Mapping[str, Any]) -> None:
        """
        Save tensors of torch or arrays of numpy by their names, as ``<name>.safetensors``.

        >>> workbook.save_tensors("model", model.state_dict())

        The format holds nothing but tensors, so reading it runs no code, and it can be mapped into memory.

        Raises:
            ImportError: safetensors is not installed: ``pip install 'lab-workbook[models]'``.
            InvalidValue: something in it is no tensor, or no name for one.
        """
        path = self._take(name, _spec.TENSORS_SUFFIX)
        self._save(path, tensor_files.saves(tensors))

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_figure(self, name: str, figure: Any) -> None:
        """
        Save a figure of matplotlib or plotly, or an image of Pillow, as ``<name>.png``.

        >>> workbook.save_figure("confusion", figure)
        >>> workbook.save_figure("confusion.svg", figure)

        A name that ends like a picture's says what it becomes: ``.png``, ``.svg``, ``.pdf``, ``.jpg``,
        ``.webp``, or ``.html`` for plotly, which needs kaleido for pictures.

        Raises:
            InvalidValue: this is no figure.
        """
        suffix = figures.suffix(name)
        fill = figures.saves(figure, suffix or figures.DEFAULT)
        self._save(self._take(name, "" if suffix else figures.DEFAULT), fill)

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_t7(self, name: str, value: object) -> None:
        """
        Save arrays, tables, numbers and texts so that Torch reads them, as ``<name>.t7``.

        >>> workbook.save_t7("model", {"weight": numpy.zeros((3, 4)), "classes": ["cat", "dog"]})

        In Lua, ``torch.load`` gives the table back. What becomes what is said in `lab_workbook.t7`;
        tensors of PyTorch are arrays, wherever they are.

        Raises:
            Unwritable: Torch has nothing like something in it.
        """
        path = self._take(name, _spec.KIND_TORCH7_SUFFIX)
        self._save(path, model.saves_t7(value))

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_git_status(self, name: str = _spec.GIT_DEFAULT_NAME) -> None:
        """
        Save the source as it runs, for the repository of the working directory.

        >>> workbook.save_git_status()

        ``<name>.git-current-commit`` names the commit, and ``<name>.git-patch`` leads from it to the files
        as they are, untracked ones too; ``<name>.git-bundle`` has the commits that no remote has, where
        there are any, and ``<name>.git-state.json`` says where it all comes from, and what was left out:
        what is large, ignored, or secret. ``experiment.checkout()`` puts it back. Outside of a repository
        this only warns.
        """
        commit = self._take(name, _spec.KIND_GIT_COMMIT_SUFFIX)
        for suffix in (_spec.KIND_GIT_PATCH_SUFFIX, _spec.GIT_STATE_SUFFIX):
            self._take(name, suffix)
        if isinstance(self._place, Nowhere):
            # It asks for no bytes, so git is not run.
            self._save_bytes(commit, b"")
            return
        from lab_workbook_writer.capture import git, source

        try:
            captured = source.capture(name)
        except git.NotRecorded as problem:
            self._losses.say_once("git", f"save_git_status: nothing is recorded: {problem}")
            return
        for suffix, data in captured.parts:
            self._save_bytes(self._take(name, suffix), data)
        for note in captured.notes:
            self._losses.say_once(f"git {note}", f"save_git_status: {note}")

    @guard.verb(_spec.LOSS_ARTIFACTS)
    def save_environment(self, name: str = _spec.ENVIRONMENT_DEFAULT_NAME) -> None:
        """
        Save what the script runs in, as ``<name>.json``.

        >>> workbook.save_environment()

        That is interpreter and packages, host and operating system, processors, memory and GPUs, command,
        working directory, and the variables that bear on a result. Secrets among them are cut.
        """
        path = self._take(name, _spec.KIND_JSON_SUFFIX)

        def fill(target: str) -> None:
            # In here, because a workbook that is switched off asks for nothing.
            from lab_workbook_writer.capture import environment

            captured = environment.capture()
            self._losses.add_secrets(repr(path), captured.secrets)
            write_file(target, jsontext.encode(captured.document, self._losses.add))

        self._save(path, fill)

    # A second attempt is the only thing that is of use to a caller who needs a log.
    @guard.verb(otherwise=lambda workbook, *args, **kwargs: workbook._new_series(*args, **kwargs))  # noqa: SLF001
    def new_time_series_log(
        self, name: str, fields: Sequence[str], *, save_every: int | None = None
    ) -> TimeSeriesLog:
        """
        Start a CSV artifact that grows while you train, ``<name>.csv``.

        >>> loss_log = workbook.new_time_series_log("Training loss", ["epoch", "loss"], save_every=100)
        >>> loss_log(epoch=1.5, loss=0.234)

        The first field becomes the index when the series is read; a UTC ``Date`` is added to each
        row. In S3 the rows appear after ``save_every`` of them, and in any case every few seconds.

        Raises:
            InvalidSeries: the fields cannot head a table, or the name is in use.
        """
        return self._new_series(name, fields, save_every=save_every)

    def _new_series(
        self, name: str, fields: Sequence[str], *, save_every: int | None = None
    ) -> TimeSeriesLog:
        fields = series_log.check_fields(name, fields)
        every = series_log.check_save_every(name, save_every)
        titles, secrets = redacted_keys(fields)
        header = series_log.header(titles)
        self._check_open()
        with self._lock:
            path = self._take(name, self._series_suffix, is_series=True)
            self.add_secrets(f"the fields of {path!r}", secrets)
            file = self._append_file(path, lambda: self._open_series(path, header, every))
            log = TimeSeriesLog(path, fields, file, self._losses, self._look)
            opening = guard.absorbing(
                lambda why: warn(f"{path!r} cannot be made just now ({why}): it is tried again with each row")
            )
            # The last step that can fail, so that the verb can be tried again.
            self._series[path] = file
            self._place.keep(path, file)
        if self._guest is None:
            with opening:
                file.open()
        return log

    def log(self, values: Mapping[str, object], step: int | None = None) -> None:
        """
        Log metrics without saying beforehand what they are.

        >>> workbook.log({"loss": 0.25, "learning rate": 0.1}, step=100)
        >>> workbook.log({"validation/accuracy": 0.75}, step=100)

        Each set of keys becomes a series, ``metrics.csv``, ``metrics-2.csv``, …, whose first field is
        ``step``; from the seventeenth set on all go into ``metrics-rest.csv``, a row for each value, so
        nothing is lost and there are never more files. `lab_workbook.Experiment.metrics` joins them by
        step. Without a ``step``, here or among the values, it is the number of the call, from 0.

        Values are what a series can hold: numbers, texts, booleans, None, and scalars of numpy or torch.

        Raises:
            InvalidRow: this is no table, or the step no whole number (rule ``series.row``).
            InvalidSeries: a key cannot be a field (rule ``series.fields``).
            InvalidValue: a value is of a type that has no rule (rule ``series.value``).
        """
        if not own_page[0]:
            forks.check()
        # Not decorated with `guard.verb`, which costs a call per row.
        try:
            self._metrics.log(values, step)
        except Exception as error:
            if not guard.absorbs(error, lambda why: self._losses.add(_spec.LOSS_ROWS, f"log: {why}")):
                raise

    @guard.verb(_spec.LOSS_ARTIFACTS, otherwise=_itself)
    def capture_output(self) -> Workbook:
        """
        Keep what is printed from now on, as ``output.csv``; returns the workbook.

        >>> workbook = lab_workbook.new_experiment(capture_output=True)

        Each line of ``sys.stdout`` and ``sys.stderr`` becomes a row with ``line``, ``stream`` and ``text``:
        without colours, without secrets, and of a progress bar its last state. Both streams are put back
        when the experiment ends.
        """
        from lab_workbook_writer.capture import output

        if self._output is None:
            self._output = output.started(
                self.new_time_series_log,
                lambda count: self._losses.add_secrets(repr(output.NAME), [""] * count),
                lambda why: self._losses.add(_spec.LOSS_ROWS, f"a line of {output.NAME!r}: {why}"),
            )
        return self

    @guard.verb(_spec.LOSS_ARTIFACTS, otherwise=_itself)
    def sample_system(self, every: float = 10) -> Workbook:
        """
        Measure the load of the machine every so many seconds, as ``system.csv``; returns the workbook.

        >>> workbook = lab_workbook.new_experiment(system_metrics=10)

        Processors, memory, disk, network, the script's own share, and NVIDIA's GPUs: measured by a process
        of its own, which ends with the experiment. It needs psutil, ``pip install 'lab-workbook[system]'``.

        Raises:
            ConfigurationError: ``every`` is no number of seconds, or less than 0.1.
        """
        from lab_workbook_writer.capture import sampling

        self._check_open()
        every, root = sampling.check(every), getattr(self._place, "root", None)
        # A guest leaves it to rank 0, and a workbook that is switched off has no folder.
        if self._sampler is not None or self._guest is not None or root is None:
            return self
        why = sampling.problem()
        if why is not None:
            self._losses.say_once("system", why)
            return self
        gpus = sampling.gpu_count()
        if self._system is None:
            # Opened once, also where the process that measures is started at the second call only.
            self._system = self.new_time_series_log(sampling.NAME, sampling.fields(gpus))
        self._sampler = sampling.start(f"{root}{self._system.name}", every, gpus)
        return self

    @guard.verb(otherwise=lambda *_args, **_kwargs: False)
    def flush(self, seconds: float | None = None) -> bool:
        """
        Make everything so far survive a power loss, and ask for its delivery now.

        >>> workbook.flush(60)
        True

        Returns whether it does; with ``seconds``, waits so long and returns whether all of it is in
        the bucket. It is False from the first row on that was lost, such as by a full disk, and until each
        artifact that was lost is saved again. After `close` it does nothing, and returns what `close` has
        returned.
        """
        forks.check()
        if seconds is not None and not (hasattr(seconds, "__float__") and seconds >= 0):
            raise ConfigurationError(f"flush takes a number of seconds, 0 or more, not {seconds!r}")
        if not self._is_open:
            return self._is_whole
        self._place.restore()
        for file in list(self._series.values()):
            file.sync()
        return self._place.flush(seconds) and self._losses.is_whole

    def close(self) -> bool:
        """
        End the experiment: its outcome is ``finished``. With an ``s3://`` prefix, wait for delivery.

        Returns whether everything is where it belongs, and no row or artifact was lost. A second call
        does nothing, and returns the same.
        """
        return self._end(lifecycle.of_exception(None))

    def __enter__(self) -> Workbook:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(lifecycle.of_exception(error))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker that is spawned is given a copy of all that its data set holds.
        return _copied, (self._tag, self.where)

    def __repr__(self) -> str:
        # The tag of another process may have to be waited for.
        return f"<Workbook {self._tag if self._guest is None else 'of'} in {self.where}>"

    def _take(self, name: Any, suffix: str = "", *, is_series: bool = False) -> str:
        """Return the whole name of an artifact, after all that can be wrong with it."""
        self._check_open()
        # The rules are about the whole: "x " is not a name, and "x .json" is.
        path = names.check(name + suffix if isinstance(name, str) else name)
        with self._lock:
            if path in self._series or (is_series and path in self._saved):
                raise InvalidSeries("series.once", f"{path!r} is there already: choose another name")
            self._register.add(path)
            if not is_series:
                self._saved.add(path)
        return path

    def _hint_at_pickle(self, path: str) -> None:
        self._losses.say_once(
            "pickle",
            f"{path!r} holds more than tensors and plain values: it can be read only by its classes' code."
            " model.state_dict() can be read by all, with weights_only=True (said once)",
        )

    @property
    def _series_suffix(self) -> str:
        return (self._guest.mark if self._guest else "") + _spec.KIND_SERIES_SUFFIX

    def _append_file(self, path: str, opener: Opener) -> AppendFile:
        return self._guest.new_file(path, opener) if self._guest else AppendFile(opener)

    def _open_series(self, path: str, header: bytes, save_every: int | None) -> int:
        self._check_open()
        return self._place.open_series(path, header, save_every)

    def _save_bytes(self, path: str, data: bytes) -> None:
        self._save(path, lambda temporary: write_file(temporary, data))

    def _save(self, path: str, fill: Fill, discard: Discard = remove) -> bool:
        """Hand an artifact over, or count it as lost; returns whether it was handed over."""
        with guard.absorbing(
            lambda why: self._losses.add(_spec.LOSS_ARTIFACTS, f"{path!r}: {why}", name=path)
        ):
            self._place.save(path, fill, discard)
            self._losses.note_saved(path)
            return True
        return False

    def _look(self) -> None:
        with guard.absorbing(lambda why: self._losses.say_once("look", f"the upload is not watched: {why}")):
            self._place.look()

    def _check_open(self) -> None:
        forks.check()
        if not self._is_open:
            raise Misuse("end.last", f"the experiment {self.tag} is closed: nothing can be added to it")

    def _end(self, ended: lifecycle.Ended) -> bool:
        self.watch.end(ended)
        return self._is_whole

    def _start_end(self, ended: lifecycle.Ended, began: float) -> Wait:
        """Write the end; everything after it is done when the wait is concluded."""
        forks.check()
        if self._is_open:
            self._spare.release()
        if self._output is not None and self._is_open:
            with self._closing("the capture of output"):
                self._output.stop()
        if self._sampler is not None and self._is_open:
            with self._closing("the sampler of the system"):
                self._sampler.stop()
        with self._lock:
            if not self._is_open:
                return settled(self._is_whole)
            self._is_open = False
            self.watch.stop()
            for name, file in self._series.items():
                with self._closing(repr(name)):
                    file.stop()
        with self._closing("what other ranks have logged"):
            self._take_over()
        wait = settled(False)
        with self._ending():
            if ended.error:
                self.add_secrets("the error", ended.error["message"].count(_spec.SECRET_MARK))
            ending = Ending(documents.now(), ended.outcome, ended.error, self._losses.counts())
            wait = self._place.end(ending, began)
        return Wait(lambda: self._is_over(wait), lambda: self._conclude(wait))

    def _is_over(self, wait: Wait) -> bool:
        with self._ending():
            return wait.is_over()
        return True

    def _conclude(self, wait: Wait) -> bool:
        with self._ending():
            self._is_whole = wait.conclude() and self._losses.is_whole
        # Only now: what is removed while the end is awaited is restored from these.
        for name, file in self._series.items():
            with self._closing(repr(name)):
                file.close()
        return self._is_whole

    def _ending(self) -> guard.absorbing:
        return guard.absorbing(lambda why: warn(f"the end of {self._tag} could not be written: {why}"))

    def add_secrets(self, where: str, count: int) -> None:
        """Count secrets that were redacted in a text of the experiment itself. Not for users."""
        self._losses.add_secrets(where, [""] * count)

    def _closing(self, part: str) -> guard.absorbing:
        """Go on to the end of the experiment although a part of it cannot be closed."""
        return guard.absorbing(lambda why: warn(f"{part} could not be closed: {why}"))

    def _take_over(self) -> None:
        """Make what other ranks have logged a part of what is sealed."""
        if self._host is not None:
            known = {*self._saved, *self._series}
            self._place.adopt(
                self._host.close(known, lambda why: self._losses.add(_spec.LOSS_ARTIFACTS, why))
            )

    def _after_fork(self) -> None:
        """Become inert: the experiment belongs to the process that has started it."""
        self._lock = threading.RLock()
        self._metrics.after_fork()
        if self._output is not None:
            self._output.forget()
        self._sampler = None
        self._losses.after_fork()
        self._spare.release()
        self._place.after_fork()
        self._place = Nowhere(self.where, self._say_forked)
        self._host = self._guest = None
        for file in self._series.values():
            file.forget()

    def _say_forked(self) -> None:
        self._losses.say_once(
            f"fork {os.getpid()}",
            f"this process was forked from the one that writes {self.tag}: what it logs is not recorded",
        )


def _copied(tag: str, where: str) -> Workbook:
    """Return what a workbook is in another process that it was sent to by pickle: it says so, and no more."""
    losses = Losses()
    message = f"the workbook of {tag} was copied to this process: what it logs is not recorded"
    return Workbook(tag, Nowhere(where, lambda: losses.say_once("copied", message)))
