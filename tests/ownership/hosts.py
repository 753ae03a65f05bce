"""
Training scripts in pid namespaces of their own, which share one spoolDir as the nodes of a cluster do.

A script reads lines of its own language from its standard input and runs them, so that a test decides
what happens next. No process of one namespace can be looked up in another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

PYTHON = """
import json, os, signal, sys
import lab_workbook
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""

LUA = """
lab = require 'lab-workbook'
io.stdout:setvbuf 'no'
for line in io.lines() do
   assert((loadstring or load)(line))()
   print 'done'
end
"""

# What a test asks of a script, in each language; the uploader is the last one that the journal names.
STEPS = {
    "python": {
        "start": "workbook = lab_workbook.new_experiment(tag={tag!r})",
        "series": "log = workbook.new_time_series_log('loss', ['step'])",
        "rows": "[log(step=step) for step in range({first}, {last})]",
        "text": "workbook.save_text({name!r}, {text!r})",
        "flush": "print(workbook.flush(60))",
        "try to flush": "print(workbook.flush({seconds}))",
        "flush to disk": "print(workbook.flush())",
        "kill the uploader": (
            "events = map(json.loads, open({journal!r}));"
            "os.kill([e['pid'] for e in events if e['event'] == 'started'][-1], signal.SIGKILL)"
        ),
        "close": "print(workbook.close())",
    },
    "luajit": {
        "start": "workbook = lab:newExperiment{{tag = '{tag}'}}",
        "series": "log = workbook:newTimeSeriesLog('loss', {{'step'}})",
        "rows": "for step = {first}, {last} - 1 do log{{step = step}} end",
        "text": "workbook:saveText('{name}', '{text}')",
        "flush": "print(workbook:flush(60))",
        "try to flush": "print(workbook:flush({seconds}))",
        "flush to disk": "print(workbook:flush())",
        "kill the uploader": (
            "local pid for line in io.lines '{journal}' do"
            ' pid = line:match \'"event": "started", "pid": (%d+)\' or pid end'
            " os.execute('kill -9 ' .. pid)"
        ),
        "close": "print(workbook:close())",
    },
}


class Host:
    """A script in a namespace of its own, or in this one."""

    def __init__(
        self, language: str, folder: Path, name: str, *, apart: bool = True, **environment: str
    ) -> None:
        self._steps = STEPS[language]
        script = folder / f"{name}.{'py' if language == 'python' else 'lua'}"
        script.write_text(PYTHON if language == "python" else LUA)
        self._errors = folder / f"{name}.stderr"
        program = sys.executable if language == "python" else str(shutil.which("luajit"))
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*(NAMESPACE if apart else []), program, str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={
                    **os.environ,
                    "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    **environment,
                },
                text=True,
            )

    def do(self, step: str, **values: object) -> str:
        """Let the script take a step; return what it printed."""
        self.process.stdin.write(self._steps[step].format(**values) + "\n")
        self.process.stdin.flush()
        said = ""
        while (line := self.process.stdout.readline()) != "done\n":
            assert line, f"the script has ended in {step!r}: {self.stderr}"
            said += line
        return said.strip()

    @property
    def stderr(self) -> str:
        """What the script has printed on stderr so far."""
        return self._errors.read_text()

    def end(self) -> None:
        """Kill the script, if it still runs; it must not see the end of its input before."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.process.communicate()


def can_be_made() -> bool:
    """Say whether this machine lets us make a namespace of process ids."""
    try:
        return subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


needs_namespaces = pytest.mark.skipif(
    not can_be_made(), reason="making a namespace of process ids needs root"
)

LANGUAGES = [
    "python",
    pytest.param("luajit", marks=pytest.mark.skipif(not shutil.which("luajit"), reason="no luajit")),
]


def age(spool: Path, seconds: float = 3600) -> None:
    """Set the times of all files of a spool back, as if nothing had changed since then."""
    then = time.time() - seconds
    for path in [spool, *spool.rglob("*")]:
        os.utime(path, (then, then), follow_symlinks=False)


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
