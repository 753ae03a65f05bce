"""
Look at what examples/train.lua and examples/train.py have recorded.

    python examples/look.py [picture.png]

Prints the newest experiments, and for the newest one of each script its parameters and its last rows; then
lays both loss curves over each other in a picture.
"""

import sys

import lab_workbook
import pandas as pd
from matplotlib.figure import Figure

NOTE = "lab-workbook demo"
COLOURS = {"train.lua": "#00007f", "train.py": "#e08214"}
BATCHES = 42  # in an epoch: 1,347 digits, 32 at a time


def newest(repository, count=10):
    """Return the experiments that the two examples started last, oldest first."""
    ours = [experiment for experiment in repository[-3 * count :] if experiment.note == NOTE]
    return sorted(ours, key=lambda experiment: experiment.started)[-count:]


def table(experiments):
    """Return one line for each experiment."""
    lines = [
        {
            "tag": experiment.tag,
            "script": experiment["parameters.json"]["script"],
            "status": experiment.status,
            "started": experiment.started.strftime("%Y-%m-%d %H:%M:%S"),
        }
        for experiment in experiments
    ]
    return pd.DataFrame(lines).set_index("tag")


def draw(repository, scripts):
    """Return a figure of the losses and the errors; ``scripts`` maps tags to the labels of their curves."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    losses = repository.meld_csv(scripts, "Training loss.csv", "loss")
    errors = repository.meld_csv(scripts, "Testing error.csv", "error")
    for script in losses.columns:
        colour = COLOURS[script]
        left.plot(losses[script], color=colour, alpha=0.25, linewidth=0.6, zorder=1)
        smooth = losses[script].rolling(BATCHES, min_periods=1, center=True).mean()
        left.plot(smooth, color=colour, linewidth=2.5, label=script)
        right.plot(100 * errors[script], color=colour, linewidth=2, marker="o", markersize=4, label=script)
    left.set(title="Training loss, and its mean over an epoch", ylabel="loss", yscale="log")
    right.set(title="Held-out digits taken for another", ylabel="%", ylim=(0, None))
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def main(picture):
    repository = lab_workbook.ExperimentRepository()
    experiments = newest(repository)
    if not experiments:
        sys.exit("nothing here yet: run examples/train.lua or examples/train.py first")
    print(table(experiments).to_string(), end="\n\n")

    latest = {experiment["parameters.json"]["script"]: experiment for experiment in experiments}
    by_script = dict(sorted(latest.items()))
    parameters = {script: experiment["parameters.json"] for script, experiment in by_script.items()}
    print(pd.DataFrame(parameters).drop(index="script").to_string(), end="\n\n")
    for script, experiment in by_script.items():
        print(f"{script}, {experiment.tag}, the last of Training loss.csv:")
        print(experiment["Training loss.csv"].tail(3).to_string(), end="\n\n")

    labels = {experiment.tag: script for script, experiment in by_script.items()}
    draw(repository, labels).savefig(picture, dpi=120)
    print(f"Both loss curves: {picture}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo.png")
