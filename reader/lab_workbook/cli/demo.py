"""The verb ``demo``: a first experiment, to see what one is."""

from __future__ import annotations

import math
import random
import shlex
from collections.abc import Iterator

import click

import lab_workbook
from lab_workbook.cli import _options, _text

_Point = tuple[float, float, int]

# Enough that the curve has settled, little enough that nobody waits.
_EPOCHS = 40


@click.command("demo")
@_options.prefix
def command(prefix: str | None) -> None:
    """
    Train a very small model, record it, and say how to look at it.

    It learns to tell two clouds of points apart, within a second. The experiment is a real one, where the
    configuration says, or under --prefix.
    """
    parameters = {"learningRate": 0.2, "epochs": _EPOCHS, "points": 400, "seed": 1}
    with lab_workbook.new_experiment(bucket_prefix=prefix, note="lab-workbook demo") as workbook:
        workbook.save_json("options", parameters)
        workbook.save_git_status()
        log = workbook.new_time_series_log("Training loss", ["epoch", "loss", "error"])
        losses = []
        for epoch, (loss, error) in enumerate(_train(parameters["learningRate"]), start=1):
            log(epoch=epoch, loss=loss, error=error)
            losses.append(loss)
        where = f" --prefix {_text.safe(shlex.quote(prefix))}" if prefix else ""
    click.echo(f"the loss fell from {losses[0]:.3f} to {losses[-1]:.3f} in {_EPOCHS} epochs; now try")
    for words in (f"show {workbook.tag}", f"tail {workbook.tag} 'Training loss.csv'"):
        click.echo(f"  lab-workbook {words}{where}")


def _train(learning_rate: float) -> Iterator[tuple[float, float]]:
    """Yield the mean loss and the share of mistakes of each epoch of a logistic regression."""
    # Of its own, so that the curve is the same each time.
    source = random.Random(1)  # noqa: S311 - nothing secret
    points = [_point(source, label) for label in (0, 1) for _ in range(200)]
    across = up = bias = 0.0
    for _ in range(_EPOCHS):
        source.shuffle(points)
        loss = mistakes = 0.0
        for x, y, label in points:
            guess = 1 / (1 + math.exp(-(across * x + up * y + bias)))
            slope = learning_rate * (guess - label) / math.sqrt(len(points))
            across, up, bias = across - slope * x, up - slope * y, bias - slope
            loss -= math.log(guess if label else 1 - guess)
            mistakes += (guess > 1 / 2) != label
        yield loss / len(points), mistakes / len(points)


def _point(source: random.Random, label: int) -> _Point:
    return source.gauss(2 * label - 1, 1), source.gauss(label, 1), label
