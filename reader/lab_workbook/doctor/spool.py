"""The checks of the local folder in which experiments wait for S3."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Final

from lab_workbook.doctor import disk
from lab_workbook.doctor.finding import Finding, Level
from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, documents, locks, process

_QUEUES: Final = (_spec.LAYOUT_QUEUE, _spec.LAYOUT_SEALED)


def examine(path: str) -> Iterator[Finding]:
    """Look at the spool folder of this user."""
    found = disk.writable("spool", path)
    yield found
    if found.level is Level.PROBLEM:
        return
    yield disk.space("spool space", path)
    yield _lock(disk.existing(path))
    if os.path.isdir(path):
        yield _mode(path)
        yield _leftovers(path)


def _mode(path: str) -> Finding:
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        return Finding("spool mode", Level.WARNING, f"{path} can be read by others: chmod 700 {path}")
    return Finding("spool mode", Level.OK, f"{path} is for your eyes only")


def _lock(folder: str) -> Finding:
    """Take a lock as uploaders do, which must exclude each other."""
    with disk.probe(folder) as path, locks.locked(path) as first:
        if not first.is_held:
            return Finding("spool lock", Level.PROBLEM, f"{folder} {first.problem}: nothing can be delivered")
        second = locks.Lock(path)
        second.take()
        is_exclusive = not second.is_held
        second.release()
        if not is_exclusive:
            text = f"{folder} renames a folder onto a filled one: two uploaders may work on one spool at once"
            return Finding("spool lock", Level.WARNING, text)
        if first.flock_problem:
            text = f"flock is not supported ({first.flock_problem})"
            return Finding(
                "spool lock", Level.NOTE, f"{text}: uploaders of older versions deliver nothing here"
            )
    return Finding("spool lock", Level.OK, "locks work: one uploader at a time delivers a spool")


def _leftovers(path: str) -> Finding:
    found: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for name in sorted(os.listdir(path)):
        spool = os.path.join(path, name)
        if any(os.path.exists(os.path.join(spool, each)) for each in _QUEUES):
            found[_is_running(spool)].append(name)
    ended, unknown, running = found[False], found[None], f"{len(found[True])} scripts are running"
    if ended:
        text = f"{len(ended)} spools of ended scripts, such as {ended[0]}: `lab-workbook push` delivers them"
        return Finding("leftovers", Level.WARNING, text)
    if unknown:
        text = f"{len(unknown)} spools of scripts that cannot be asked from here, such as {unknown[0]}"
        advice = "if a script is dead, `lab-workbook push --seal SPOOL` ends its experiment"
        return Finding("leftovers", Level.NOTE, f"{text}: {advice}")
    return Finding("leftovers", Level.OK, f"nothing is left in the spool ({running})")


def _is_running(spool: str) -> bool | None:
    """Say whether the script still lives; None where this host cannot know."""
    try:
        with open(os.path.join(spool, _spec.LAYOUT_BEGIN), "rb") as file:
            begin = documents.read_begin(file.read())
    except (OSError, LabWorkbookError):
        return False
    return process.is_alive(begin)
