"""
One experiment under fire: its script and whoever delivers it are killed at moments that nobody chose.

Then it is recovered as any user would, and everything that the script was promised is looked for in
the bucket.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab_workbook.protocol import process

from tests.soak.scripts import LUA, PYTHON

ROOT = Path(__file__).resolve().parent.parent.parent
_PROMISE = re.compile(rb"(ready|[a-z]+-[0-9])(?: ([0-9]+))?\n")
SERIES = [f"loss-{number}" for number in range(3)]


class Trial:
    """An experiment with a tag of its own; ``kills`` counts who was killed."""

    def __init__(self, number: int, folder: Path, prefix: str, lua: str | None) -> None:
        self.rng = random.Random(number)
        self.kills: collections.Counter[str] = collections.Counter()
        self.promised: dict[str, int] = {}
        self.tag = f"trial-{number}"
        self._number = number
        self._spools = folder / self.tag
        self._lua = lua
        self._script: subprocess.Popen[bytes] | None = None
        self._pushes: list[subprocess.Popen[bytes]] = []
        self._environment = {
            **os.environ,
            "LAB_WORKBOOK_BUCKET_PREFIX": prefix,
            "LAB_WORKBOOK_SPOOL_DIR": str(self._spools),
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def run(self) -> None:
        """Train, kill, and recover."""
        try:
            self._start_script()
            for _ in range(self.rng.randrange(3, 8)):
                time.sleep(self.rng.random() * 0.5)
                self._kill()
            self._kill_script()
            self._listener.join()
            self._recover()
        finally:
            self._clear()

    def _start_script(self) -> None:
        program = [self._lua, "-"] if self._lua else [sys.executable, "-"]
        # From a file and not from the command line, which LuaJIT and Python spell differently.
        script = self._spools.with_suffix(".script")
        script.write_text(LUA if self._lua else PYTHON)
        self._script = subprocess.Popen(
            [program[0], str(script), str(self._number), self.tag],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._script,))
        self._listener.start()
        threading.Thread(
            target=self._feed, args=(self._script, random.Random(self._number)), daemon=True
        ).start()
        if self.rng.random() < 0.9:
            # Else it is killed while it starts.
            wait_until(lambda: "ready" in self.promised)

    def _listen(self, script: subprocess.Popen[bytes]) -> None:
        for line in script.stdout:
            if said := _PROMISE.fullmatch(line):
                self.promised[said[1].decode()] = int(said[2] or 0)

    def _feed(self, script: subprocess.Popen[bytes], rng: random.Random) -> None:
        with contextlib.suppress(OSError, ValueError):
            while script.poll() is None:
                script.stdin.write(b"." * rng.randrange(1, 100))
                script.stdin.flush()
                time.sleep(rng.random() * 0.05)

    def _kill(self) -> None:
        who = self.rng.choice(["deliverer", "deliverer", "script", "both"])
        if who in ("script", "both") and self._script.poll() is None and self.rng.random() < 0.5:
            self._kill_script()
        if who in ("deliverer", "both"):
            self._kill_deliverer()

    def _kill_script(self) -> None:
        if self._script.poll() is None:
            self._script.kill()
            self._script.wait()
            self.kills["script"] += 1

    def _kill_deliverer(self) -> None:
        """Kill whoever has the lock; where nobody has, a push that has just begun."""
        pid = self._deliverer()
        if pid is None:
            self._pushes.append(self._push())
            time.sleep(self.rng.uniform(0.3, 1.5))
            pid = self._deliverer()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills["deliverer"] += 1

    def _spool(self) -> Path | None:
        with contextlib.suppress(FileNotFoundError):
            return next((path for path in self._spools.iterdir() if not path.name.startswith(".")), None)
        return None

    def _deliverer(self) -> int | None:
        spool = self._spool()
        with contextlib.suppress(OSError, TypeError):
            journal = (spool / ".lab-workbook" / "journal").read_bytes()
            started = [json.loads(line) for line in journal.splitlines() if b'"started"' in line]
            if started and process.exists(started[-1]["pid"]):
                return int(started[-1]["pid"])
        return None

    def _push(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _recover(self) -> None:
        """Push until nothing is left, now and then twice at once."""
        for _ in range(20):
            spool = self._spool()
            if spool is None or not (spool / ".lab-workbook" / "queue").exists():
                return
            for each in [self._push() for _ in range(self.rng.choice([1, 1, 1, 2]))]:
                each.wait(120)
            # One that still holds the lock may be at work.
            time.sleep(0.1)
        raise AssertionError(f"{spool} cannot be delivered: {self._log(spool)}")

    def _log(self, spool: Path) -> str:
        return (spool / ".lab-workbook" / "log").read_text()[-2000:]

    def _clear(self) -> None:
        for each in [self._script, *self._pushes]:
            if each is not None and each.poll() is None:
                each.kill()
            each.wait()
        self._listener.join()
        for pipe in (self._script.stdin, self._script.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        pid = self._deliverer()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def check(trial: Trial, objects: dict[str, bytes]) -> None:
    """Hold what is in the bucket against what the script was promised."""
    promised = {name: number for name, number in trial.promised.items() if name != "ready"}
    if not objects:
        # Killed before its tag was claimed: then nothing can have been promised either.
        assert promised == {}
        return
    for name, number in promised.items():
        if name in SERIES:
            assert number <= rows(objects[f"{name}.csv"]) <= number + 1, name
        else:
            assert number <= saved(name, objects) <= number + 1, name
    for name in SERIES:
        if f"{name}.csv" in objects:
            rows(objects[f"{name}.csv"])
    end = json.loads(objects[".lab-workbook/end.json"])
    assert end["outcome"] == "interrupted"
    assert not any(end["lost"].values())
    sums = {name: hashlib.sha256(objects[name]).hexdigest() for name in end["files"]}
    assert {name: entry["sha256"] for name, entry in end["files"].items()} == sums


def rows(data: bytes) -> int:
    """Return how many rows a series has, each of which is whole and in its place."""
    assert data.endswith(b"\n")
    table = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert table[0] == ["step", "text", "Date"]
    for step, row in enumerate(table[1:]):
        assert row[0] == str(step)
        assert row[1] == f'"{step}"\n' * row[1].count("\n")
        assert len(row) == 3
    return len(table) - 1


def saved(name: str, objects: dict[str, bytes]) -> int:
    """Return which version of a document or a checkpoint this is, if it is whole."""
    if name.startswith("options"):
        return int(json.loads(objects[f"{name}.json"])["number"])
    words = objects[name].split()
    assert objects[name].endswith(b" ")
    assert len(set(words)) == 1
    assert len(words) >= 20000
    return int(words[0])


def wait_until(condition, seconds: float = 60) -> None:
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
