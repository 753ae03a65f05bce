"""The adapter: steps in, answers out (ADAPTER.md)."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import exits, reader, remote, values, writer
from lab_workbook_conformance.wrong.errors import Refused, Unsupported

Answer = dict[str, Any]


def answer(question: str, body: dict[str, Any], say: Callable[[Answer], None]) -> Answer:
    """Return the answer to a question, without its id; ``say`` sends the messages before it."""
    if question == "hello":
        return {"hello": hello()}
    return record(body, say) if question == "record" else read(body)


def hello() -> Answer:
    """Say who this is, and what it can do."""
    return {
        "name": "conformance example",
        "version": "1",
        "language": f"Python {platform.python_version()}",
        "spec": SPEC["protocol"]["version"],
        "levels": ["core", "git", "s3"],
        "verbs": [*Script.VERBS, *LEAVING, "newExperiment", "fail", "read"],
        "integers": True,
    }


# The last steps of a script, outside of which nothing is caught.
LEAVING = ("exit", "raise", "signal")


class Script:
    """What a script has in its hands."""

    VERBS = (
        "newTimeSeriesLog",
        "log",
        "saveJSON",
        "saveText",
        "saveFile",
        "saveFileFrom",
        "saveShared",
        "saveGitStatus",
        "flush",
        "close",
        "sleep",
    )

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self.workbooks: list[writer.Workbook] = []

    def play(self, verb: str, *arguments: Any) -> None:
        """Play one step."""
        if verb == "newExperiment":
            self.workbooks.append(writer.new_experiment({**self._given, **arguments[0]}))
            return
        workbook = self.workbooks[-1]
        if verb == "fail":
            workbook.close(RuntimeError(*arguments))
        elif verb == "saveFile":
            name, text = arguments
            with tempfile.NamedTemporaryFile() as file:
                file.write(text.encode("utf-8", "surrogateescape"))
                file.flush()
                workbook.save_file(name, file.name)
        elif verb in self.VERBS:
            calls: dict[str, Callable[..., None]] = {
                "newTimeSeriesLog": workbook.new_time_series_log,
                "log": workbook.log,
                "saveJSON": workbook.save_json,
                "saveText": workbook.save_text,
                "saveFileFrom": workbook.save_file,
                "saveShared": lambda name, value: workbook.save_json(name, [value, value]),
                "saveGitStatus": workbook.save_git_status,
                "flush": workbook.flush,
                "close": workbook.close,
                "sleep": time.sleep,
            }
            calls[verb](*arguments)
        else:
            raise Unsupported(f"there is no {verb}")


def record(body: dict[str, Any], say: Callable[[Answer], None]) -> Answer:
    """Play the steps in order, and end what they have begun."""
    given = {"bucketPrefix": body.get("prefix"), "tag": values.heard(body.get("tag"))}
    script = Script({key: value for key, value in given.items() if value is not None})
    at = 0
    steps = body["steps"]
    leaving = steps.pop() if steps and steps[-1][0] in LEAVING else None
    try:
        for at, step in enumerate(steps):
            refusal = refused(script, at, step)
            if refusal and not body.get("continues"):
                return closed(script, {"refused": refusal})
            if refusal:
                say({"refusal": refusal})
            elif body.get("acks"):
                say({"ack": at})
    except Unsupported as error:
        return closed(script, {"unsupported": {"step": at, "message": str(error)}})
    except Exception as error:  # noqa: BLE001 - whatever it is, the kit has to hear of it
        return closed(script, {"failed": {"step": at, "message": repr(error)}})
    if leaving:
        leave(*leaving)
    for workbook in script.workbooks:
        workbook.let_go()
    return {"done": {"tag": script.workbooks[-1].tag if script.workbooks else ""}}


def leave(verb: str, *arguments: Any) -> None:
    """End the process, as a script does that has not closed its workbooks."""
    if verb == "signal":
        os.kill(os.getpid(), signal.Signals[arguments[0]])
        # A handler runs here, if there is one.
        time.sleep(1)
    elif verb == "raise":
        raise RuntimeError(*arguments)
    sys.exit(*arguments)


def refused(script: Script, at: int, step: list[Any]) -> Answer | None:
    """Play a step; return why it was refused, if it was."""
    try:
        script.play(step[0], *map(values.heard, step[1:]))
    except Refused as error:
        return {"step": at, "rule": error.rule, "message": str(error)}
    return None


def closed(script: Script, said: Answer) -> Answer:
    """Close what is open, and say that."""
    for workbook in script.workbooks:
        workbook.close()
    return said


def read(body: dict[str, Any]) -> Answer:
    """Say what a reader sees."""
    try:
        return {"saw": seen(remote.experiment(body["prefix"], body["tag"]), body.get("names", []))}
    except Refused as error:
        return {"refused": {"rule": error.rule, "message": str(error)}}


def seen(experiment: reader.Experiment, names: list[str]) -> Answer:
    """Return what there is, and what it says."""
    listed = experiment.listed()
    artifacts = {name: experiment.artifact(name) for name in {*listed, *names}}
    return {"status": experiment.status(), "listed": listed, "artifacts": spelled(artifacts)}


def spelled(artifacts: dict[str, Answer]) -> Answer:
    """Return what artifacts say, as messages spell values."""
    spoken = ("rows", "value")
    return {
        name: {key: values.said(item) if key in spoken else item for key, item in said.items()}
        for name, said in artifacts.items()
    }


def main() -> None:
    """Answer until there are no more questions."""
    # Python's stack ends at 1,000 calls, and a JSON value may be 512 deep.
    sys.setrecursionlimit(5000)
    # What a library prints by mistake is no answer.
    answers, sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8"), sys.stderr

    def say(said: Answer) -> None:
        answers.write(json.dumps({"id": message["id"], **said}) + "\n")
        answers.flush()

    with exits.watched():
        for line in sys.stdin.buffer:
            message = json.loads(line)
            (question,) = message.keys() - {"id"}
            say(answer(question, message[question], say))
