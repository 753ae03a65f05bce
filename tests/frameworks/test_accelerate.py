"""A real Accelerator."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def accelerator(work: Any) -> Any:
    """Make an accelerator that logs with these."""
    import lab_workbook_writer.integrations.accelerate
    from accelerate import Accelerator

    assert work
    assert lab_workbook_writer.integrations.accelerate
    return lambda log_with: Accelerator(cpu=True, log_with=log_with)


def train(accelerator: Any) -> list[float]:
    """Train by it; gives the losses."""
    import torch

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = accelerator.prepare(model, optimizer)
    inputs, losses = torch.linspace(-1, 1, 8).reshape(-1, 1), []
    for step in range(1, 6):
        loss = (model(inputs) - 2 * inputs).square().mean()
        accelerator.backward(loss)
        optimizer.step()
        losses.append(loss.item())
        accelerator.log({"loss": loss, "nested": {"rate": 0.1}, "image": [1]}, step=step)
    return losses


def test_it_is_known_by_its_name(accelerator, recorded, capsys):
    """
    The project is the note, the configuration its options; what no row can hold is said once.
    """
    made = accelerator("lab_workbook")
    made.init_trackers("digits", config={"rate": 0.1, "act": "relu"})
    losses = train(made)
    made.end_training()

    (experiment,) = recorded()
    rows = experiment["metrics.csv"]
    assert rows.loss.tolist() == losses
    assert rows["nested/rate"].tolist() == [0.1] * 5
    assert rows.index.tolist() == [1, 2, 3, 4, 5]
    assert experiment["options.json"] == {"rate": 0.1, "act": "relu"}
    assert (experiment.note, experiment.status) == ("digits", "finished")
    assert capsys.readouterr().err.count("'image'") == 1


def test_settings_go_through_init_kwargs(accelerator, recorded, tmp_path):
    made = accelerator("lab_workbook")
    made.init_trackers(
        "digits", init_kwargs={"lab_workbook": {"note": "mine", "bucket_prefix": str(tmp_path / "r")}}
    )
    made.end_training()

    assert recorded() == []
    assert len(list((tmp_path / "r").iterdir())) == 1


def test_an_instance_is_a_tracker_too(accelerator, recorded):
    """
    For versions that know no names but their own; and the workbook is what `get_tracker` unwraps.
    """
    from lab_workbook_writer.integrations.accelerate import LabWorkbookTracker

    made = accelerator(LabWorkbookTracker("digits"))
    made.init_trackers("not asked")
    made.get_tracker("lab_workbook", unwrap=True).save_text("remark.txt", "It learns.")
    train(made)
    made.end_training()

    (experiment,) = recorded()
    assert experiment.note == "digits"
    assert {"metrics.csv", "remark.txt"} <= set(experiment.list_artifacts())


def test_a_closed_experiment_stops_no_training(accelerator, capsys):
    made = accelerator("lab_workbook")
    made.init_trackers("digits")
    made.get_tracker("lab_workbook", unwrap=True).close()

    assert len(train(made)) == 5
    made.end_training()

    assert "training goes on" in capsys.readouterr().err


def test_two_processes_are_one_experiment(run, recorded, work):
    """
    Started by torchrun, with gloo.
    """
    (work / "two.py").write_text(
        """
import lab_workbook_writer.integrations.accelerate
from accelerate import Accelerator
accelerator = Accelerator(cpu=True, log_with="lab_workbook")
assert accelerator.num_processes == 2
accelerator.init_trackers("two", config={"rate": 0.1})
for step in range(4):
    accelerator.log({"loss": 1 / (step + 1), "rank": accelerator.process_index}, step=step)
accelerator.end_training()
"""
    )

    run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "two.py", OMP_NUM_THREADS="1")

    (experiment,) = recorded()
    assert experiment["metrics.csv"]["rank"].tolist() == [0] * 4
    assert experiment.status == "finished"
