"""
The adapter of our Python writer and reader: ``lab-workbook certify -- python adapter.py``.

What is said and heard here is specified in ``conformance/ADAPTER.md``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import locale
import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import IO, Any

import lab_workbook
from lab_workbook.config import snake_case
from lab_workbook.errors import ConfigurationError, LabWorkbookError, Misuse, TagTaken
from lab_workbook_conformance import notation

Answer = tuple[str, dict[str, Any]]

_METHODS = {
    "newExperiment": "new_experiment",
    "newTimeSeriesLog": "new_time_series_log",
    "log": "log",
    "saveJSON": "save_json",
    "saveShared": "save_shared",
    "saveText": "save_text",
    "saveFile": "save_file",
    "saveFileFrom": "save_file_from",
    "saveGitStatus": "save_git_status",
    "saveTorch": "save_torch",
    "flush": "flush",
    "close": "close",
    "sleep": "sleep",
    "fail": "fail",
}
# The last steps of a script: nothing is caught around them, and nothing is closed before.
_EXITS = ("exit", "raise", "signal")
_KINDS = {
    ".json": "json",
    ".csv": "series",
    ".t7": "torch7",
    ".pt": "pytorch",
    ".git-current-commit": "git_commit",
    ".git-patch": "git_patch",
}
# What the library says no by; all else that it raises is trouble.
_REFUSALS = (Misuse, ConfigurationError, TagTaken)


class Script:
    """One record: what a script does with its workbook and its logs."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._workbook: Any = None
        self._logs: dict[str, Callable[[Any], None]] = {}

    @property
    def tag(self) -> str:
        """The tag of the last experiment."""
        return str(self._workbook.tag) if self._workbook else ""

    def play(self, verb: str, *arguments: Any) -> None:
        """Do one step; raises what the library raises."""
        method = _METHODS[verb]
        own = getattr(self, method, None)
        (own or getattr(self._workbook, method))(*arguments)

    def new_experiment(self, options: Mapping[str, Any]) -> None:
        """Start an experiment, which the steps that follow are about."""
        given = {**self._options, **{snake_case(key): value for key, value in options.items()}}
        self._workbook, self._logs = lab_workbook.new_experiment(**given), {}

    def new_time_series_log(self, name: str, fields: Any, save_every: Any = None) -> None:
        """Start a series and keep its log by its name."""
        self._logs[name] = self._workbook.new_time_series_log(name, fields, save_every=save_every)

    def log(self, name: str, row: Any) -> None:
        """Call a log."""
        self._logs[name](row)

    def save_file(self, name: str, data: str) -> None:
        """Save a file that is made for it."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data.encode("utf-8", "surrogateescape"))
            file.flush()
            self._workbook.save_file(name, file.name)

    def save_shared(self, name: str, value: Any) -> None:
        """Save a list whose two items are one object."""
        self._workbook.save_json(name, [value, value])

    def save_file_from(self, name: str, path: str) -> None:
        """Save a file of the kit."""
        self._workbook.save_file(name, path)

    def sleep(self, seconds: int) -> None:
        """Compute for a while."""
        time.sleep(seconds)

    def fail(self, message: str) -> None:
        """Leave the workbook by an exception."""
        with contextlib.suppress(RuntimeError), self._workbook:
            raise RuntimeError(message)

    def stop(self) -> None:
        """Close what is open."""
        if self._workbook:
            self._workbook.close()


def hello(_: Mapping[str, Any], __: Callable[[str, Any], None]) -> Answer:
    """Say who this is."""
    has_torch = importlib.util.find_spec("torch") is not None
    return "hello", {
        "name": "lab-workbook python",
        "version": metadata.version("lab-workbook"),
        "language": f"Python {platform.python_version()}",
        "spec": "1.1",
        "levels": ["core", "git", "s3", *(["models"] if has_torch else [])],
        "verbs": [verb for verb in _METHODS if has_torch or verb != "saveTorch"] + [*_EXITS, "read"],
        "integers": True,
    }


def record(asked: Mapping[str, Any], say: Callable[[str, Any], None]) -> Answer:
    """Play the steps until one of them is refused or goes wrong."""
    options = {"bucket_prefix": asked.get("prefix"), "tag": notation.value(asked.get("tag"))}
    script = Script({name: value for name, value in options.items() if value is not None})
    for number, (verb, *arguments) in enumerate(asked["steps"]):
        if verb in _EXITS:
            _leave(verb, *arguments)
        try:
            script.play(verb, *map(notation.value, arguments))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is an answer
            answer, said = _problem(number, error)
            if answer == "refused" and asked.get("continues"):
                say("refusal", said)
                continue
            script.stop()
            return answer, said
        if asked.get("acks"):
            say("ack", number)
    return "done", {"tag": script.tag}


def _leave(verb: str, *arguments: Any) -> None:
    """End this process, as a script does that has closed nothing."""
    if verb == "signal":
        os.kill(os.getpid(), signal.Signals[arguments[0]])
        # Until a handler of the library's has run, if there is one.
        time.sleep(1)
    if verb == "raise":
        raise RuntimeError(*arguments)
    sys.exit(*arguments)


def read(asked: Mapping[str, Any], _: Callable[[str, Any], None]) -> Answer:
    """Say what our reader makes of an experiment."""
    try:
        experiment = lab_workbook.ExperimentRepository(asked["prefix"])[asked["tag"]]
        listed, status = experiment.list_artifacts(), experiment.status
    except LabWorkbookError as error:
        return "refused", {"rule": _rule(error), "message": str(error)}
    names = dict.fromkeys([*listed, *asked.get("names", ())])
    artifacts = {name: _artifact(experiment, name) for name in names}
    return "saw", {"status": status, "listed": listed, "artifacts": artifacts}


def _problem(number: int, error: Exception) -> Answer:
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, _REFUSALS):
        return "refused", {"step": number, "rule": _rule(error), "message": message}
    return "failed", {"step": number, "message": message}


def _rule(error: Exception) -> str | None:
    named = re.search(r"\(rule ([a-z0-9.-]+)\)", str(error))
    return named[1] if named else None


def _artifact(experiment: lab_workbook.Experiment, name: str) -> dict[str, Any]:
    kind = next((kind for suffix, kind in _KINDS.items() if name.endswith(suffix)), "file")
    try:
        value = experiment[name]
    except LabWorkbookError as error:
        return {"kind": kind, "error": str(error)}
    if kind == "json":
        return {"kind": kind, "value": notation.spelled(value)}
    if kind == "series":
        return {"kind": kind, **_table(value)}
    # A model is fetched when its bytes are asked for.
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
    return {"kind": kind, "bytes": data.hex()}


def _table(table: Any) -> dict[str, Any]:
    table = table.reset_index() if table.index.name is not None else table
    fields = [str(field) for field in table.columns]
    if "Date" not in fields:
        return {"plain": True}
    columns = [_cells(table.iloc[:, place]) for place in range(len(fields))]
    return {"rows": [fields, *map(list, zip(*columns, strict=True))]}


def _cells(column: Any) -> list[Any]:
    if column.dtype.kind == "M":
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    # Among floats and objects not-a-number is a value of its own, elsewhere it is how pandas says missing.
    if column.dtype.kind not in "fO" or column.dtype == "str":
        column = column.astype(object).where(column.notna(), None)
    return [notation.spelled(cell) for cell in column.tolist()]


def _private_output() -> IO[str]:
    """Return the pipe to the kit, and turn all else that is printed into words on stderr."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def main() -> None:
    """Answer until there are no more questions."""
    # A locale that the system does not have is no affair of ours.
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    output = _private_output()

    for line in sys.stdin.buffer:
        asked = json.loads(line)
        say = functools.partial(_say, output, asked.pop("id"))
        ((question, body),) = asked.items()
        answer = {"hello": hello, "record": record, "read": read}[question]
        say(*answer(body, say))


def _say(output: IO[str], number: int, answer: str, said: Any) -> None:
    output.write(json.dumps({"id": number, answer: said}) + "\n")
    output.flush()


if __name__ == "__main__":
    main()
