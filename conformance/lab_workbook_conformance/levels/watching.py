"""What shows only to somebody who looks on: at a file that is replaced, and at processes that live."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from typing import IO, Any

from lab_workbook_conformance.bench import TAG, Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE, PAUSE
from lab_workbook_conformance.levels.given import begin

Findings = Iterable[Finding]

_LAYOUT, _STATUS = SPEC["layout"], SPEC["status"]


def cases() -> Iterator[Case]:
    """Yield the cases of this module, for writers and for readers."""
    yield Case("kind.replace-opened", ("kind.replace",), "core", "writer", _replaced)
    yield Case("begin.optional-process", ("begin.optional",), "core", "writer", _named)
    yield Case("status.answer-process", ("status.answer",), "core", "reader", _processes)


def _replaced(bench: Bench) -> Findings:
    """Open an artifact, and let it be saved again: what was opened stays as it was."""
    prefix = bench.scratch()
    folder = os.path.join(prefix, TAG)
    first = [["saveText", "notes", "the first one"], ["saveJSON", "best", {"epoch": 1}]]
    second = [["saveText", "notes", "another"], ["saveJSON", "best", {"epoch": 2}]]
    opened: dict[str, IO[bytes]] = {}
    before: dict[str, bytes] = {}

    def look(step: int) -> None:
        if step == len(first):
            # What is not there under its name is the affair of other cases.
            there = [name for name in ("notes", "best.json") if os.path.exists(os.path.join(folder, name))]
            for name in there:
                opened[name] = open(os.path.join(folder, name), "rb")  # noqa: SIM115 - it stays open
                before[name] = opened[name].read()

    try:
        steps = [["newExperiment", {"tag": TAG}], *first, PAUSE, *second, CLOSE]
        bench.record(steps, prefix=prefix, on_ack=look)
        for name, file in opened.items():
            file.seek(0)
            now = file.read()
            if now != before[name]:
                message = f"{name} changes while somebody reads it"
                yield Finding("kind.replace", message, shown(before[name]), shown(now))
    finally:
        for file in opened.values():
            file.close()


def _named(bench: Bench) -> Findings:
    """Look whether what begin.json says of its process, if anything, names one that has not ended yet."""
    found = bench.record([["newExperiment", {}], CLOSE])
    said = json.loads(found.files.get(_LAYOUT["begin"], b"{}"))
    if not os.path.exists("/proc/self/stat") or "pid" not in said:
        return
    try:
        right = _identity(said["pid"])
    except OSError:
        yield Finding("begin.optional", "there is no process of this id", "", str(said["pid"]))
        return
    for key in right.keys() & said.keys():
        if said[key] != right[key]:
            yield Finding(
                "begin.optional", f"{key} is that of another process", str(right[key]), str(said[key])
            )


def _processes(bench: Bench) -> Findings:
    """Tell of processes that live, have ended, or are elsewhere; a reader may know nothing of any."""
    if not os.path.exists("/proc/self/stat"):
        return
    mine = _identity(os.getpid())
    # Its process is there until somebody asks how it ended.
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as ended:  # noqa: S607 - found by PATH
        _wait_for_end(ended)
        yield from _may_be(bench, _identity(ended.pid), "lost", "a zombie")
    yield from _may_be(bench, mine, "running", "a process that lives")
    yield from _may_be(bench, mine | {"pidStarted": "1"}, "lost", "another process of the same id")
    yield from _may_be(bench, _identity(os.getpid()) | {"pid": ended.pid}, "lost", "a process that has ended")
    yield from _may_be(bench, mine | {"bootId": "another"}, "open", "a process of an earlier boot")
    # Who sees every process of the machine knows that none is in there.
    yield from _may_be(bench, mine | {"pidNamespace": "pid:[1]"}, "lost", "a process of another namespace")


def _identity(pid: int) -> dict[str, Any]:
    # What comes after the name of the program: the third field, and so on.
    with open(f"/proc/{pid}/task/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    started, stack = fields[19], int(fields[25])
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    space = os.readlink(f"/proc/{pid}/ns/pid")
    # The system shows it to the user of the process alone, and of a zombie to nobody.
    image = {"pidImage": str(stack % SPEC["begin"]["image_divisor"])} if stack else {}
    return {"pid": pid, "pidStarted": started, **image, "bootId": boot, "pidNamespace": space}


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has ended, without asking how: its output has ended then."""
    if process.stdout:
        process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def _may_be(bench: Bench, identity: dict[str, Any], status: str, what: str) -> Findings:
    answer, said = bench.read({_LAYOUT["begin"]: begin(**identity), "notes": b"x"})
    found = said.get("status") if answer == "saw" else answer
    if found not in (_STATUS[status], _STATUS["open"]):
        yield Finding(
            "status.answer", f"{what} is {status}, or {_STATUS['open']}", shown(identity), str(found)
        )
