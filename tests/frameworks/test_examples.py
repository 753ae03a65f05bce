"""
Each example runs as it stands there, and what it records is what its framework said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "integrations"

# What each leaves behind, besides the state of source and environment: files, and columns of its metrics.
LEFT = {
    "lightning_logger": (
        {"options.json", "checkpoints/line.ckpt"},
        {"train_loss", "val_loss", "test_loss", "epoch"},
    ),
    "transformers_trainer": (
        {"options.json", "model.json", "checkpoints/checkpoint-20/model.safetensors"},
        {"loss", "grad_norm", "learning_rate", "epoch", "eval_loss", "train_runtime", "test_loss"},
    ),
    "accelerate_tracker": ({"options.json"}, {"loss", "epoch"}),
    "ignite_logger": ({"options.json"}, {"train/loss", "validation/mse", "lr/group_0"}),
    "keras_callback": (
        {"options.json", "model.json"},
        {"batch/loss", "batch/mae", "loss", "mae", "val_loss", "val_mae", "epoch", "test_loss", "test_mae"},
    ),
    "hydra_job": ({"options.json", "overrides.json"}, {"loss"}),
    "tensorboard_writer": (
        {"hparams.json", "histograms.csv", "texts.csv", "images/weight-5.png"},
        {"loss/train", "final loss"},
    ),
}
SOURCE = {"Source.git-current-commit", "Source.git-patch", "environment.json"}


@pytest.mark.parametrize("example", sorted(LEFT))
def test_an_example_records(run, recorded, example):
    """
    One experiment, whole, which says that it has finished.
    """
    run(str(EXAMPLES / f"{example}.py"))

    (experiment,) = recorded()
    files, columns = LEFT[example]
    found = set(experiment.list_artifacts())
    assert files | SOURCE <= found
    assert columns <= set(experiment.metrics().columns)
    assert experiment.metrics()[sorted(columns)].notna().any().all()
    assert experiment.status == "finished"
    assert experiment.note in ("a line", "the first word", "runs/line")


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(LEFT)
