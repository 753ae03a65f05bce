"""
A training script that does one thing after the other, as a test commands it.

>>> script = Commanded("python", folder, {"LAB_WORKBOOK_BUCKET_PREFIX": prefix})
>>> script.do("log 0 500")
>>> script.do("flush 60")
'true'
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PYTHON = """
import os, sys, lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step", "text"])

def perform(verb, *arguments):
    if verb == "log":
        for step in range(*map(int, arguments)):
            log(step=step, text=f'{step}\\n"{step}"')
    elif verb == "save":
        workbook.save_text(arguments[0], arguments[0] * 1000)
    elif verb == "flush":
        return workbook.flush(*map(float, arguments))
    elif verb == "forget":
        # What a daemon does to all descriptors that it does not know.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    elif verb == "close":
        return workbook.close()

print("ready", flush=True)
for line in sys.stdin:
    print(str(perform(*line.split())).lower(), flush=True)
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local log = workbook:newTimeSeriesLog('loss', {'step', 'text'})
io.stdout:setvbuf('no')

local verbs = {}
function verbs.log(from, to)
   for step = tonumber(from), tonumber(to) - 1 do
      log{step = step, text = ('%d\\n"%d"'):format(step, step)}
   end
end
function verbs.save(name) workbook:saveText(name, name:rep(1000)) end
function verbs.flush(seconds) return workbook:flush(tonumber(seconds)) end
function verbs.close() return workbook:close() end

print('ready')
for line in io.lines() do
   local words = {}
   for word in line:gmatch('%S+') do words[#words + 1] = word end
   local result = verbs[words[1]](words[2], words[3])
   print(tostring(result))
end
"""


class Commanded:
    """A script in one of the languages."""

    def __init__(self, language: str, folder: Path, environment: dict[str, str]) -> None:
        path = folder / "train"
        path.write_text(PYTHON if language == "python" else LUA)
        self.spools = Path(os.environ["HOME"]) / ".local/state/lab-workbook"
        self._said = folder / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable if language == "python" else language, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                cwd=folder,
                env=os.environ
                | {
                    "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "LAB_WORKBOOK_UPLOAD_EVERY": "0.5",
                }
                | environment,
            )
        while (line := self._answer()) != "ready":
            assert line.startswith("lab-workbook: experiment"), line

    def do(self, command: str) -> str:
        """Let the script do one thing; returns what came of it: ``true``, ``false``, ``none`` or ``nil``."""
        self.order(command)
        return self._answer()

    def order(self, command: str) -> None:
        """Let the script do one thing, and do not wait for it."""
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Wait for what came of an order."""
        return self._answer()

    def end(self) -> list[str]:
        """Let the script end by itself; returns what it said on stderr."""
        self.process.stdin.close()
        assert self.process.wait(90) == 0, self.said()
        return self.said()

    def said(self) -> list[str]:
        return self._said.read_text().splitlines()

    @property
    def spool(self) -> Path:
        (spool,) = self.spools.glob("T.*")
        return spool

    def uploaders(self) -> list[int]:
        """The processes that have delivered the spool, the latest last."""
        path = self.spool / ".lab-workbook/journal"
        events = map(json.loads, path.read_text().splitlines() if path.exists() else [])
        return [event["pid"] for event in events if event["event"] == "started"]

    def kill(self) -> None:
        """End the script and its uploaders, whatever they do."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()
        for spool in self.spools.glob("T.*/.lab-workbook/journal"):
            for line in spool.read_text().splitlines():
                if '"started"' in line and is_uploader(pid := json.loads(line)["pid"]):
                    os.kill(pid, signal.SIGKILL)

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        assert line, self.said()
        return line.strip()


def is_uploader(pid: int) -> bool:
    """Say whether a process is one that delivers our spool."""
    try:
        return b"/T." in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_until(done: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within a minute"
        time.sleep(0.05)
