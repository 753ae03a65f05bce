"""
Record a training by Lightning: `python lightning_logger.py`, then `lab-workbook show` with the tag it prints.
"""

import torch
from lab_workbook_writer.integrations.lightning import LabWorkbookLogger
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint


class Line(LightningModule):
    """A line through points."""

    def __init__(self, rate: float = 0.1) -> None:  # noqa: ARG002 - save_hyperparameters takes it
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def loss(self, batch: list[torch.Tensor]) -> torch.Tensor:
        inputs, targets = batch
        return torch.nn.functional.mse_loss(self.layer(inputs), targets)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        self.log("val_loss", self.loss(batch))

    def test_step(self, batch: list[torch.Tensor], _: int) -> None:  # noqa: PT019 - no fixture
        self.log("test_loss", self.loss(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["rate"])


def main() -> None:
    seed_everything(1)
    inputs = torch.linspace(-1, 1, 64).reshape(-1, 1)
    points = torch.utils.data.TensorDataset(inputs, 2 * inputs + 1)
    loader = torch.utils.data.DataLoader(points, batch_size=8)
    logger = LabWorkbookLogger(checkpoints="best", note="a line")
    trainer = Trainer(
        logger=logger,
        max_epochs=3,
        log_every_n_steps=4,
        accelerator="cpu",
        callbacks=[ModelCheckpoint(monitor="val_loss", filename="line")],
        enable_progress_bar=False,
    )
    model = Line()
    trainer.fit(model, loader, loader)
    trainer.test(model, loader)


if __name__ == "__main__":
    main()
