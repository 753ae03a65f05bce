"""The verb ``cost``: what did it cost to send, and what does it cost to keep?"""

from __future__ import annotations

import functools
import json
from typing import Any

import click

from lab_workbook import cost
from lab_workbook.cli import _completion, _options, _text
from lab_workbook.experiment import Experiment
from lab_workbook.protocol.isolation import attempt
from lab_workbook.repository import ExperimentRepository

_LIST = cost.US_EAST_1


@click.command("cost")
@click.argument("tag_or_prefix", required=False, shell_complete=_completion.tags)
@_options.prefix
@click.option("--write", default=_LIST.write, show_default=True, help="Dollars for 1,000 PUT, POST, LIST.")
@click.option("--read", default=_LIST.read, show_default=True, help="Dollars for 1,000 GET, HEAD.")
@click.option("--month", default=_LIST.month, show_default=True, help="Dollars for a GB and month.")
@_options.as_json("a JSON object")
def command(
    tag_or_prefix: str | None, *, prefix: str | None, write: float, read: float, month: float, as_json: bool
) -> None:
    """
    Say what sending an experiment cost, and what a month of keeping it costs, in dollars.

    A prefix (anything with a slash) means all experiments in it, and so does nothing at all. If no prices
    are given, they are AWS's list prices for S3 Standard in us-east-1, of November 2026. What was sent is
    known of experiments that have ended.
    """
    prices = cost.Prices(write, read, month)
    chosen = _chosen(tag_or_prefix, prefix)
    is_one = tag_or_prefix is not None and "/" not in tag_or_prefix
    costs = {each.tag: _cost(each, prices) for each in chosen} if is_one else _costs(chosen, prices)
    if as_json:
        told = {tag: _told(each) for tag, each in costs.items()}
        found = {"experiments": told, "total": _told(cost.total(costs.values())), "prices": prices._asdict()}
        click.echo(json.dumps(found, indent=2))
        return
    lines = [_line(tag, each) for tag, each in costs.items()]
    if len(lines) != 1:
        lines.append(_line("total", cost.total(costs.values())))
    click.echo(_text.columns([("experiment", "requests", "stored", "sending", "a month"), *lines]))
    if prices == _LIST:
        click.echo(f"({cost.US_EAST_1_NAME}; --write, --read and --month take others)", err=True)


def _chosen(tag_or_prefix: str | None, prefix: str | None) -> list[Experiment]:
    if tag_or_prefix is None:
        return ExperimentRepository(prefix).list_experiments()
    # A tag is one part of a key, so what has a slash is none.
    if "/" in tag_or_prefix:
        if prefix is not None:
            raise click.UsageError("give one prefix, not two")
        return ExperimentRepository(tag_or_prefix).list_experiments()
    return [ExperimentRepository(prefix)[tag_or_prefix]]


def _costs(chosen: list[Experiment], prices: cost.Prices) -> dict[str, cost.Cost]:
    """Return the cost of each experiment that can be read; one that cannot is named on stderr."""
    found = {}
    for each in chosen:
        why: list[str] = []
        told = attempt(functools.partial(_cost, each, prices), why.append)
        if told is None:
            _text.warn(f"{each.tag} is left out: {why[0]}")
        else:
            found[each.tag] = told
    return found


def _cost(experiment: Experiment, prices: cost.Prices) -> cost.Cost:
    told = cost.delivery(experiment.end)
    stored = sum(experiment.artifact_sizes().values())
    return cost.of(told[0] if told else {}, stored, prices)


def _told(each: cost.Cost) -> dict[str, Any]:
    return {
        "requests": each.requests,
        "storedBytes": each.stored,
        "sendingDollars": each.once,
        "monthDollars": each.month,
    }


def _line(name: str, each: cost.Cost) -> tuple[str, ...]:
    counted = ", ".join(f"{count:,} {kind}" for kind, count in each.requests.items())
    megabytes = f"{each.stored / 1e6:,.1f} MB"
    return (name, counted or "not known", megabytes, f"${each.once:.6f}", f"${each.month:.6f}")
