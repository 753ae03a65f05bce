"""
Each page of docs/integrations runs as it stands there, after a few lines that make what a script has already.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import pages

FOLDER = "docs/integrations"
NAMES = ("lightning", "transformers", "accelerate", "ignite", "keras", "hydra", "tensorboard")

LIGHTNING = """
import torch
from lightning import LightningModule, Trainer

class Line(LightningModule):
    def __init__(self, rate=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, _):
        loss = (self.layer(batch) - 1).square().mean()
        self.log("loss", loss)
        return loss
    def test_step(self, batch, _):
        self.log("test_loss", self.layer(batch).mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

model, loader = Line(), torch.utils.data.DataLoader(torch.ones(8, 1), batch_size=1)
quiet = dict(accelerator="cpu", log_every_n_steps=1, enable_progress_bar=False, enable_model_summary=False)
"""
TRANSFORMERS = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
model = BertForSequenceClassification(
    BertConfig(vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8))
data = [{"input_ids": torch.randint(0, 32, (4,)), "labels": torch.tensor(number % 2)} for number in range(16)]
arguments = TrainingArguments(output_dir="trained", max_steps=6, logging_steps=2, learning_rate=0.125,
                              save_strategy="no", use_cpu=True, disable_tqdm=True)
"""
ACCELERATE = "from accelerate import Accelerator"
IGNITE = """
from ignite.engine import Engine, Events
trainer, data = Engine(lambda engine, _: 1 / engine.state.iteration), range(3)
"""
KERAS = """
import keras, numpy
inputs = numpy.linspace(-1, 1, 64).reshape(-1, 1)
targets = 2 * inputs
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
"""
BEFORE = {
    "lightning": LIGHTNING,
    "transformers": TRANSFORMERS,
    "accelerate": ACCELERATE,
    "ignite": IGNITE,
    "keras": KERAS,
    "tensorboard": "",
}


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("name", BEFORE)
def test_a_page_runs(name: str) -> None:
    page = f"{FOLDER}/{name}.md"
    namespace: dict[str, Any] = {}
    exec(BEFORE[name], namespace)

    pages.run_python(page, pages.read(page, "python", "pycon"), namespace)

    for left in ("logger", "recorder"):
        if left in namespace:
            namespace[left].close()


def test_the_page_of_hydra_runs(run: Any, work: Any) -> None:
    """
    As a multirun of a job, with the configuration of the page.
    """
    page = f"{FOLDER}/hydra.md"
    (configuration,) = pages.read(page, "yaml")
    (job,) = pages.read(page, "python")
    (work / "config.yaml").write_text(f"rate: 0.3\nhome: ${{oc.env:HOME}}\n{configuration.text}")
    where = job.text.replace("config_path=None", 'config_path="."')
    (work / "train.py").write_text(f"import hydra\n{where}\nmain()\n")

    run("train.py", "--multirun", "rate=0.1,0.2")

    pages.run_python(page, pages.read(page, "pycon"), {})


def test_every_page_is_run() -> None:
    """
    Each has a block to install by, five lines that show it, and what is there then.
    """
    folder = pages.ROOT / FOLDER

    assert {path.stem for path in folder.glob("*.md")} == {*NAMES, "README"}
    for name in NAMES:
        blocks = pages.read(f"{FOLDER}/{name}.md")
        assert (
            {"python", "pycon"} <= {block.language for block in blocks} <= {"python", "pycon", "sh", "yaml"}
        )
        first = next(block for block in blocks if block.language in ("python", "yaml"))
        assert len([line for line in first.text.splitlines() if line]) <= 6


def test_links_lead_somewhere() -> None:
    for path in (pages.ROOT / FOLDER).glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), link


def test_what_a_page_says_to_install_is_an_extra() -> None:
    """
    Under the very name.
    """
    text = (pages.ROOT / "pyproject.toml").read_text(encoding="utf-8")

    for name in NAMES:
        page = (pages.ROOT / FOLDER / f"{name}.md").read_text(encoding="utf-8")
        for extra in re.findall(r"lab-workbook\[(\w+)\]", page):
            assert extra == name
            assert re.search(rf"^{extra} = \[", text, re.MULTILINE)
