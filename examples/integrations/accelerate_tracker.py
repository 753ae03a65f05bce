"""
Record a loop of accelerate; `log_with="lab_workbook"` works because the import below gives it that name.
"""

import lab_workbook_writer.integrations.accelerate  # noqa: F401 - for the name
import torch
from accelerate import Accelerator


def main() -> None:
    accelerator = Accelerator(cpu=True, log_with="lab_workbook")
    accelerator.init_trackers("a line", config={"rate": 0.1, "epochs": 3})
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.linspace(-1, 1, 64).reshape(-1, 1)
    points = torch.utils.data.TensorDataset(inputs, 2 * inputs + 1)
    loader = torch.utils.data.DataLoader(points, batch_size=8)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    step = 0
    for epoch in range(3):
        for batch, targets in loader:
            loss = torch.nn.functional.mse_loss(model(batch), targets)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            step += 1
            accelerator.log({"loss": loss, "epoch": epoch}, step=step)
    accelerator.end_training()


if __name__ == "__main__":
    main()
