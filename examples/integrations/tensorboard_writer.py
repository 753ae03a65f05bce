"""
Record a script that logs to TensorBoard: only the import of SummaryWriter is another one.
"""

import torch
from lab_workbook_writer.integrations.tensorboard import SummaryWriter


def main() -> None:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.linspace(-1, 1, 64).reshape(-1, 1)
    with SummaryWriter("runs/line") as writer:
        for step in range(1, 6):
            loss = torch.nn.functional.mse_loss(model(inputs), 2 * inputs + 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            writer.add_scalar("loss/train", loss, step)
            writer.add_histogram("layer/weight", model.weight, step)
        writer.add_image("weight", torch.rand(3, 8, 8), step)
        writer.add_text("remark", "It learns.", step)
        writer.add_hparams({"rate": 0.1}, {"final loss": loss.item()})


if __name__ == "__main__":
    main()
