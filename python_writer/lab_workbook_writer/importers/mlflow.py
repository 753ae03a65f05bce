"""
MLflow: a tree of plain files, as ``mlflow`` keeps it in ``mlruns`` where no server or database is named.

Each run is a folder with ``meta.yaml``: its metrics become series, its parameters ``params.json``, its tags
``tags.json``, and its artifacts files below ``artifacts/``. Runs that were deleted are left where they are.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

from lab_workbook.errors import Unreadable

from lab_workbook_writer.importers import trees, yamltext
from lab_workbook_writer.importers.numerals import typed
from lab_workbook_writer.importers.run import Found, Run, failed, isolated, sane, tag_of

_META: Final = "meta.yaml"

# What MLflow itself allows is far below these.
_MOST_TEXT: Final = 1 << 20

_STATUS: Final = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}


def find(path: str) -> Iterator[Found]:
    """
    Yield each run at or below a path: the folder of a run, of an experiment, or ``mlruns``.

    Raises:
        Unreadable: there is none.
    """
    left: list[Found] = []
    # Of each folder with a run, also of those whose runs were deleted.
    seen: set[str] = set()
    experiments = functools.lru_cache(_experiment)
    for folder, name in trees.folders(path, lambda *why: left.append(failed("mlflow", *why))):
        # Artifacts are a stranger's, and may hold a file of any name.
        if not {".trash", "artifacts"} & set(name.split("/")):
            found = isolated(
                "mlflow", trees.base(folder), functools.partial(_runs, folder, seen, experiments)
            )
            seen.update(folder for _ in found)
            yield from found
    yield from left
    if not seen and not left:
        raise Unreadable(f"there is no run of MLflow, a folder with {_META}, in {path} or below it")


def _runs(folder: str, seen: set[str], experiments: Callable[[str], str]) -> Iterator[Found]:
    """Yield the run of a folder, if it has one that was not deleted."""
    if _META not in {each.name for each in trees.files(folder)}:
        return
    meta = os.path.join(folder, _META)
    about = yamltext.read(trees.read(meta, yamltext.MOST), meta)
    if "run_id" not in about and "run_uuid" not in about:
        return
    seen.add(folder)
    if about.get("lifecycle_stage") == "deleted":
        return
    number = _text(about, "run_id", "run_uuid")
    if not number:
        raise Unreadable(f"{meta} gives no id of the run: run_id is not a text or a number")
    name = _text(about, "run_name", "name") or number
    experiment = experiments(os.path.dirname(os.path.abspath(folder)))
    shown = f"{experiment}/{name}" if experiment else name
    tag = tag_of("mlflow", _seconds(about.get("start_time")), number)
    yield Found("mlflow", shown, tag, lambda: _load(folder, number, about, experiment))


def _experiment(folder: str) -> str:
    """Return the name of the experiment whose runs are in a folder."""
    path = os.path.join(folder, _META)
    try:
        return _text(yamltext.read(trees.read(path, yamltext.MOST), path), "name")
    except Unreadable:
        return ""


def _text(about: dict[str, Any], *keys: str) -> str:
    """Return the first of these values that is a text or a number, as a text; empty if there is none."""
    values = (about.get(key) for key in keys)
    return next((str(each) for each in values if isinstance(each, (str, int, float)) and str(each)), "")


def _load(folder: str, number: str, about: dict[str, Any], experiment: str) -> Run:
    run = Run()
    status = about.get("status")
    run.origin = {
        "run": number,
        "experiment": experiment,
        "started": _seconds(about.get("start_time")),
        "ended": _seconds(about.get("end_time")),
        "status": _STATUS[status] if type(status) is int and status in _STATUS else _text(about, "status"),
    }
    for each in _below(run, folder, "metrics"):
        _metric(run, each)
    for kind in ("params", "tags"):
        found = _texts(run, folder, kind)
        if found:
            run.documents[kind] = (
                {key: typed(text) for key, text in found.items()} if kind == "params" else found
            )
    for each in _below(run, folder, "artifacts"):
        run.files[f"artifacts/{each.name}"] = each.path
    links = trees.others(folder)
    run.left_out.update({"links": links} if links else {})
    return run


def _below(run: Run, folder: str, kind: str) -> Iterator[trees.Plain]:
    path = os.path.join(folder, kind)
    # A link would lead out of the tree.
    if os.path.isdir(path) and not os.path.islink(path):
        yield from trees.all_files(path, run.skip)


def _texts(run: Run, folder: str, kind: str) -> dict[str, str]:
    found = {}
    for each in _below(run, folder, kind):
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
