"""
Weights & Biases: the folder that a run leaves on the disk, also without a network, and exported histories.

``wandb/offline-run-…/run-….wandb`` holds all that the run has logged; ``files/`` beside it what was saved. A
table that was exported, as ``.csv``, ``.json`` or ``.jsonl``, has the history alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Final

from lab_workbook.errors import Unreadable
from lab_workbook.protocol import jsontext

from lab_workbook_writer.importers import history, trees, wandb_log, yamltext
from lab_workbook_writer.importers.record import digest
from lab_workbook_writer.importers.run import Found, Run, below, tag_of

_LOG: Final = ".wandb"
_FILES: Final = "files"
_EXPORTS: Final = (".csv", ".json", ".jsonl")
# A summary has kilobytes; as values of Python it takes up to thirty times its size.
_MOST: Final = 1 << 24

# What is read from `files`, because its keys are worth more than its bytes.
_CONFIG, _SUMMARY, _METADATA = "config.yaml", "wandb-summary.json", "wandb-metadata.json"


def find(path: str) -> Iterator[Found]:
    """
    Yield the run at a path, each run below it, or the one in an exported table.

    Raises:
        Unreadable: there is none.
    """
    if not os.path.isdir(path):
        if path.endswith(_LOG):
            folder = os.path.dirname(path)
            yield _found(folder, trees.base(folder), [trees.Plain(path, trees.base(path))])
            return
        if not path.endswith(_EXPORTS):
            raise Unreadable(f"{path} is no table that W&B exports: those are {', '.join(_EXPORTS)}")
        name = os.path.splitext(trees.base(path))[0]
        about = digest(path)
        tag = tag_of("wandb", os.stat(path).st_mtime, name, about["sha256"])
        yield Found("wandb", name, tag, lambda: history.read(path, about))
        return
    yield from below(
        "wandb", path, _runs, f"there is no run of W&B, a folder with *{_LOG} or {_FILES}/{_CONFIG}"
    )


def _runs(folder: str, name: str) -> Iterator[Found]:
    """Yield the run of a folder, if it has one."""
    logs = [each for each in trees.files(folder) if each.name.endswith(_LOG)]
    if logs or _is_online(folder):
        yield _found(folder, name, logs)


def _found(folder: str, name: str, logs: list[trees.Plain]) -> Found:
    # run-20261123_134048-abcd1234, or with `offline-` before it.
    tag = tag_of("wandb", *_named(trees.base(folder)))
    return Found("wandb", name, tag, _Loader(folder, logs).load)


def _is_online(folder: str) -> bool:
    """Say whether this is the folder of a run whose log is no more there."""
    files = os.path.join(folder, _FILES)
    if os.path.islink(files) or not os.path.isdir(files):
        return False
    return any(each.name in (_CONFIG, _SUMMARY) for each in trees.files(files))


def _named(folder: str) -> tuple[float, str]:
    """Return when a run began and what it is called, by the name of its folder."""
    words = folder.removeprefix("offline-").split("-", 2)
    try:
        began = datetime.strptime(words[1], "%Y%m%d_%H%M%S").replace(tzinfo=timezone.utc)
        return began.timestamp(), "-".join(words[1:])
    except (IndexError, ValueError):
        return 0.0, folder


class _Loader:
    def __init__(self, folder: str, logs: list[trees.Plain]) -> None:
        self._folder = folder
        self._logs = logs

    def load(self) -> Run:
        run = Run(origin={"rows": 0})
        for each in self._logs:
            with trees.opened(each.path) as file:
                wandb_log.read(file, run)
        run.origin["sources"] = [digest(each.path) for each in self._logs]
        files = os.path.join(self._folder, _FILES)
        if os.path.isdir(files) and not os.path.islink(files):
            for each in trees.all_files(files, run.skip):
                self._file(run, each)
            links = trees.others(files)
            run.left_out.update({"links": links} if links else {})
        return run

    def _file(self, run: Run, each: trees.Plain) -> None:
        try:
            if each.name == _CONFIG:
                table = yamltext.read(trees.read(each.path, yamltext.MOST), each.name)
                run.documents["config"] = {
                    key: value["value"]
                    for key, value in table.items()
                    if isinstance(value, dict) and "value" in value and key != "_wandb"
                }
            elif each.name in (_SUMMARY, _METADATA):
                document = each.name.removeprefix("wandb-").removesuffix(".json")
                run.documents[document] = jsontext.decode(trees.read(each.path, _MOST))
            else:
                run.files[f"{_FILES}/{each.name}"] = each.path
        except ValueError as problem:
            run.problems.append(f"{each.name}: {problem}")
