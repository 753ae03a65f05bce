"""The checks of the local folder in which experiments wait for S3."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from lab_workbook.doctor import disk
from lab_workbook.doctor.finding import Finding, Level
from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, documents, process


def examine(path: str) -> Iterator[Finding]:
    """Look at the spool folder of this user."""
    found = disk.writable("spool", path)
    yield found
    if found.level is Level.PROBLEM:
        return
    yield disk.space("spool space", path)
    if os.path.isdir(path):
        yield _mode(path)
        yield _leftovers(path)


def _mode(path: str) -> Finding:
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        return Finding("spool mode", Level.WARNING, f"{path} can be read by others: chmod 700 {path}")
    return Finding("spool mode", Level.OK, f"{path} is for your eyes only")


def _leftovers(path: str) -> Finding:
    waiting, running = [], 0
    for name in sorted(os.listdir(path)):
        spool = os.path.join(path, name)
        if os.path.exists(os.path.join(spool, _spec.LAYOUT_QUEUE)):
            is_running = _is_running(spool)
            running += is_running
            waiting += [] if is_running else [name]
    if not waiting:
        return Finding("leftovers", Level.OK, f"nothing is left in the spool ({running} scripts are running)")
    text = f"{len(waiting)} spools of ended scripts, such as {waiting[0]}: `lab-workbook push` delivers them"
    return Finding("leftovers", Level.WARNING, text)


def _is_running(spool: str) -> bool:
    """Say whether the script still lives, as far as this host can tell."""
    try:
        with open(os.path.join(spool, _spec.LAYOUT_BEGIN), "rb") as file:
            begin = documents.read_begin(file.read())
    except (OSError, LabWorkbookError):
        return False
    return bool(process.is_alive(begin))
