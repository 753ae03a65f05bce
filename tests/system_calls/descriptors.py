"""
A training script that has used up all of its descriptors: every verb, and then the end.

    python descriptors.py RESULT.json

It writes down the same as `attack`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

from tests.system_calls.attack import ONCE, VERBS, Script, forget

numbers = itertools.count(1)


@contextlib.contextmanager
def all_in_use() -> Iterator[None]:
    """Use up all descriptors for the length of a ``with``."""
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    try:
        yield
    finally:
        for each in taken:
            os.close(each)


def attempt(name: str, script: Script, modules: set[str]) -> dict[str, Any]:
    """Call a verb while all descriptors are in use."""
    call, missing = VERBS[name](script, next(numbers))
    forget(modules)
    before = script.workbook._losses.counts()
    raised = None
    with all_in_use():
        try:
            call()
        except Exception as error:  # noqa: BLE001 - which it was is judged by the test
            raised = error
    after = script.workbook._losses.counts()
    return {
        "verb": name,
        "raised": raised and f"{type(raised).__name__}: {raised}",
        "root": script.root,
        "missing": missing(),
        "counted": {kind: after[kind] - before[kind] for kind in ("rows", "artifacts")},
    }


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    shared, modules = Script(os.getcwd()), set(sys.modules)
    found = []
    for name, verb in VERBS.items():
        script = Script(os.getcwd()) if verb in ONCE else shared
        found.append(attempt(name, script, modules))
        if verb in ONCE:
            script.workbook.close()
        else:
            call, missing = verb(script, next(numbers))
            call()
            assert not any(missing().values()), f"{name} fails although there are descriptors again"
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(found, file)
    # The shared experiment is ended by the interpreter, without any descriptor.
    all_in_use().__enter__()


if __name__ == "__main__":
    main()
