"""
Pages of the documentation that are run.

A fenced block says by its language how: ``python`` and ``pycon`` blocks run in order in one namespace, the
latter with their output compared; of ``console`` blocks each line after a ``$`` runs in a shell, and what it
prints, on stdout and stderr alike, is compared with what stands below it. ``...`` stands for anything, and a
time, commit or size for any other.

doctest compares, because it comes with Python and does just this; sybil, which is well kept, has no consoles,
and would bring a plug-in and a dependency for the twenty lines below.
"""

from __future__ import annotations

import doctest
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# A page may show any time, commit or size of a disk, as long as the real one looks like it.
VARYING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b[0-9a-f]{40}\b|\b[\d.]+ (?:bytes|[kGT]B)\b")
HOME = "/home/ada"


class Block(NamedTuple):
    """A fenced block: its language, the line that it starts on, and its text."""

    language: str
    line: int
    text: str


class Command(NamedTuple):
    """A line after a ``$``, and what it prints."""

    line: str
    output: str


def read(page: str, *languages: str) -> list[Block]:
    """Return the blocks of a page in these languages, or in all."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.finditer(r"^```([a-z]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = [Block(fence[1], text.count("\n", 0, fence.start(2)) + 1, fence[2]) for fence in fences]
    return [block for block in found if not languages or block.language in languages]


def run_python(page: str, parts: Iterable[Block], namespace: dict[str, Any]) -> None:
    """Run ``python`` blocks, and ``pycon`` blocks with their output."""
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for block in parts:
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), namespace)
        else:
            test = doctest.DocTestParser().get_doctest(block.text, namespace, page, page, block.line - 1)
            runner.run(test, clear_globs=False)
            namespace.update(test.globs)
    assert runner.summarize().failed == 0


def commands(parts: Iterable[Block]) -> list[Command]:
    """Return the commands of ``console`` blocks."""
    return [
        Command(*found)
        for block in parts
        for found in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    ]


def output(line: str) -> str:
    """Return what a command prints, where the home is Ada's."""
    done = subprocess.run(
        ["sh", "-c", f"exec 2>&1\n{line}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}"
    return done.stdout.replace(str(Path.home()), HOME)


def run_commands(found: Iterable[Command]) -> None:
    """Run commands, and compare what they print; one that fails has to show its exit code by an ``echo``."""
    checker = doctest.OutputChecker()
    for line, expected in found:
        printed = output(line)

        same = checker.check_output(VARYING.sub("...", expected), VARYING.sub("...", printed), FLAGS)
        assert same, f"{line}\n{printed}"
