"""A real Trainer of Lightning, and a small model."""

from __future__ import annotations

import csv
import signal
from typing import Any

import pytest

MODEL = """
import os, sys, torch
{imports}
from lab_workbook_writer.integrations.lightning import LabWorkbookLogger

class Line(LightningModule):
    def __init__(self, rate=0.1, api_key="hunter2", act=torch.nn.ReLU):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        loss = (self.layer(batch) - 2 * batch).square().mean()
        self.log("loss", loss)
        return loss

    def test_step(self, batch, index):
        self.log("test", self.layer(batch).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

LOADER = torch.utils.data.DataLoader(torch.linspace(-1, 1, 32).reshape(-1, 1), batch_size=4)
QUIET = dict(accelerator="cpu", enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1)
"""
LIGHTNING = "from lightning import LightningModule, Trainer\nfrom lightning.pytorch import callbacks, loggers"
PYTORCH_LIGHTNING = "from pytorch_lightning import LightningModule, Trainer, callbacks, loggers"


@pytest.fixture
def train(run: Any) -> Any:
    """Run a script that has a model, a loader and a trainer."""
    return lambda code, imports=LIGHTNING, **more: run(
        "-c", MODEL.replace("{imports}", imports) + code, **more
    )


@pytest.mark.parametrize("imports", [LIGHTNING, PYTORCH_LIGHTNING])
def test_it_records_what_the_csv_logger_does(train, recorded, work, imports):
    """
    Number for number, by both names of Lightning; then a test goes on in the same experiment.
    """
    train(
        """
logger = LabWorkbookLogger()
trainer = Trainer(logger=[logger, loggers.CSVLogger(".", name="theirs", version=0)], max_epochs=2, **QUIET)
model = Line()
trainer.fit(model, LOADER)
trainer.test(model, LOADER)
""",
        imports,
    )

    (experiment,) = recorded()
    with open(work / "theirs/version_0/metrics.csv", encoding="utf-8") as file:
        theirs = list(csv.DictReader(file))
    ours = experiment.metrics()
    for name in ("loss", "test"):
        expected = [float(row[name]) for row in theirs if row.get(name)]
        assert ours[name].dropna().tolist() == expected
        assert expected
    assert experiment.status == "finished"


def test_hyperparameters_are_json_without_secrets(train, recorded):
    """
    A class among them is told as a text.
    """
    train("Trainer(logger=LabWorkbookLogger(), max_steps=1, **QUIET).fit(Line(), LOADER)")

    options = recorded()[0]["options.json"]

    assert options["rate"] == 0.1
    assert options["act"].endswith("ReLU")
    assert options["api_key"] != "hunter2"


def test_only_a_trainer_opens_it(train, recorded):
    """
    Not an import, not a logger that is made, and not a fast_dev_run, in which Lightning logs nothing.
    """
    train(
        """
logger = LabWorkbookLogger()
Trainer(logger=logger, fast_dev_run=True, **QUIET).fit(Line(), LOADER)
"""
    )

    assert recorded() == []


@pytest.mark.parametrize(("choice", "kept"), [("none", []), ("best", ["b=3.ckpt"]), ("all", None)])
def test_checkpoints_are_kept_as_chosen(train, recorded, work, choice, kept):
    """
    Those that are kept are the very bytes that Lightning saved.
    """
    train(
        f"""
logger = LabWorkbookLogger(checkpoints={choice!r})
saver = callbacks.ModelCheckpoint(monitor="step", mode="max", save_top_k=-1, filename="b={{epoch}}",
                                  auto_insert_metric_name=False)
Trainer(logger=logger, callbacks=[saver], max_epochs=4, **QUIET).fit(Line(), LOADER)
"""
    )

    (experiment,) = recorded()
    names = [each for each in experiment.list_artifacts() if each.startswith("checkpoints/")]
    expected = [f"b={epoch}.ckpt" for epoch in range(4)] if kept is None else kept
    assert names == [f"checkpoints/{each}" for each in expected]
    for name in names:
        (saved,) = work.rglob(f"lab-workbook/{experiment.tag}/{name}")
        assert experiment[name] == saved.read_bytes()


def test_the_last_checkpoint_is_the_last(train, recorded, work):
    """
    Lightning saves it under one name, each time anew.
    """
    train(
        """
saver = callbacks.ModelCheckpoint(save_last=True)
logger = LabWorkbookLogger(checkpoints="all")
Trainer(logger=logger, callbacks=[saver], max_epochs=3, **QUIET).fit(Line(), LOADER)
"""
    )

    (experiment,) = recorded()
    (saved,) = work.rglob(f"lab-workbook/{experiment.tag}/checkpoints/last.ckpt")
    assert experiment["checkpoints/last.ckpt"] == saved.read_bytes()


