"""
A run as an experiment, written by the verbs that every training script has.

``Date`` and ``started`` are those of the import, because they say when the files were written; when the run
itself took place stands in import.json, in the tag, and beside each row.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lab_workbook import config
from lab_workbook.errors import ConfigurationError, InvalidName, InvalidValue
from lab_workbook.protocol import names
from lab_workbook.protocol._spec import LOSS_ARTIFACTS, LOSS_ROWS
from lab_workbook.protocol.redaction import is_secret_file, redacted_value

from lab_workbook_writer.importers import grouping, trees
from lab_workbook_writer.importers.run import Found, Run
from lab_workbook_writer.opening import new_experiment
from lab_workbook_writer.workbook import Workbook

#: The artifact that says what was imported, from where, and what has no place in an experiment.
ORIGIN: Final = "import"


class Recorded(NamedTuple):
    """What has become of a run."""

    tag: str
    series: int
    rows: int
    left_out: dict[str, int]
    problems: list[str]


def as_experiment(
    found: Found, *, tag: str | None = None, note: str | None = None, bucket_prefix: str | None = None
) -> Recorded:
    """
    Record a run as an experiment, under the tag that is always its own unless another is given.

    Raises:
        Unreadable: there is nothing in it that can be read; no experiment is made then.
        TagTaken: the experiment is there already.
        ConfigurationError: recording is switched off.
    """
    if config.is_disabled():
        raise ConfigurationError(
            "recording is switched off by LAB_WORKBOOK_DISABLED, so nothing can be imported"
        )
    run = found.load()
    told = f"imported from {found.kind}: {found.name}".encode("utf-8", "replace").decode()
    note = f"{note} ({told})" if note else told
    # Whoever imports in the middle of a distributed training is no rank of it.
    with new_experiment(tag=tag or found.tag, note=note, rank=0, bucket_prefix=bucket_prefix) as workbook:
        series = rows = 0
        for table in grouping.tables(run.metrics):
            rows += _write(workbook, table)
            series += 1
        for name, value in run.documents.items():
            _save_document(workbook, run, name, value)
        kept = dict(_files(workbook, run))
        problems = [problem.encode("utf-8", "replace").decode() for problem in run.problems]
        workbook.save_json(
            ORIGIN,
            {
                "kind": found.kind,
                "name": found.name,
                **_redacted(run, run.origin),
                "files": kept,
                "leftOut": dict(run.left_out),
                "problems": problems,
            },
        )
    lost = workbook._losses.counts()  # noqa: SLF001 - here it is not training that goes on
    problems += [f"{lost[kind]} {kind} were lost" for kind in (LOSS_ROWS, LOSS_ARTIFACTS) if lost[kind]]
    return Recorded(workbook.tag, series, rows, dict(run.left_out), problems)


def digest(path: str) -> dict[str, Any]:
    """Return the size and the SHA-256 of a file that was read, for import.json."""
    sha256 = hashlib.sha256()
    with trees.opened(path) as file:
        while block := file.read(1 << 20):
            sha256.update(block)
        return {"name": os.path.basename(path), "bytes": file.tell(), "sha256": sha256.hexdigest()}


def _redacted(run: Run, value: dict[str, Any]) -> dict[str, Any]:
    """Return a table without its secrets, which are counted."""
    redacted, secrets = redacted_value(value)
    run.left_out.update({"secrets": secrets} if secrets else {})
    found: dict[str, Any] = redacted
    return found


def _write(workbook: Workbook, table: grouping.Table) -> int:
    log = workbook.new_time_series_log(table.name, table.fields)
    count = 0
    for row in table.rows:
        log(row)
        count += 1
    return count


def _save_document(workbook: Workbook, run: Run, name: str, value: dict[str, Any]) -> None:
    try:
        workbook.save_json(name, _redacted(run, value))
    except InvalidValue as problem:
        run.problems.append(f"{name} is left out: {problem}")


def _files(workbook: Workbook, run: Run) -> Iterator[tuple[str, str]]:
    """Save the files of a run; yields the name that each has got, and the one that it had."""
    for name, path in run.files.items():
        if is_secret_file(name):
            run.left_out["secret files"] += 1
            continue
        try:
            saved = _artifact(name)
            workbook.save_file(saved, path)
        except InvalidName as error:
            run.left_out["files"] += 1
            run.problems.append(f"{name!r} is left out: {error}")
        except OSError as error:
            run.left_out["files"] += 1
            run.problems.append(f"{name!r} cannot be read: {error.strerror or error}")
        else:
            yield saved, name


def _artifact(name: str) -> str:
    """Return a name that an artifact can have: what no file system takes has an underscore in its place."""
    parts = name.encode("utf-8", "replace").decode().split("/")
    changed = [
        "".join("_" if _is_odd(each) else each for each in part).strip(" ").rstrip(". ") for part in parts
    ]
    return names.check("/".join(part or "_" for part in changed))


def _is_odd(character: str) -> bool:
    return character == "\\" or character < " " or "\x7f" <= character <= "\x9f"
