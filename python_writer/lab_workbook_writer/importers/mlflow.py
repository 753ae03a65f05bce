"""
MLflow: a tree of plain files, as ``mlflow`` keeps it in ``mlruns`` where no server or database is named.

Each run is a folder with ``meta.yaml``: its metrics become series, its parameters ``params.json``, its tags
``tags.json``, and its artifacts files below ``artifacts/``. Runs that were deleted are left where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from lab_workbook.errors import Unreadable

from lab_workbook_writer.importers import trees, yamltext
from lab_workbook_writer.importers.numerals import typed
from lab_workbook_writer.importers.run import Found, Run, sane, tag_of

_META: Final = "meta.yaml"

# What MLflow itself allows is far below these.
_MOST_META: Final = 1 << 20
_MOST_TEXT: Final = 1 << 20

_STATUS: Final = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}


def find(path: str) -> Iterator[Found]:
    """
    Yield each run at or below a path: the folder of a run, of an experiment, or ``mlruns``.

    Raises:
        Unreadable: there is none.
    """
    none = True
    for folder, _ in trees.folders(path):
        # Artifacts are a stranger's, and may hold a file of any name.
        parts = folder.split(os.sep)
        meta = os.path.join(folder, _META)
        if {".trash", "artifacts"} & set(parts[len(path.rstrip(os.sep).split(os.sep)) :]):
            continue
        if _META not in {each.name for each in trees.files(folder)}:
            continue
        try:
            about = yamltext.read(trees.read(meta, _MOST_META), meta)
        except Unreadable as problem:
            none = False
            yield _unreadable(folder, problem)
            continue
        if "run_id" not in about and "run_uuid" not in about:
            continue
        none = False
        if about.get("lifecycle_stage") != "deleted":
            yield _found(folder, about)
    if none:
        raise Unreadable(f"there is no run of MLflow, a folder with {_META}, in {path} or below it")


def _found(folder: str, about: dict[str, Any]) -> Found:
    number = str(about.get("run_id") or about.get("run_uuid"))
    name = str(about.get("run_name") or about.get("name") or number)
    experiment = _experiment(folder)
    shown = f"{experiment}/{name}" if experiment else name
    tag = tag_of("mlflow", _seconds(about.get("start_time")), number)
    return Found("mlflow", shown, tag, lambda: _load(folder, about, experiment))


def _unreadable(folder: str, problem: Unreadable) -> Found:
    """Return a run that says what is wrong with it when its turn comes, so that the others come, too."""

    def load() -> Run:
        raise problem

    name = trees.base(folder)
    return Found("mlflow", name, tag_of("mlflow", 0.0, name), load)


def _experiment(folder: str) -> str:
    """Return the name of the experiment that a run belongs to, as the folder above it says."""
    path = os.path.join(os.path.dirname(os.path.abspath(folder)), _META)
    try:
        return str(yamltext.read(trees.read(path, _MOST_META), path).get("name") or "")
    except Unreadable:
        return ""


def _load(folder: str, about: dict[str, Any], experiment: str) -> Run:
    run = Run()
    run.origin = {
        "run": str(about.get("run_id") or about.get("run_uuid")),
        "experiment": experiment,
        "started": _seconds(about.get("start_time")),
        "ended": _seconds(about.get("end_time")),
        "status": _STATUS.get(about.get("status"), str(about.get("status"))),  # type: ignore[arg-type]
    }
    for each in _below(folder, "metrics"):
        _metric(run, each)
    for kind in ("params", "tags"):
        found = _texts(run, folder, kind)
        if found:
            run.documents[kind] = (
                {key: typed(text) for key, text in found.items()} if kind == "params" else found
            )
    for each in _below(folder, "artifacts"):
        run.files[f"artifacts/{each.name}"] = each.path
    links = trees.others(folder)
    run.left_out.update({"links": links} if links else {})
    return run


def _below(folder: str, kind: str) -> Iterator[trees.Plain]:
    path = os.path.join(folder, kind)
    # A link would lead out of the tree.
    if os.path.isdir(path) and not os.path.islink(path):
        yield from trees.all_files(path)


def _texts(run: Run, folder: str, kind: str) -> dict[str, str]:
    found = {}
    for each in _below(folder, kind):
        with trees.opened(each.path) as file:
            text = file.read(_MOST_TEXT + 1)
        if len(text) > _MOST_TEXT:
            run.left_out[f"long {kind}"] += 1
        else:
            found[each.name] = text.decode("utf-8", "replace")
    return found


def _metric(run: Run, each: trees.Plain) -> None:
    """Read a metric: a line for each value, with its time in milliseconds, the value, and the step."""
    with trees.opened(each.path) as file:
        number = 0
        # A line of a stranger may not end.
        while line := file.readline(_MOST_TEXT):
            number += 1
            words = line.split()
            try:
                time, value = int(words[0]), float(words[1])
                step = int(words[2]) if len(words) > 2 else 0
                run.add(each.name, step, time / 1000, value)
            except (ValueError, IndexError, OverflowError):
                run.problems.append(f"{each.name}: line {number} is no value, and what follows is left out")
                return


def _seconds(milliseconds: Any) -> float:
    # A whole number may be larger than any float.
    is_time = type(milliseconds) in (int, float) and abs(milliseconds) < 1 << 60
    return sane(milliseconds / 1000) if is_time else 0.0