def test_a_checkpoint_choice_that_does_not_exist_is_a_mistake(train):
    assert "'none', 'best' or 'all'" in train("LabWorkbookLogger(checkpoints='some')", status=1).stderr


def test_an_error_is_the_outcome(train, recorded):
    """
    Which Lightning passes on, so that the script ends by it.
    """
    train(
        """
class Broken(Line):
    def training_step(self, batch, index):
        if self.global_step == 3:
            raise RuntimeError("the loss is nan")
        return super().training_step(batch, index)

Trainer(logger=LabWorkbookLogger(), max_epochs=1, **QUIET).fit(Broken(), LOADER)
""",
        status=1,
    )

    (experiment,) = recorded()
    assert (experiment.status, len(experiment.metrics())) == ("failed", 3)


@pytest.mark.parametrize(
    ("stage", "outcome", "error"),
    [
        ("trainer.fit(Line(), LOADER)", "finished", None),
        ("logger.experiment", "ended", None),
        ("trainer.fit(Line(), LOADER)\nraise KeyError('of the script')", "failed", "KeyError"),
        (
            "trainer.fit(Line(), LOADER)\ntry: trainer.test(Broken(), LOADER)\nexcept ValueError: pass",
            "failed",
            "ValueError",
        ),
        (
            "try: trainer.test(Broken(), LOADER)\nexcept ValueError: pass\ntrainer.fit(Line(), LOADER)",
            "finished",
            None,
        ),
        ("os.environ['STOP'] = 'yes'\ntrainer.test(Broken(), LOADER)", "interrupted", "KeyboardInterrupt"),
    ],
)
def test_the_outcome_is_how_lightning_ended_its_last_stage(train, recorded, stage, outcome, error):
    """
    The script closes nothing. An exception that it catches is Lightning's failure all the same.
    """
    train(
        f"""
class Broken(Line):
    def test_step(self, batch, index):
        raise KeyboardInterrupt if "STOP" in os.environ else ValueError("no such batch")

logger = LabWorkbookLogger()
trainer = Trainer(logger=logger, max_steps=2, **QUIET)
{stage}
""",
        status=int(outcome == "interrupted" or error == "KeyError"),
    )

    (experiment,) = recorded()
    assert (experiment.status, (experiment.error or {}).get("type")) == (outcome, error)


def test_a_closed_experiment_stops_no_training(train, recorded):
    """
    Nor does anything else that goes wrong in recording; it is said once.
    """
    done = train(
        """
logger = LabWorkbookLogger(checkpoints="all")

class Closing(Line):
    def training_step(self, batch, index):
        if self.global_step == 3:
            logger.experiment.close()
        return super().training_step(batch, index)

trainer = Trainer(logger=logger, max_epochs=2, **QUIET)
trainer.fit(Closing(), LOADER)
print("steps", trainer.global_step)
"""
    )

    assert "steps 16" in done.stdout
    assert done.stderr.count("training goes on") == 3
    assert len(recorded()[0].metrics()) == 3


def test_an_open_workbook_is_used(train, recorded):
    train(
        """
import lab_workbook
with lab_workbook.new_experiment() as workbook:
    Trainer(logger=LabWorkbookLogger(workbook), max_steps=2, **QUIET).fit(Line(), LOADER)
    workbook.save_text("remark.txt", "still open")
"""
    )

    (experiment,) = recorded()
    assert "remark.txt" in experiment.list_artifacts()
    assert len(experiment.metrics()) == 2


def test_each_row_is_there_when_it_is_logged(train, recorded):
    """
    Killed in the middle, with no chance to say a word.
    """
    train(
        """
import signal
class Killed(Line):
    def on_train_batch_end(self, *_):
        if self.global_step == 5:
            os.kill(os.getpid(), signal.SIGKILL)

Trainer(logger=LabWorkbookLogger(), max_epochs=1, **QUIET).fit(Killed(), LOADER)
""",
        status=-signal.SIGKILL,
    )

    assert len(recorded()[0].metrics()) in (4, 5)


def test_two_processes_are_one_experiment(train, recorded):
    """
    Rank 0 of two, by gloo, records what both trained.
    """
    done = train(
        """
if __name__ == "__main__":
    trainer = Trainer(logger=LabWorkbookLogger(checkpoints="best"), max_epochs=1, devices=2,
                      strategy="ddp_fork", **QUIET)
    trainer.fit(Line(), LOADER)
"""
    )

    (experiment,) = recorded()
    assert len(experiment.metrics()) == 4
    assert done.stdout.count("lab-workbook: experiment") == 1
