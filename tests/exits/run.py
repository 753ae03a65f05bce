"""One ending, brought about with real processes: what became of the script, the bucket and the spool."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lab_workbook
from lab_workbook_conformance.s3.faults import stall
from lab_workbook_conformance.s3.proxy import Proxy

from tests.exits.endings import LUA, PYTHON, Ending

ROOT = Path(__file__).resolve().parent.parent.parent

ADVICE = "lab-workbook push"


class Seen(NamedTuple):
    """A row of the table."""

    status: str
    seconds: float
    bucket: str
    said: str
    rest: str
    outcome: str


class Run:
    """A training script, from its start to the last word about its experiment."""

    def __init__(self, ending: Ending, folder: Path, prefix: str, proxy: Proxy) -> None:
        self._ending = ending
        self._folder = folder
        self._prefix = prefix
        self._proxy = proxy
        self._spools = folder / "spools"
        self._environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_S3": proxy.url,
            "LAB_WORKBOOK_BUCKET_PREFIX": prefix,
            "LAB_WORKBOOK_SPOOL_DIR": str(self._spools),
            "LAB_WORKBOOK_EXIT_TIMEOUT": str(ending.patience),
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def observe(self) -> Seen:
        """Bring the ending about, and see."""
        with contextlib.ExitStack() as network, self._started() as process:
            self._read(process, "flushed")
            if self._ending.stalls:
                network.enter_context(self._proxy.fault(stall))
            process.stdin.write(b"go on\n")
            process.stdin.flush()
            self._read(process, "ready")
            if self._ending.is_abrupt:
                # Else it would depend on luck how much it has sent before anyone looks.
                os.kill(self._uploader(), signal.SIGSTOP)
            began = time.monotonic()
            self._end(process)
            process.stdout.read()
            status = process.wait(60)
            seconds = time.monotonic() - began
            is_sealed = self._sealed() is not None
            bucket = "everything" if is_sealed else self._at_least_what_was_flushed()
            said = (self._folder / "stderr").read_text()
            network.close()
            if self._ending.is_abrupt:
                os.kill(self._uploader(), signal.SIGCONT)
            rest = "nothing" if is_sealed else self._deliver_the_rest()
        return Seen(_status(status), seconds, bucket, _said(said), rest, self._outcome())

    @contextlib.contextmanager
    def _started(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self._folder / "stderr").open("wb") as errors:
            process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        with process:
            try:
                yield process
            finally:
                self._clear(process)

    def _command(self) -> list[str]:
        is_python = self._ending.writer == "Python"
        script = self._folder / ("train.py" if is_python else "train.lua")
        script.write_text(PYTHON if is_python else LUA)
        # A runner in the background ignores Ctrl-C, and its children would too.
        start = ["env", "--default-signal=INT,HUP", sys.executable if is_python else _lua()]
        command = [*start, str(script), self._ending.how]
        if self._ending.place == "cat":
            return ["sh", "-c", f"{shlex.join(command)} | cat"]
        if self._ending.place == "container":
            return ["unshare", "--pid", "--fork", "--mount-proc", *command]
        return command

    def _read(self, process: subprocess.Popen[bytes], word: str) -> None:
        for line in process.stdout:
            if line.startswith(word.encode()):
                assert b"alse" not in line
                return
        raise AssertionError((self._folder / "stderr").read_text())

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for who in self._ending.kills:
            os.kill(self._uploader() if who == "uploader" else self._script(process), signal.SIGKILL)
            if who == "uploader":
                wait_until(lambda: not self._is_being_delivered())
        for signum in self._ending.signals:
            os.killpg(process.pid, signum)
        for signum in self._ending.late:
            wait_until(lambda: b'"end"' in self._own("queue").read_bytes())
            os.killpg(process.pid, signum)

    def _script(self, process: subprocess.Popen[bytes]) -> int:
        if self._ending.place != "container":
            return process.pid
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return int(children.split()[0])

    def _uploader(self) -> int:
        lines = self._own("journal").read_text().splitlines()
        return next(event["pid"] for event in map(json.loads, reversed(lines)) if event["event"] == "started")

    def _own(self, name: str) -> Path:
        spool = next(path for path in self._spools.iterdir() if not path.name.startswith("."))
        return spool / ".lab-workbook" / name

    def _is_being_delivered(self) -> bool:
        with contextlib.suppress(StopIteration, FileNotFoundError), self._own("lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _experiment(self) -> Any:
        return lab_workbook.ExperimentRepository(self._prefix)["T"]

    def _sealed(self) -> str | None:
        status = self._experiment().status
        return status if status in ("finished", "failed", "interrupted", "ended") else None

    def _at_least_what_was_flushed(self) -> str:
        experiment = self._experiment()
        assert len(experiment["loss.csv"]) >= 10
        assert experiment["part 0.json"] == {"part": 0}
        assert self._own("queue").exists()
        return "what was flushed"

    def _deliver_the_rest(self) -> str:
        if self._is_being_delivered():
            wait_until(lambda: not self._is_being_delivered())
            return "its uploader delivers"
        self._push()
        return "`push` delivers"

    def _push(self) -> None:
        # Whoever pushes has the settings of a person, and not those of an impatient script.
        environment = {**self._environment}
        environment.pop("LAB_WORKBOOK_EXIT_TIMEOUT", None)
        pushed = subprocess.run(
            ["lab-workbook", "push"], env=environment, capture_output=True, text=True, check=False
        )
        assert pushed.returncode == 0, pushed.stdout

    def _outcome(self) -> str:
        """Return the outcome, once nothing at all is missing in the bucket or left in the spool."""
        experiment = self._experiment()
        assert list(experiment["loss.csv"].index) == list(range(20))
        assert [experiment[f"part {part}.json"] for part in (0, 1)] == [{"part": 0}, {"part": 1}]
        if self._ending.place == "container":
            # The kernel ends the uploader with the container, perhaps before it has removed the spool.
            self._push()
        wait_until(lambda: list(self._spools.iterdir()) == [])
        return str(self._sealed())

    def _clear(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(StopIteration, OSError):
            if self._is_being_delivered():
                os.kill(self._uploader(), signal.SIGKILL)


def _lua() -> str:
    return next(name for name in ("luajit", "lua5.4", "lua5.1") if shutil.which(name))


def _status(code: int) -> str:
    # unshare passes on that its child was killed as a shell does.
    code = 128 - code if code < 0 else code
    return signal.Signals(code - 128).name if code > 128 else str(code)


def _said(errors: str) -> str:
    return "yes" if ADVICE in errors else "no"


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
