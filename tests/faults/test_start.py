"""
Environment variables, signals, limits and streams that a script is started with: none harms an experiment.

Each condition is tried with a real process of every writer, which has to record a whole experiment and to
end with 0.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

PYTHON = """
import lab_workbook
print("before")
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step"])
for step in range(3):
    log(step=step)
    print("a line of the script", flush=True)
workbook.save_text("folder/note.txt", "x")
workbook.save_git_status()
workbook.save_environment()
assert workbook.flush()
workbook.close()
"""

LUA = """
print 'before'
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local log = workbook:newTimeSeriesLog('loss', {'step'})
for step = 0, 2 do
   log{step = step}
   print 'a line of the script'
   io.stdout:flush()
end
workbook:saveText('folder/note.txt', 'x')
workbook:saveGitStatus()
workbook:saveEnvironment()
assert(workbook:flush())
workbook:close()
"""

WRITERS = {"python": sys.executable, "luajit": "luajit", "lua5.1": "lua5.1", "lua5.4": "lua5.4"}

# No folder here is in a git repository, which both languages report in the words of git.
NO_REPOSITORY = "nothing is recorded: fatal: not a git repository"

IGNORE = "import os, signal, sys; signal.signal({}, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"


class Condition(NamedTuple):
    """How a script is started: a command before it, variables (None: not set), and what it may warn of."""

    command: tuple[str, ...] = ()
    variables: dict[str, str | None] | None = None
    warns: tuple[str, ...] = (NO_REPOSITORY,)


def _in_shell(commands: str) -> tuple[str, ...]:
    return ("sh", "-c", f'{commands}; exec "$@"', "sh")


def _ignoring(name: str) -> tuple[str, ...]:
    # A shell does not always pass on that a signal is ignored.
    return (sys.executable, "-c", IGNORE.format(f"signal.{name}"))


CONDITIONS = {
    "nothing special": Condition(),
    "SIGCHLD is ignored": Condition(_ignoring("SIGCHLD")),
    "SIGPIPE is ignored": Condition(_ignoring("SIGPIPE")),
    "SIGHUP is ignored": Condition(_ignoring("SIGHUP")),
    "SIGINT and SIGTERM are ignored": Condition((*_ignoring("SIGINT"), *_ignoring("SIGTERM"))),
    "no HOME": Condition(variables={"HOME": None}),
    "an empty HOME": Condition(variables={"HOME": ""}),
    "a relative HOME": Condition(variables={"HOME": "home"}),
    "HOME is not a folder": Condition(variables={"HOME": "/dev/null"}),
    "HOME cannot be entered": Condition(
        variables={"HOME": "loop"},
        warns=("cannot be entered", "nothing is recorded: fatal: unable to access"),
    ),
    "HOME cannot be written": Condition(variables={"HOME": "/proc"}),
    "an empty PATH": Condition(variables={"PATH": ""}, warns=(NO_REPOSITORY, "git is not installed")),
    "no PATH": Condition(variables={"PATH": None}),
    "TMPDIR does not exist": Condition(variables={"TMPDIR": "/nonexistent"}),
    "the working directory is gone": Condition(
        _in_shell("mkdir gone && cd gone && rmdir ../gone"),
        warns=("getcwd() failed", "nothing is recorded: fatal: Unable to read current working directory"),
    ),
    "umask 0777": Condition(_in_shell("umask 0777")),
    "stdin is closed": Condition(_in_shell("exec <&-")),
    "stdout is closed": Condition(_in_shell("exec >&-")),
    "stderr is closed": Condition(_in_shell("exec 2>&-")),
    "all streams are closed": Condition(_in_shell("exec <&- >&- 2>&-")),
    "a locale that does not exist": Condition(variables={"LANG": "xx_YY.none", "LC_ALL": "xx_YY.none"}),
    "the locale C": Condition(variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "the lowest priority": Condition(("nice", "-n", "19")),
    "little memory": Condition(_in_shell("ulimit -v 500000")),
    "a small stack": Condition(_in_shell("ulimit -s 256")),
    "warnings are errors": Condition(variables={"PYTHONWARNINGS": "error"}),
    "Python asks after the end": Condition(variables={"PYTHONINSPECT": "1"}),
    "words of a shell": Condition(
        variables={"CDPATH": "/tmp:/", "IFS": "/a.", "ENV": "/dev/null", "POSIXLY_CORRECT": "1"}
    ),
}

# Those that the uploader inherits as well.
DELIVERED = (
    *("SIGCHLD is ignored", "SIGHUP is ignored", "no HOME", "the working directory is gone"),
    *("all streams are closed", "warnings are errors"),
)


# Those that have never harmed an experiment: for `make test-faults`.
HARMLESS = {
    *("SIGPIPE is ignored", "SIGHUP is ignored", "SIGINT and SIGTERM are ignored", "umask 0777", "no PATH"),
    *("HOME is not a folder", "HOME cannot be written", "TMPDIR does not exist", "the lowest priority"),
    *("a locale that does not exist", "the locale C", "little memory", "a small stack", "words of a shell"),
    *("Python asks after the end", "warnings are errors"),
}


class Start:
    """A folder for one experiment, and the process that records it."""

    def __init__(self, folder: Path, writer: str) -> None:
        program = shutil.which(WRITERS[writer])
        if program is None:
            pytest.skip(f"{writer} is not installed")
        self.writer = writer
        self.folder = folder
        self.errors = folder / "stderr"
        self.script = folder / "script"
        self.script.write_text(PYTHON if writer == "python" else LUA)
        self.arguments = [str(self.script)]
        self._program = program
        (folder / "loop").symlink_to(folder / "loop")

    def run(self, condition: Condition, **more: str) -> subprocess.CompletedProcess[bytes]:
        """Run the script under a condition."""
        given = {name: value for name, value in (condition.variables or {}).items() if value is not None}
        if given.get("HOME") == "loop":
            given["HOME"] = str(self.folder / "loop")
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "LAB_WORKBOOK_BUCKET_PREFIX": str(self.folder / "runs"),
            **more,
        }
        without = [f"--unset={name}" for name, value in (condition.variables or {}).items() if value is None]
        assigned = [f"{name}={value}" for name, value in given.items()]
        # Only the script has the variables, and not the programs that bring its condition about.
        with self.errors.open("wb") as errors:
            return subprocess.run(
                [*condition.command, "/usr/bin/env", *without, *assigned, self._program, *self.arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=120,
                check=False,
            )

    def assert_recorded(self, condition: Condition, prefix: str | None = None) -> None:
        """Everything is there, nothing was lost, and nothing else was reported."""
        said = self.errors.read_text(errors="replace")
        experiment = lab_workbook.ExperimentRepository(prefix or str(self.folder / "runs"))["T"]
        assert experiment.status == "finished", said
        lost = {kind: count for kind, count in experiment.end["lost"].items() if count}
        assert (list(experiment["loss.csv"].index), lost) == ([0, 1, 2], {}), said
        assert experiment["folder/note.txt"] == "x"
        assert "environment.json" in experiment.list_artifacts()
        others = [line for line in said.splitlines() if not any(each in line for each in condition.warns)]
        assert others == []


@pytest.fixture(params=["python", "luajit", "lua5.1", pytest.param("lua5.4", marks=pytest.mark.soak)])
def start(request, tmp_path):
    return Start(tmp_path, request.param)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name in HARMLESS)) for name in CONDITIONS]
)
def test_an_experiment_is_recorded(start, name):
    """
    Into a folder, which needs no HOME, no network and nothing else of its user.
    """
    condition = CONDITIONS[name]

    done = start.run(condition)

    assert done.returncode == 0, start.errors.read_text()
    start.assert_recorded(condition)


@pytest.mark.parametrize("start", ["python", "luajit"], indirect=True)
@pytest.mark.parametrize("name", DELIVERED)
def test_an_experiment_is_delivered(start, bucket_prefix, name):
    """
    By an uploader that was started under the same condition; the folder of the spool is given.
    """
    condition = CONDITIONS[name]

    done = start.run(
        condition,
        LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix,
        LAB_WORKBOOK_SPOOL_DIR=str(start.folder / "spools"),
    )

    assert done.returncode == 0, start.errors.read_text()
    start.assert_recorded(condition, bucket_prefix)


def test_an_uploader_starts_where_the_folder_of_an_interactive_python_is_gone(tmp_path, bucket_prefix):
    """
    Such a Python looks for modules in the working directory.
    """
    condition = CONDITIONS["the working directory is gone"]
    start = Start(tmp_path, "python")
    start.arguments = ["-c", PYTHON]

    start.run(
        condition,
        LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix,
        LAB_WORKBOOK_SPOOL_DIR=f"{tmp_path}/spools",
    )

    start.assert_recorded(condition, bucket_prefix)


# Rows beyond 32 KiB, with a document after them.
LARGE_PYTHON = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step", "text"])
for step in range(100):
    log(step=step, text="x" * 1000)
workbook.save_text("large", "x" * 100_000)
workbook.save_text("small", "x")
workbook.close()
"""

