"""
The bench on which one writer or reader is tried: its world, and everything that can be asked of it.

>>> with Bench(["lua5.4", "adapter.lua"]) as bench:
...     recording = bench.record([["newExperiment", {}], ["saveText", "notes", "x"], ["close"]])
...     recording.files["notes"]
b'x'

One adapter answers most questions; where it dies or is killed the next question starts another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, NamedTuple, final

from lab_workbook_conformance import notation, world
from lab_workbook_conformance.adapter import Adapter, AdapterNonsense, AdapterSilent, Start
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.bucket import Bucket, opened

# A program that asks for whole seconds gets those of a clock that lags behind by a tick of the system.
_TICK = 0.1
# Such as a writer makes, so that a reader that takes no other is found out by the cases about tags alone.
TAG = "201602122149-PMJ8a76csB"
_RECORDED = ("done", "refused", "unsupported", "failed")
# Steps that end the process of the adapter, so that no answer follows.
EXITS = ("exit", "raise", "signal")


class Unsupported(Exception):
    """The adapter cannot play this, which is not a fault; ``step`` is the number of the step, where known."""

    def __init__(self, message: str, step: int | None = None) -> None:
        super().__init__(message)
        self.step = step


class Recording(NamedTuple):
    """
    What came of some steps.

    ``answer`` and ``said`` are the adapter's, or ``exited`` and its status where the last step ends it.
    ``experiments`` is what lies under the prefix: files by name, by tag. ``window`` holds the seconds since
    1970 between which all of it happened, and ``refusals`` the answers to steps that were refused in a script
    that goes on.
    """

    steps: list[Any]
    answer: str
    said: dict[str, Any]
    experiments: dict[str, dict[str, bytes]]
    window: tuple[int, int]
    refusals: tuple[dict[str, Any], ...] = ()

    def without(self, numbers: Collection[int]) -> Recording:
        """Return the recording as if the steps of these numbers had never been called."""
        steps = [step for number, step in enumerate(self.steps) if number not in numbers]
        return self._replace(steps=steps, refusals=())

    @property
    def reached(self) -> int:
        """The number of the step at which the adapter stopped; that after the last one if it did not."""
        return len(self.steps) if self.is_done else int(self.said.get("step", 0))

    @property
    def tag(self) -> str:
        """The tag of the experiment that the adapter names; else of the only one."""
        return str(self.said.get("tag") or next(iter(self.experiments), ""))

    @property
    def files(self) -> dict[str, bytes]:
        """The files of that experiment; none where it is not there."""
        return self.experiments.get(self.tag, {})

    @property
    def is_done(self) -> bool:
        """Whether each step was played to its end."""
        return self.answer in ("done", "exited")


@final
class Bench:
    """
    A context manager; ``timeout`` is for each answer, in seconds.

    ``home`` is a folder of its own with the given files in it, and ``folder`` where the adapter starts: in
    ``home`` where it is not given. ``s3_endpoint`` is the server of level s3; else one is started. ``start``
    is how the command becomes a process.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        home: Mapping[str, bytes] | None = None,
        folder: str | None = None,
        timeout: float = 30,
        s3_endpoint: str | None = None,
        start: Start = subprocess.Popen,
    ) -> None:
        self._command = world.command_from(command)
        self._start = start
        self._timeout = timeout
        self._environment = dict(environment or {})
        # What the system calls it, because a program that asks where it is hears that too.
        self._scratch = os.path.realpath(tempfile.mkdtemp(prefix="certify-"))
        self.home = os.path.join(self._scratch, "home")
        write(self.home, home or {})
        self.folder = folder or self.home
        self._adapter: Adapter | None = None
        self._hello: dict[str, Any] | None = None
        self._made = 0
        self._s3_endpoint = s3_endpoint
        self._bucket: Bucket | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del error, trace
        try:
            with contextlib.suppress(AdapterSilent):
                self.kill() if kind else self.end()
        finally:
            self._open.close()
            shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def hello(self) -> dict[str, Any]:
        """What the adapter says of itself."""
        if self._hello is None:
            self._hello = self._ask("hello", {"spec": SPEC["protocol"]["version"]}, ("hello",))[1]
        return self._hello

    @property
    def bucket(self) -> Bucket:
        """The bucket of level s3, made when it is first asked for."""
        if self._bucket is None:
            self._bucket = self._open.enter_context(opened(self._s3_endpoint))
        return self._bucket

    @property
    def integers(self) -> bool:
        """Whether its language tells 1 from 1.0."""
        return bool(self.hello["integers"])

    @property
    def adapter(self) -> Adapter:
        """The running adapter, started where there is none."""
        if self._adapter is None or not self._adapter.is_running:
            self.kill()
            self._adapter = Adapter(
                self._command,
                folder=self.folder,
                environment=world.environment(self.home, self._environment),
                timeout=self._timeout,
                start=self._start,
            )
        return self._adapter

    def another(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        home: Mapping[str, bytes] | None = None,
        folder: str | None = None,
        errors: IO[bytes] | None = None,
    ) -> Bench:
        """
        Return a bench with a fresh adapter in another world; a context manager too.

        What the adapter writes on standard error goes to ``errors``, where that is given.
        """
        more = {**self._environment, **(environment or {})}
        return Bench(
            self._command,
            environment=more,
            home=home,
            folder=folder,
            timeout=self._timeout,
            start=_writing_to(errors, self._start) if errors else self._start,
        )

    def end(self) -> None:
        """Close the adapter's input and wait until it has exited, as a script that has done its work."""
        adapter, self._adapter = self._adapter, None
        if adapter:
            adapter.end()

    def kill(self) -> None:
        """Kill the adapter, as a machine does that loses power."""
        adapter, self._adapter = self._adapter, None
        if adapter:
            adapter.kill()

    def scratch(self) -> str:
        """Return the path of a new place that does not exist yet."""
        self._made += 1
        return os.path.join(self._scratch, f"{self._made}")

    def record(
        self,
        steps: Sequence[Any],
        *,
        prefix: str | None = None,
        look_in: str | None = None,
        on_ack: Callable[[int], None] | None = None,
        continues: bool = False,
    ) -> Recording:
        """
        Play steps, and return what came of them.

        They are spelled as in SPEC.md. Without ``prefix`` they go to a new folder; with ``look_in`` alone the
        writer decides where, and that is the folder where the experiments ought then to be found.

        With ``continues`` the script goes on after a step that is refused. A last step of `EXITS` ends the
        adapter, and the answer is ``exited`` then.

        An adapter may call a step unsupported that needs a value or a place which some languages and
        libraries do not have. If it does so with another step, that is its answer in the recording.

        Raises:
            Unsupported: the adapter cannot play one of them.
            AdapterTrouble: it could not be talked to.
        """
        missing = {step[0] for step in steps} - set(self.hello["verbs"])
        if missing:
            raise Unsupported(f"it has no verb {', '.join(sorted(missing))}")
        if prefix is None and look_in is None:
            prefix = self.scratch()
        body: dict[str, Any] = {"steps": notation.for_message(list(steps))}
        body |= {} if prefix is None else {"prefix": prefix}
        body |= {"acks": True} if on_ack else {}
        body |= {"continues": True} if continues else {}
        refusals: list[dict[str, Any]] = []
        began = int(time.time() - _TICK)
        if steps and steps[-1][0] in EXITS:
            answer, said = self._leave(body)
        else:
            answer, said = self._ask("record", body, _RECORDED, on_ack=on_ack, on_refusal=refusals.append)
        if continues and answer == "refused":
            raise AdapterNonsense(
                "a record with `continues` does not end with `refused`: say `refusal` and play the next step "
                "(see ADAPTER.md)"
            )
        if answer == "unsupported" and _is_optional(steps, said.get("step"), prefix):
            raise Unsupported(said["message"], said.get("step"))
        window = (began, int(time.time()))
        experiments = experiments_in(look_in or prefix or "")
        return Recording(list(steps), answer, said, experiments, window, tuple(refusals))

    def read(
        self,
        files: Mapping[str, bytes],
        *,
        tag: str = TAG,
        names: Sequence[str] = (),
        prefix: str | None = None,
    ) -> tuple[str, Any]:
        """
        Write an experiment of these files and return what the reader sees in it: ``saw`` or ``refused``.

        Raises:
            Unsupported: the adapter has no reader.
            AdapterTrouble: it could not be talked to.
        """
        prefix = prefix or self.scratch()
        write(os.path.join(prefix, tag), files)
        return self.read_only(prefix, tag, names)

    def read_only(self, prefix: str, tag: str, names: Sequence[str] = ()) -> tuple[str, Any]:
        """Return what the reader sees where nothing is written first."""
        if "read" not in self.hello["verbs"]:
            raise Unsupported("it has no verb read")
        body = {"prefix": prefix, "tag": tag, "names": list(names)}
        return self._ask("read", body, ("saw", "refused", "unsupported", "failed"))

    def _leave(self, body: dict[str, Any]) -> tuple[str, Any]:
        """Play a record whose last step ends the adapter; return what came of it."""
        answer, said = self.adapter.leave(body)
        if answer == "done":
            verb = body["steps"][-1][0]
            raise AdapterNonsense(f"it answered a record that ends by `{verb}`: its process exits instead")
        return answer, said

    def _ask(
        self,
        question: str,
        body: dict[str, Any],
        expected: Sequence[str],
        *,
        on_ack: Callable[[int], None] | None = None,
        on_refusal: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> tuple[str, Any]:
        answer, said = self.adapter.ask(
            question, body, on_ack=on_ack or (lambda _: None), on_refusal=on_refusal
        )
        if answer not in expected:
            self.kill()
            raise AdapterNonsense(f"{answer} is no answer to {question}")
        if answer == "unsupported" and question == "read":
            raise Unsupported(said["message"])
        return answer, said


def _is_optional(steps: Sequence[Any], number: int | None, prefix: str | None) -> bool:
    """Return whether a step needs a value or a place that some languages and libraries do not have."""
    step = steps[number] if number is not None and number < len(steps) else list(steps)
    if step and step[0] == "newExperiment" and (prefix or "").startswith("s3://"):
        return True
    # The bytes of a file are not a text of the language, so every adapter can write them.
    return notation.has_rare_value(step[:2] if step and step[0] == "saveFile" else step)


def _writing_to(errors: IO[bytes], start: Start) -> Start:
    """Return what starts a process whose standard error is this file."""
    return lambda command, **options: start(command, **{**options, "stderr": errors})


def write(folder: str, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files in it."""
    os.makedirs(folder, exist_ok=True)
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def experiments_in(folder: str) -> dict[str, dict[str, bytes]]:
    """Return what lies under a prefix: the files of each experiment by their names, by tag."""
    with contextlib.suppress(FileNotFoundError):
        return {
            tag: dict(_files(os.path.join(folder, tag)))
            for tag in sorted(os.listdir(folder))
            if os.path.isdir(os.path.join(folder, tag))
        }
    return {}


def _files(folder: str) -> Iterator[tuple[str, bytes]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            # While the writer works, its temporary files come and go.
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                yield os.path.relpath(path, folder).replace(os.sep, "/"), file.read()
