"""
Record jobs of Hydra: `python hydra_job.py`, or `python hydra_job.py --multirun rate=0.1,0.01` for one each.
"""

import hydra
import torch
from lab_workbook_writer.integrations.hydra import current_workbook
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path=".", config_name="hydra_job")
def main(config: DictConfig) -> None:
    torch.manual_seed(1)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.rate)
    inputs = torch.linspace(-1, 1, 64).reshape(-1, 1)
    for step in range(1, config.steps + 1):
        loss = torch.nn.functional.mse_loss(model(inputs), 2 * inputs + 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        current_workbook().log({"loss": loss.item()}, step=step)


if __name__ == "__main__":
    main()
