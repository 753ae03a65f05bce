"""Real engines of Ignite."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def ignite(work: Any) -> Any:
    assert work
    return pytest.importorskip("ignite")


def engine(steps: list[float] | None = None) -> Any:
    """An engine whose output is one divided by the number of its iteration."""
    from ignite.engine import Engine

    def step(engine: Any, _: Any) -> float:
        output = 1 / engine.state.iteration
        if steps is not None:
            steps.append(output)
        return output

    return Engine(step)


@pytest.mark.usefixtures("ignite")
def test_handlers_record_what_engines_give(recorded):
    """
    Outputs, metrics, attributes of the state, and parameters of an optimizer.
    """
    import torch
    from ignite.engine import Events
    from ignite.metrics import RunningAverage
    from lab_workbook_writer.integrations.ignite import LabWorkbookLogger

    outputs: list[float] = []
    trainer = engine(outputs)
    RunningAverage(output_transform=float).attach(trainer, "average")
    optimizer = torch.optim.SGD(
        [{"params": [torch.ones(1)], "lr": 0.1}, {"params": [torch.ones(1)], "lr": 0.2}]
    )

    with LabWorkbookLogger(note="engines") as logger:
        logger.save_options({"rate": 0.1})
        logger.attach_output_handler(
            trainer,
            event_name=Events.ITERATION_COMPLETED,
            tag="train",
            output_transform=lambda loss: {
                "loss": torch.tensor(loss, dtype=torch.float64),
                "pair": [loss, 0.5],
            },
            state_attributes=["epoch"],
        )
        logger.attach_output_handler(
            trainer, event_name=Events.EPOCH_COMPLETED, tag="train", metric_names="all"
        )
        logger.attach_opt_params_handler(trainer, event_name=Events.EPOCH_STARTED, optimizer=optimizer)
        trainer.run(range(3), max_epochs=2)

    (experiment,) = recorded()
    metrics = experiment.metrics()
    assert metrics["train/loss"].dropna().tolist() == outputs
    assert metrics["train/pair/0"].dropna().tolist() == outputs
    assert metrics["train/epoch"].dropna().tolist() == [1, 1, 1, 2, 2, 2]
    assert len(metrics["train/average"].dropna()) == 2
    assert metrics["lr/group_1"].dropna().tolist() == [0.2, 0.2]
    assert experiment["options.json"] == {"rate": 0.1}
    assert experiment.status == "finished"


@pytest.mark.usefixtures("ignite")
def test_a_fault_of_the_script_is_the_scripts(recorded):
    """
    It is raised where it is made, and is the outcome.
    """
    from ignite.engine import Events
    from lab_workbook_writer.integrations.ignite import LabWorkbookLogger

    trainer = engine()
    with pytest.raises(ZeroDivisionError), LabWorkbookLogger() as logger:  # noqa: PT012 - a block of the script's
        logger.attach_output_handler(
            trainer,
            event_name=Events.ITERATION_COMPLETED,
            tag="train",
            output_transform=lambda loss: {"loss": loss / 0},
        )
        trainer.run(range(3))

    assert recorded()[0].status == "failed"


SCRIPT = """
from ignite.engine import Engine, Events
from lab_workbook_writer.integrations.ignite import LabWorkbookLogger

def step(engine, batch):
    return 1 / batch

trainer, evaluator = Engine(step), Engine(step)
logger = LabWorkbookLogger()
for engine, name in ((trainer, "train"), (evaluator, "test")):
    logger.attach_output_handler(
        engine, event_name=Events.ITERATION_COMPLETED, tag=name, output_transform=lambda loss: loss
    )

def run(engine, *batches):
    try:
        engine.run(batches, max_epochs=2)
    except ZeroDivisionError:
        pass

def evaluate_within(*batches):
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run(batches))

def raise_after_each_epoch():
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: 1 / 0)
"""


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        ("run(trainer, 1, 2)", "finished"),
        ("evaluate_within(1); run(trainer, 1, 2)", "finished"),
        ("run(trainer, 1); run(evaluator, 1)", "finished"),
        ("", "ended"),
        ("run(trainer, 1, 0)", "ended"),
        ("run(trainer, 1); run(trainer, 0)", "ended"),
        ("evaluate_within(1, 0); run(trainer, 1)", "ended"),
        # The evaluations within it have completed, and it has not.
        (
            "evaluate_within(1); raise_after_each_epoch(); run(trainer, 1)",
            "ended",
        ),
        ("run(evaluator, 0); run(trainer, 1)", "finished"),
    ],
)
@pytest.mark.usefixtures("ignite")
def test_the_outcome_is_how_the_engines_ended(run, recorded, runs, outcome):
    """
    The script closes nothing.
    """
    run("-c", SCRIPT + runs)

    assert [each.status for each in recorded()] == [outcome]


@pytest.mark.usefixtures("ignite")
def test_a_closed_experiment_stops_no_training(capsys):
    from ignite.engine import Events
    from lab_workbook_writer.integrations.ignite import LabWorkbookLogger

    trainer = engine()
    logger = LabWorkbookLogger()
    logger.attach_output_handler(
        trainer,
        event_name=Events.ITERATION_COMPLETED,
        tag="train",
        output_transform=lambda loss: loss,
    )
    logger.close()

    assert trainer.run(range(3)).iteration == 3
    assert capsys.readouterr().err.count("training goes on") == 1
