"""The verb ``verify``: is everything still as it was when the experiment ended?"""

from __future__ import annotations

import json
from typing import Any

import click

from lab_workbook.cli import _options, _text
from lab_workbook.experiment import Experiment
from lab_workbook.protocol import _spec
from lab_workbook.protocol.isolation import attempt
from lab_workbook.repository import ExperimentRepository
from lab_workbook.verify import Verification


@click.command("verify")
@_options.tags(required=False)
@click.option("--all", "everything", is_flag=True, help="Verify all that have ended.")
@_options.prefix
@_options.as_json("a JSON list")
def command(tags: tuple[str, ...], *, everything: bool, prefix: str | None, as_json: bool) -> None:
    """
    Read every file of the experiments TAG... again, and compare it with what end.json lists.

    The exit code is 1 if a file has changed, is gone, or is there and not listed; or if a TAG that was named
    has not ended, so that nothing can be said of it.
    """
    if bool(tags) == everything:
        raise click.UsageError("give the tags of experiments, or --all")
    repository = ExperimentRepository(prefix)
    results = map(_verified, repository) if everything else (each.verify() for each in repository[tags])
    found = []
    for result in results:
        found.append(result)
        if not as_json:
            click.echo(f"{_text.safe(result.tag)}  {result.verdict}")
            for name, problem in result.problems.items():
                click.echo(f"  {_text.safe(name)}  {_text.safe(problem)}")
    if as_json:
        click.echo(json.dumps([_told(each) for each in found], indent=2))
    if not all(each.is_sound or (everything and not each.is_sealed) for each in found):
        raise SystemExit(1)


def _verified(experiment: Experiment) -> Verification:
    """Return the result for one of many experiments, also if it cannot be read at all."""
    problems: list[str] = []
    result = attempt(experiment.verify, problems.append)
    if result is not None:
        return result
    return Verification(experiment.tag, is_sealed=True, problems={_spec.LAYOUT_END: problems[0]})


def _told(each: Verification) -> dict[str, Any]:
    return {
        "tag": each.tag,
        "isSealed": each.is_sealed,
        "isSound": each.is_sound,
        "problems": each.problems,
        "files": each.files,
        "bytes": each.bytes,
        "withoutSum": each.without_sum,
        "endSha256": each.end_sha256,
    }