LARGE_LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local log = workbook:newTimeSeriesLog('loss', {'step', 'text'})
for step = 0, 99 do log{step = step, text = ('x'):rep(1000)} end
workbook:saveText('large', ('x'):rep(100000))
workbook:saveText('small', 'x')
workbook:close()
"""


def test_a_limit_on_file_sizes_costs_what_is_beyond_it(start):
    """
    The kernel ends a program that writes more; here the loss is reported and counted, and the script goes on.
    """
    start.script.write_text(LARGE_PYTHON if start.writer == "python" else LARGE_LUA)

    done = start.run(Condition(_in_shell("ulimit -f 64")))

    said = start.errors.read_text()
    assert done.returncode == 0, said
    experiment = lab_workbook.ExperimentRepository(str(start.folder / "runs"))["T"]
    rows = len(experiment["loss.csv"])
    assert 0 < rows < 100
    assert experiment.end["lost"]["rows"] == 100 - rows
    assert experiment.end["lost"]["artifacts"] == 1
    assert experiment["small"] == "x"
    assert "File too large" in said
    # Only LuaJIT and Python can keep the kernel from ending the script where a library writes.
    assert ("ulimit -f" in said) == start.writer.startswith("lua5")


def test_a_relative_prefix_needs_a_working_directory(start):
    """
    It is refused at once, and nothing is written elsewhere.
    """
    gone = CONDITIONS["the working directory is gone"]

    done = start.run(gone, LAB_WORKBOOK_BUCKET_PREFIX="runs")

    assert done.returncode == 1
    assert "the working directory is gone" in start.errors.read_text()
    assert not Path("/runs").exists()


def test_a_bucket_without_a_home_needs_no_more_than_a_folder_for_spools(start, bucket_prefix, tmp_path):
    """
    XDG_STATE_HOME names one as well as spoolDir does; what cannot be expanded there is refused.
    """
    condition = Condition(variables={"HOME": None})

    refused = start.run(condition, LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix, LAB_WORKBOOK_SPOOL_DIR="~me/x")
    why = start.errors.read_text()
    done = start.run(condition, LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix, XDG_STATE_HOME=f"{tmp_path}/state")

    assert (refused.returncode, "write the whole path instead of '~user'" in why) == (1, True)
    assert done.returncode == 0, start.errors.read_text()
    assert (tmp_path / "state/lab-workbook").is_dir()
    start.assert_recorded(condition, bucket_prefix)


@pytest.mark.usefixtures("late_s3")
def test_spools_lie_where_the_system_wants_them(start, tmp_path, isolation):
    """
    XDG_STATE_HOME, if it is absolute; the user's own setting wins. The command at the end names the spool.
    """
    unreachable = {"LAB_WORKBOOK_BUCKET_PREFIX": "s3://bucket/exp/", "LAB_WORKBOOK_EXIT_TIMEOUT": "0"}
    folders = {
        f"{tmp_path}/state/lab-workbook": {"XDG_STATE_HOME": f"{tmp_path}/state"},
        f"{isolation}/.local/state/lab-workbook": {"XDG_STATE_HOME": "state"},
        f"{tmp_path}/own": {"XDG_STATE_HOME": str(tmp_path), "LAB_WORKBOOK_SPOOL_DIR": f"{tmp_path}/own"},
    }

    for folder, variables in folders.items():
        start.run(Condition(), **unreachable, **variables)

        assert f"{folder}/T." in start.errors.read_text()
        (journal,) = Path(folder).glob("T.*/.lab-workbook/journal")
        events = map(json.loads, journal.read_text().splitlines())
        os.kill(next(event["pid"] for event in events if event["event"] == "started"), signal.SIGKILL)
