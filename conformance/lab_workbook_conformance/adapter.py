"""
The other side of the pipe: a program that plays steps to a writer, or reads with a reader.

>>> with Adapter(["lua5.4", "adapter.lua"], folder=scratch) as adapter:
...     adapter.ask("hello", {"spec": "1.1"})
('hello', {'name': 'lab-workbook lua', ...})

What is said is written down in ``conformance/ADAPTER.md`` and held to ``adapter.schema.json``. What
goes wrong on the way there and back is told apart from what a writer does wrong:

AdapterTrouble
  AdapterDied        it has exited, or closed its output
  AdapterSilent      it gave no answer in time
  AdapterNonsense    it printed what is no answer to the question
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, final

from lab_workbook_conformance.constants import schema

# What an adapter says on standard error is shown where it fails, but not all of it.
_LAST_WORDS_BYTES = 2000

# What an adapter can have said before the kit hears it: little, so that a script which is to be killed is not
# at its end when the kit comes to it.
_PIPE_BYTES = 4096

Start = Callable[..., "subprocess.Popen[bytes]"]


class AdapterTrouble(Exception):
    """The adapter could not be talked to, which says nothing about the writer behind it."""


class AdapterDied(AdapterTrouble):
    """It has exited or closed its output before it answered."""


class AdapterSilent(AdapterTrouble):
    """It gave no answer within the time it had."""


class AdapterNonsense(AdapterTrouble):
    """It printed something that is no message, or no answer to this question."""


@final
class Adapter:
    """
    One running adapter; a context manager that ends it.

    ``folder`` is where it works, and ``environment`` what it finds set. ``timeout`` is for each answer, in
    seconds. ``start`` has the arguments of ``Popen``; who has loaded the program already may save its start.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: str,
        environment: Mapping[str, str] | None = None,
        timeout: float = 30,
        start: Start = subprocess.Popen,
    ) -> None:
        self._timeout = timeout
        self._asked = 0
        self._is_late = False
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = start(
                list(command),
                cwd=folder,
                env=dict(os.environ if environment is None else environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                pipesize=_PIPE_BYTES,
                # Its own group, so that what it started can be killed with it.
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise AdapterDied(f"{command[0]} cannot be started: {error.strerror}") from error

    def __enter__(self) -> Adapter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del error, trace
        with contextlib.suppress(AdapterSilent):
            self.kill() if kind else self.end()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not exited yet."""
        return self._process.poll() is None

    def ask(
        self,
        question: str,
        body: Mapping[str, Any],
        *,
        on_ack: Callable[[int], None] = lambda _: None,
        on_refusal: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> tuple[str, Any]:
        """
        Ask and return the answer: its name, and what it says.

        ``on_ack`` gets the number of each step done, ``on_refusal`` each refusal of a script that goes on.

        Raises:
            AdapterTrouble: one of its three kinds; the adapter is killed then.
        """
        try:
            return self._answer(question, body, on_ack, on_refusal)
        except AdapterTrouble:
            self.kill()
            raise

    def leave(self, body: Mapping[str, Any]) -> tuple[str, Any]:
        """
        Ask for a record whose last step ends the process, and wait until it has ended.

        Return ``exited`` with the exit status (negative for a signal), or the answer that came instead.

        Raises:
            AdapterTrouble: one of its three kinds, also where it exited before the last step.
        """
        acks: list[int] = []
        try:
            return self._answer("record", {**body, "acks": True}, acks.append, lambda _: None)
        except AdapterDied:
            if len(acks) < len(body["steps"]) - 1:
                raise
            # At its end a process may close its output before it writes end.json.
            with self._deadline():
                status = self._process.wait()
            if self._is_late:
                raise self._gone() from None
            return "exited", {"status": status}
        finally:
            self.kill()

    def _answer(
        self,
        question: str,
        body: Mapping[str, Any],
        on_ack: Callable[[int], None],
        on_refusal: Callable[[dict[str, Any]], None],
    ) -> tuple[str, Any]:
        self._asked += 1
        self._send({"id": self._asked, question: body})
        while True:
            answer, said = self._receive()
            if answer == "ack":
                on_ack(said)
            elif answer == "refusal":
                on_refusal(said)
            else:
                return answer, said

    def end(self) -> None:
        """
        Close its input and wait until it has exited, as a script that has done its work.

        Raises:
            AdapterSilent: it did not, and was killed.
        """
        with self._deadline(), contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
            self._process.wait()
        self.kill()
        # What such a one has left behind says nothing about one that exits.
        if self._is_late:
            raise AdapterSilent(f"it did not exit within {self._timeout:g} seconds of the end of its input")

    def kill(self) -> None:
        """Kill it and what it has started in its group."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()

    def _send(self, message: Mapping[str, Any]) -> None:
        line = json.dumps(message, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        pipe = _pipe(self._process.stdin)
        try:
            with self._deadline():
                pipe.write(line)
                pipe.flush()
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def _receive(self) -> tuple[str, Any]:
        with self._deadline():
            line = _pipe(self._process.stdout).readline()
        if not line.endswith(b"\n"):
            raise self._gone()
        try:
            message = json.loads(line)
        except ValueError as error:
            raise AdapterNonsense(f"this is no JSON: {line[:200]!r}{self._last_words()}") from error
        if not _ANSWERS.is_valid(message):
            raise AdapterNonsense(f"this is no answer of adapter.schema.json: {line[:200]!r}")
        if message.pop("id") != self._asked:
            raise AdapterNonsense(f"this answers another question than the last one: {line[:200]!r}")
        ((answer, said),) = message.items()
        return answer, said

    @contextlib.contextmanager
    def _deadline(self) -> Any:
        """Kill the adapter where what is done here takes too long, which ends every wait for it."""
        timer = threading.Timer(self._timeout, self._give_up)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._is_late = True
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _gone(self) -> AdapterTrouble:
        if self._is_late:
            return AdapterSilent(f"no answer within {self._timeout:g} seconds{self._last_words()}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        how = "closed its output" if code is None else f"exited with status {code}"
        return AdapterDied(f"it {how} before it answered{self._last_words()}")

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _LAST_WORDS_BYTES))
        words = self._errors.read().decode("utf-8", "replace").strip()
        return f"; its last words:\n{words}" if words else ""


_SCHEMA = schema("adapter")
_ANSWERS = _SCHEMA.evolve(schema={**_SCHEMA.schema, "oneOf": [{"$ref": "#/$defs/answer"}]})


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AdapterDied("its pipe was never opened")
    return pipe
