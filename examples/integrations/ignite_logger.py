"""
Record an engine of PyTorch-Ignite, its metrics and its learning rate.
"""

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import global_step_from_engine
from ignite.metrics import MeanSquaredError
from lab_workbook_writer.integrations.ignite import LabWorkbookLogger


def main() -> None:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.linspace(-1, 1, 64).reshape(-1, 1)
    points = torch.utils.data.TensorDataset(inputs, 2 * inputs + 1)
    loader = torch.utils.data.DataLoader(points, batch_size=8)
    trainer = create_supervised_trainer(model, optimizer, torch.nn.MSELoss())
    evaluator = create_supervised_evaluator(model, {"mse": MeanSquaredError()})

    @trainer.on(Events.EPOCH_COMPLETED)
    def evaluate() -> None:
        evaluator.run(loader)

    with LabWorkbookLogger(note="a line") as logger:
        logger.save_options({"rate": 0.1, "epochs": 3})
        logger.attach_output_handler(
            trainer,
            event_name=Events.ITERATION_COMPLETED(every=4),
            tag="train",
            output_transform=lambda loss: {"loss": loss},
        )
        logger.attach_output_handler(
            evaluator,
            event_name=Events.COMPLETED,
            tag="validation",
            metric_names="all",
            global_step_transform=global_step_from_engine(trainer, Events.ITERATION_COMPLETED),
        )
        logger.attach_opt_params_handler(
            trainer, event_name=Events.ITERATION_COMPLETED(every=4), optimizer=optimizer
        )
        trainer.run(loader, max_epochs=3)


if __name__ == "__main__":
    main()
