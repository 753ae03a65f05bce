"""Level core, for writers: cases about the files that a script gives to saveFile, and keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.levels.examples import CLOSE, NEW

Findings = Iterable[Finding]

_DATA = b"\x00\xff\r\nmodel\n" * 100
_SAVE = "saveFileFrom"


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, play in (
        ("source", partial(_save, given="model.bin")),
        ("link", partial(_save, given="latest")),
    ):
        yield Case(f"kind.content-{name}", ("kind.content", "end.last"), "core", "writer", play)
    for name, make in (("missing", _nothing), ("folder", os.mkdir)):
        play = partial(_refuse, make=make)
        yield Case(f"end.lost-{name}", ("end.lost", "kind.content"), "core", "writer", play)


def _save(bench: Bench, given: str) -> Findings:
    """Save a file by its path, or a symbolic link to it, and then change it."""
    folder, prefix = bench.scratch(), bench.scratch()
    write(folder, {"model.bin": _DATA})
    source = os.path.join(folder, "model.bin")
    os.symlink("model.bin", os.path.join(folder, "latest"))
    found = bench.record([NEW, [_SAVE, "a/saved.bin", os.path.join(folder, given)], CLOSE], prefix=prefix)
    yield from verdicts.recording(found, "kind.content", integers=bench.integers)
    saved = os.path.join(prefix, found.tag, "a/saved.bin")
    if not found.is_done:
        return
    yield from _is_copy(saved, source, shown(found.steps[1]))
    if sorted(os.listdir(folder)) != ["latest", "model.bin"] or not _holds(source, _DATA):
        there = ", ".join(sorted(os.listdir(folder)))
        yield Finding("kind.content", "the file of the script is not as it was", shown(found.steps[1]), there)


def _is_copy(saved: str, source: str, logged: str) -> Findings:
    if not _holds(saved, _DATA):
        yield Finding("kind.content", "the artifact does not have the bytes of the file", logged)
    elif os.path.islink(saved) or (os.path.exists(source) and os.path.samefile(saved, source)):
        kind = "symbolic" if os.path.islink(saved) else "hard"
        message = f"the artifact is a {kind} link to the file, and changes with it"
        yield Finding("end.last", message, logged, os.path.realpath(saved))


def _holds(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def _nothing(_path: str) -> None:
    """Make nothing."""


def _refuse(bench: Bench, make: Callable[[str], None]) -> Findings:
    """Save what cannot be read as a file: an error is raised, and nothing is lost or stored."""
    path = bench.scratch()
    make(path)
    steps = [NEW, ["saveText", "notes", "x"], [_SAVE, "saved.bin", path]]
    found = bench.record(steps)
    logged = shown(steps[-1])
    if found.is_done or found.said["step"] != 2:
        message = "an error should be raised about a file that cannot be read"
        yield Finding("end.lost", message, logged, shown(repr(found.said)))
    yield from verdicts.sound(found)
    if "saved.bin" in found.files:
        yield Finding(
            "kind.content", "an artifact is stored all the same", logged, shown(found.files["saved.bin"])
        )
    lost = (verdicts.document(found.files, "end") or {}).get("lost", {})
    if any(lost.values()):
        yield Finding("end.lost", "a file that cannot be read is not a loss", logged, shown(repr(lost)))
