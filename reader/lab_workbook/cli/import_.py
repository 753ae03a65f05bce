"""The verb ``import``: what other programs have recorded, as experiments."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from lab_workbook.cli import _options, _text
from lab_workbook.errors import TagTaken
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt
from lab_workbook.repository import ExperimentRepository

if TYPE_CHECKING:
    from lab_workbook_writer.importers.run import Found

Line = dict[str, Any]

_KINDS = ("mlflow", "optim-logger", "tensorboard", "wandb")


@click.command("import")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("path", type=click.Path(exists=True))
@click.option("--tag", help="A tag of your choice, where PATH holds one run.")
@click.option("--note", help="A note for each experiment; where it comes from is added.")
@_options.prefix
@_options.as_json("a JSON list")
def command(
    kind: str, path: str, *, tag: str | None, note: str | None, prefix: str | None, as_json: bool
) -> None:
    r"""
    Record what another program has recorded: each run at PATH or below it becomes an experiment.

    A run gets the same tag each time, so that importing a tree again adds only the runs that are new.

    \b
    lab-workbook import tensorboard logs/
    lab-workbook import mlflow mlruns/
    """
    from lab_workbook_writer import importers

    found = list(importers.find(kind, path))
    if tag is not None and len(found) != 1:
        raise click.UsageError(f"--tag names one experiment, and {len(found)} runs are in {path}")
    there = {experiment.tag: experiment for experiment in ExperimentRepository(prefix)}
    told: list[Line] = []
    for each in found:
        line: Line = {"tag": tag or each.tag, "name": each.name}
        told.append(line)
        if line["tag"] in there:
            line |= _attempted(functools.partial(_there, there[line["tag"]]))
        else:
            line |= _attempted(functools.partial(_recorded, each, tag, note, prefix))
        if not as_json:
            _say(line)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    if any(line.get("problems") for line in told):
        raise SystemExit(1)


def _attempted(do: Callable[[], Line]) -> Line:
    """Return what is told of a run; if it fails, the reason, so that the others are imported."""
    problems: list[str] = []
    done = attempt(do, problems.append)
    return {"status": "failed", "problems": problems} if done is None else done


def _recorded(found: Found, tag: str | None, note: str | None, prefix: str | None) -> Line:
    from lab_workbook_writer.importers import record

    try:
        # The writer says what it makes; here that would be said twice, or stand before JSON.
        with contextlib.redirect_stdout(io.StringIO()):
            made = record.as_experiment(found, tag=tag, note=note, bucket_prefix=prefix)
    except TagTaken:
        return {"status": "there already"}
    return {
        "status": "imported",
        "series": made.series,
        "rows": made.rows,
        "leftOut": made.left_out,
        "problems": made.problems,
    }


def _there(experiment: Experiment) -> Line:
    """Say so of a run that was imported before, and if that import did not come to its end."""
    is_whole = experiment.status == _spec.OUTCOME_FINISHED
    cut_short = (
        f"its import was cut short, it is {experiment.status}: delete {experiment.where} and import again"
    )
    return {"status": "there already", "problems": [] if is_whole else [cut_short]}


def _say(line: Line) -> None:
    words = [line["tag"], line["status"], line["name"]]
    if "rows" in line:
        words.append(f"{line['series']} series, {line['rows']} rows")
    if line.get("leftOut"):
        words.append("left out: " + ", ".join(f"{count} {what}" for what, count in line["leftOut"].items()))
    click.echo("  ".join(map(_text.safe, words)))
    for problem in line.get("problems", []):
        click.echo(f"Warning: {_text.safe(line['name'])}: {_text.safe(problem)}", err=True)
