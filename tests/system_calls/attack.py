"""
A training script in which system calls fail: every verb, and in it each kind of call, one after the other.

    LD_PRELOAD=failing_calls.so python attack.py VERB RESULT.json [deep]

It writes down what each call of the verb has done: what it raised, and how many rows and artifacts of it are
not where they belong. `failing_calls.c` is the library.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import itertools
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import lab_workbook
import numpy as np

ERRNOS = {
    "open": ("EMFILE", "ENFILE", "EACCES", "ENOSPC", "ESTALE", "EIO", "ENOMEM", "EROFS", "EDQUOT", "EINTR"),
    "write": ("ENOSPC", "EIO", "EDQUOT", "EAGAIN"),
    "fork": ("EAGAIN", "ENOMEM"),
    "exec": ("ENOENT", "EACCES", "ENOMEM"),
    "pipe": ("EMFILE", "ENFILE"),
    "thread": ("EAGAIN",),
    "link": ("EPERM", "EIO", "EMLINK", "ENOSPC"),
    "sync": ("EIO", "EDQUOT"),
    "mkdir": ("ENOSPC", "EACCES", "EROFS"),
    "": ("EIO", "ENOMEM", "ESTALE", "EACCES", "ENOSYS"),
}


class Case(NamedTuple):
    """The ``nth`` call of a kind fails with an errno: ``times`` times, or -1 for all from then on."""

    kind: str
    nth: int
    errno: str
    times: int


_numbers = itertools.count(1)
_libc = ctypes.CDLL(None)
_libc.getenv.restype = ctypes.c_char_p


def fail(command: str = "nothing") -> dict[str, int]:
    """Give a command to the library; returns the calls since the last one."""
    words = _libc.getenv(f"fail {command}".encode()).decode().split()
    return {kind: int(number) for kind, _, number in (word.partition("=") for word in words)}


def cases(calls: dict[str, int], most: int) -> Iterator[Case]:
    """Yield what can fail in a verb that makes these calls; of each kind ``most`` places."""
    for kind, count in calls.items():
        names = itertools.cycle(ERRNOS.get(kind, ERRNOS[""]))
        places = range(1, count + 1)
        if count > most:
            places = [1 + count * (2 * step + 1) // (2 * most) for step in range(most)]
        for nth in places:
            for name in [next(names) for _ in range(1 if most < 20 else len(ERRNOS.get(kind, ERRNOS[""])))]:
                yield Case(kind, nth, name, 1)
        yield Case(kind, 1, next(names), -1)


class Script:
    """One experiment, and what is known of it; a verb below makes one call, and returns what is missing."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.workbook = lab_workbook.new_experiment()
        self.root = self.workbook._place.root
        self.log = self.workbook.new_time_series_log("loss", ["step"])

    def stored(self, name: str, data: bytes | None = None) -> bool:
        """Say whether an artifact is there, with these bytes."""
        path = self.root + name
        if os.path.exists(f"{self.root}.lab-workbook/queue"):
            with open(f"{self.root}.lab-workbook/queue", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            puts = [line["outbox"] for line in lines if line["verb"] == "put" and line["name"] == name]
            if not puts:
                return False
            path = f"{self.root}.lab-workbook/outbox/{puts[-1]}"
        if not os.path.exists(path):
            return False
        with open(path, "rb") as file:
            return data is None or file.read() == data

    def rows(self, name: str) -> list[str]:
        """Return the first cells of a series."""
        with open(f"{self.root}{name}.csv", encoding="utf-8") as file:
            text = file.read()
        assert text.endswith("Z\n") or text.count("\n") == 1, f"{name} is torn: {text[-80:]!r}"
        return [line.partition(",")[0] for line in text.splitlines()[1:]]

    def missing(self, name: str, data: bytes | None = None) -> dict[str, int]:
        """Return how many artifacts are missing, of this one."""
        return {"artifacts": int(not self.stored(name, data))}

    def missing_rows(self, name: str, cells: list[object]) -> dict[str, int]:
        """Return how many rows are missing, of some with these first cells."""
        there = self.rows(name)
        assert all(there.count(str(cell)) < 2 for cell in cells)
        return {"rows": sum(str(cell) not in there for cell in cells)}


Attempt = tuple[Callable[[], object], Callable[[], dict[str, int]]]


def save_json(script: Script, number: int) -> Attempt:
    name, data = f"json/{number}", f'{{"n": {number}}}'.encode()
    return lambda: script.workbook.save_json(name, {"n": number}), lambda: script.missing(
        f"{name}.json", data
    )


def save_text(script: Script, number: int) -> Attempt:
    name = f"text{number}"
    return lambda: script.workbook.save_text(name, name), lambda: script.missing(name, name.encode())


def save_text_again(script: Script, number: int) -> Attempt:
    text = f"version {number}"
    return lambda: script.workbook.save_text("same", text), lambda: script.missing("same", text.encode())


def _save_file(script: Script, number: int, *, move: bool) -> Attempt:
    path, name = f"{script.folder}/source{number}", f"file{number}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(name)

    def missing() -> dict[str, int]:
        found = script.missing(name, name.encode())
        # What is given away is in one of the two places; an original that cannot be removed is in both.
        assert os.path.exists(path) or (move and not found["artifacts"])
        return found

    return lambda: script.workbook.save_file(name, path, move=move), missing


def save_file(script: Script, number: int) -> Attempt:
    return _save_file(script, number, move=False)


def save_file_moved(script: Script, number: int) -> Attempt:
    return _save_file(script, number, move=True)


def save_torch(script: Script, number: int) -> Attempt:
    torch = types.ModuleType("torch")
    torch.Tensor = type("Tensor", (), {})
    torch.save = lambda value, file: file.write(repr(value).encode())
    sys.modules["torch"] = torch
    name = f"model{number}"
    return lambda: script.workbook.save_torch(name, name), lambda: script.missing(
        f"{name}.pt", repr(name).encode()
    )


def save_tensors(script: Script, number: int) -> Attempt:
    name, tensors = f"tensors{number}", {"weight": np.arange(3.0)}
    # It is imported again, as a library that comes late in a script is.
    sys.modules.pop("safetensors.numpy", None)
    return lambda: script.workbook.save_tensors(name, tensors), lambda: script.missing(f"{name}.safetensors")


class Figure:
    def savefig(self, file: Any, format: str) -> None:  # noqa: A002 - as matplotlib calls it
        file.write(format.encode())


def save_figure(script: Script, number: int) -> Attempt:
    name = f"figure{number}"
    return lambda: script.workbook.save_figure(name, Figure()), lambda: script.missing(f"{name}.png", b"png")


def save_t7(script: Script, number: int) -> Attempt:
    name, value = f"t7-{number}", {"weight": np.arange(3.0), "name": "x"}
    return lambda: script.workbook.save_t7(name, value), lambda: script.missing(f"{name}.t7")


def save_git_status(script: Script, number: int) -> Attempt:
    name = f"Source{number}"

    def missing() -> dict[str, int]:
        suffixes = (".git-current-commit", ".git-patch", ".git-state.json", ".git-bundle")
        there = [script.stored(name + suffix) for suffix in suffixes]
        # Where nothing could be captured, what it would have consisted of is not known.
        return {"artifacts": there.count(False) if any(there) else 1}

    return lambda: script.workbook.save_git_status(name), missing


def save_environment(script: Script, number: int) -> Attempt:
    name = f"environment{number}"
    return lambda: script.workbook.save_environment(name), lambda: script.missing(f"{name}.json")


def new_time_series_log(script: Script, number: int) -> Attempt:
    name, logs = f"folder{number}/series", []

    def missing() -> dict[str, int]:
        # The fault is gone now.
        logs[0](step=number)
        return script.missing_rows(name, [number])

    return lambda: logs.append(script.workbook.new_time_series_log(name, ["step"])), missing


def first_row(script: Script, number: int) -> Attempt:
    name, logs = f"first{number}/series", []

    def call() -> None:
        logs.append(script.workbook.new_time_series_log(name, ["step"]))
        logs[0](step=0)

    def missing() -> dict[str, int]:
        logs[0](step=1)
        return script.missing_rows(name, [0, 1])

    return call, missing


def row(script: Script, number: int) -> Attempt:
    return lambda: script.log(step=number), lambda: script.missing_rows("loss", [number])


def rows(script: Script, number: int) -> Attempt:
    steps = [f'"{number}-{each}"' for each in range(3)]
    call = lambda: script.log.all_of([{"step": step.strip('"')} for step in steps])  # noqa: E731
    return call, lambda: script.missing_rows("loss", steps)


def row_after_close(script: Script, number: int) -> Attempt:
    """A row after the script has closed every descriptor."""
    os.closerange(3, 2000)
    return row(script, number)


def log(script: Script, number: int) -> Attempt:
    script.workbook.log({"loss": 0.5}, step=-1 - number)
    return lambda: script.workbook.log({"loss": 0.5}, step=number), lambda: script.missing_rows(
        "metrics", [number]
    )


def log_new(script: Script, number: int) -> Attempt:
    """The first row of a set of keys, which opens a series; the last sets share one."""
    keys = {f"key{number}": 0.5}

    def missing() -> dict[str, int]:
        names = [name for name in os.listdir(script.root) if name.startswith("metrics")]
        return {"rows": int(not any(str(number) in script.rows(name[:-4]) for name in names))}

    return lambda: script.workbook.log(keys, step=number), missing


def flush(script: Script, number: int) -> Attempt:
    script.workbook.save_text(f"text{number}", "x")
    return script.workbook.flush, dict


def shown(script: Script, number: int) -> Attempt:
    del number
    return lambda: (repr(script.workbook), script.workbook.tag), dict


def capture_output(script: Script, number: int) -> Attempt:
    def missing() -> dict[str, int]:
        sys.stdout.write(f"line {number}\n")
        found = script.missing("output.csv")
        return found if found["artifacts"] else {"rows": int(script.rows("output")[-1:] == [])}

    return script.workbook.capture_output, missing


def printing(script: Script, number: int) -> Attempt:
    # The script's own stream does not fail.
    sys.stdout = io.StringIO()
    script.workbook.capture_output()
    return lambda: sys.stdout.write(f"line {number}\n"), lambda: {
        "rows": int("1" not in script.rows("output"))
    }


def sample_system(script: Script, number: int) -> Attempt:
    del number

    def missing() -> dict[str, int]:
        # Where the system does not tell what is needed, there is a sentence and no loss, as without psutil.
        is_said = "system" in script.workbook._losses._said
        return {"artifacts": int(script.workbook._sampler is None and not is_said)}

    return script.workbook.sample_system, missing


def close(script: Script, number: int) -> Attempt:
    script.log(step=number)
    script.workbook.save_text("text", "x")
    return script.workbook.close, lambda: {
        "ends": int(not os.path.exists(f"{script.root}.lab-workbook/end.json"))
    }


def leave(script: Script, number: int) -> Attempt:
    """The end of a with statement."""
    script.log(step=number)
    return lambda: script.workbook.__exit__(None, None, None), close(script, -1)[1]


VERBS = {
    each.__name__: each
    for each in (
        *(save_json, save_text, save_text_again, save_file, save_file_moved, save_torch, save_tensors),
        *(save_figure, save_t7, save_git_status, save_environment, new_time_series_log, first_row, row, rows),
        *(row_after_close, log, log_new, flush, shown, capture_output, printing, sample_system, close, leave),
    )
}
# These change the workbook for good, so each case has one of its own.
ONCE = {capture_output, printing, sample_system, close, leave, log_new}
# These take so long that a call after the fault is made by the next case only.
SLOW = {save_git_status, save_environment}


def forget(modules: set[str]) -> None:
    """Let the modules of ours that were not loaded at first be imported again, by whoever needs them."""
    for name in set(sys.modules) - modules:
        if name.startswith("lab_workbook"):
            package, _, attribute = name.rpartition(".")
            with contextlib.suppress(KeyError, AttributeError):
                delattr(sys.modules[package], attribute)
            del sys.modules[name]


def attack(
    verb: Callable[[Script, int], Attempt], script: Script, most: int, modules: set[str]
) -> Iterator[dict[str, Any]]:
    call, missing = verb(script, next(_numbers))
    fail()
    call()
    calls = fail()
    assert not any(missing().values()), "it fails although no call does"
    for case in cases({kind: count for kind, count in calls.items() if kind != "failed"}, most):
        if verb in ONCE:
            script.workbook.close()
            script = Script(script.folder)
        call, missing = verb(script, next(_numbers))
        forget(modules)
        raised = None
        before = script.workbook._losses.counts()
        fail(f"{case.kind} {case.nth} {getattr(errno, case.errno)} {case.times}")
        try:
            call()
        except Exception as error:  # noqa: BLE001 - which it was is judged by the test
            raised = error
        failed = fail()["failed"]
        yield {
            "verb": verb.__name__,
            "case": list(case),
            "failed": failed,
            "raised": raised and f"{type(raised).__name__}: {raised}",
            "root": script.root,
            "missing": missing(),
            "counted": {
                kind: count - before[kind]
                for kind, count in script.workbook._losses.counts().items()
                if kind in ("rows", "artifacts")
            },
        }
        if verb not in ONCE | SLOW:
            call, missing = verb(script, next(_numbers))
            call()
            assert not any(missing().values()), f"it fails after {case}, although no call does any more"
    if verb in ONCE:
        script.workbook.close()


def main() -> None:
    names, result, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
    script, modules = Script(os.getcwd()), set(sys.modules)
    found = [done for name in names.split(",") for done in attack(VERBS[name], script, most, modules)]
    script.workbook.close()
    with open(result, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
