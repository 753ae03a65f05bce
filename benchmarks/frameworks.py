"""
`make bench-frameworks`: what our loggers add to 1,000 training steps.

Each framework trains a very small model without a logger, with a logger of its own, and with ours: its own
is its CSV logger where it has one, else what it writes for TensorBoard. A row is logged each step. The three
take turns in one process, so that whatever else the machine does meets all alike. The figures are the least
CPU times, because a busy machine can only add to them, with the system's part and that of all threads. The
state of source and environment is saved once a run, however long it is, and has a line of its own.

    python -m benchmarks.frameworks [framework ...]
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

STEPS = 1000
TURNS = 7

# Trains so many steps with the logger of this name: "none", "own" or "ours".
Train = Callable[[str, int], None]
LOGGERS = ("none", "own", "ours")


class Row(NamedTuple):
    """What a training took with each logger, in CPU seconds."""

    name: str
    own_is: str
    seconds: Mapping[str, float]

    def shown(self) -> str:
        none, own, ours = (self.seconds[logger] for logger in LOGGERS)
        ratio = f"{(ours - none) / (own - none):.2f}x" if min(own, ours) > none else "-"
        added = f"{own - none:>+10.3f} s{ours - none:>+10.3f} s"
        return f"{self.name:<14}{none:>9.3f} s{added}{ratio:>9}  {self.own_is}"


def lightning() -> tuple[str, Train]:
    import torch
    from lab_workbook_writer.integrations.lightning import LabWorkbookLogger
    from lightning import LightningModule, Trainer
    from lightning.pytorch.loggers import CSVLogger

    # It holds on to the stderr that it was imported with.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Line(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            loss = (self.layer(batch) - 1).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    def train(logger: str, steps: int) -> None:
        loader = torch.utils.data.DataLoader(torch.ones(steps, 1), batch_size=1)
        made: Any = {
            "none": lambda: False,
            "own": lambda: CSVLogger("."),
            "ours": lambda: LabWorkbookLogger(capture=False),
        }
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        chosen = made[logger]()
        Trainer(logger=chosen, max_epochs=1, log_every_n_steps=1, accelerator="cpu", **quiet).fit(
            Line(), loader
        )
        if logger == "ours":
            chosen.close()

    return "CSVLogger", train


def transformers() -> tuple[str, Train]:
    import torch
    from lab_workbook_writer.integrations.transformers import LabWorkbookCallback
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    words = torch.randint(0, 32, (64, 4))
    data = [{"input_ids": each, "labels": each[0] % 2} for each in words]
    config = BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )

    def train(logger: str, steps: int) -> None:
        arguments = TrainingArguments(
            output_dir=".",
            max_steps=steps,
            logging_steps=1,
            per_device_train_batch_size=1,
            save_strategy="no",
            report_to="tensorboard" if logger == "own" else "none",
            use_cpu=True,
            disable_tqdm=True,
        )
        callbacks = [LabWorkbookCallback(capture=False)] if logger == "ours" else []
        Trainer(
            model=BertForSequenceClassification(config),
            args=arguments,
            train_dataset=data,
            callbacks=callbacks,
        ).train()
        for each in callbacks:
            each.close()

    return "report_to='tensorboard'", train


def accelerate() -> tuple[str, Train]:
    import lab_workbook_writer.integrations.accelerate as ours
    from accelerate import Accelerator

    assert ours

    def train(logger: str, steps: int) -> None:
        chosen: Any = {"none": None, "own": "tensorboard", "ours": "lab_workbook"}[logger]
        accelerator = Accelerator(cpu=True, log_with=chosen, project_dir=".")
        accelerator.init_trackers("line", init_kwargs={"lab_workbook": {"capture": False}})
        step = _step()
        for number in range(steps):
            accelerator.log({"loss": step()}, step=number)
        accelerator.end_training()

    return "log_with='tensorboard'", train


def ignite() -> tuple[str, Train]:
    from ignite.engine import Engine, Events
    from ignite.handlers import TensorboardLogger
    from lab_workbook_writer.integrations.ignite import LabWorkbookLogger

    def train(logger: str, steps: int) -> None:
        step = _step()
        trainer = Engine(lambda *_: step())
        made: Any = {"own": lambda: TensorboardLogger("."), "ours": lambda: LabWorkbookLogger(capture=False)}
        with made[logger]() if logger in made else contextlib.nullcontext() as opened:
            if opened is not None:
                opened.attach_output_handler(
                    trainer,
                    event_name=Events.ITERATION_COMPLETED,
                    tag="train",
                    output_transform=lambda loss: {"loss": loss},
                )
            trainer.run(range(steps))

    return "TensorboardLogger", train


def keras() -> tuple[str, Train]:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import numpy as np
    from lab_workbook_writer.integrations.keras import LabWorkbookCallback

    def train(logger: str, steps: int) -> None:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        made: Any = {
            "none": list,
            "own": lambda: [keras.callbacks.CSVLogger("own.csv")],
            "ours": lambda: [LabWorkbookCallback(capture=False)],
        }
        callbacks = made[logger]()
        # Its own logs epochs alone, so that each step is one.
        model.fit(np.ones((1, 1)), np.ones((1, 1)), epochs=steps, verbose=0, callbacks=callbacks)
        for each in callbacks if logger == "ours" else []:
            each.close()

    return "CSVLogger", train


def hydra() -> tuple[str, Train]:
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from lab_workbook_writer.integrations.hydra import current_workbook

    callback = "+hydra.callbacks.ours._target_=lab_workbook_writer.integrations.hydra.LabWorkbookCallback"

    def train(logger: str, steps: int) -> None:
        @hydra.main(version_base=None)
        def job(_: Any) -> None:
            step, said = _step(), logging.getLogger("job")
            logs: dict[str, Any] = {
                "none": lambda *_: None,
                "own": lambda number, loss: said.info("step %d: loss %r", number, loss),
                "ours": lambda number, loss: current_workbook().log({"loss": loss}, step=number),
            }
            for number in range(steps):
                logs[logger](number, step())

        given = [callback, "+hydra.callbacks.ours.capture=false"] if logger == "ours" else []
        before, sys.argv = sys.argv, ["job", *given]
        try:
            job()
        finally:
            sys.argv = before
            GlobalHydra.instance().clear()

    return "its job's logging", train


def tensorboard() -> tuple[str, Train]:
    import torch.utils.tensorboard
    from lab_workbook_writer.integrations.tensorboard import SummaryWriter

    def train(logger: str, steps: int) -> None:
        step = _step()
        made: Any = {
            "own": lambda: torch.utils.tensorboard.SummaryWriter("."),
            "ours": lambda: SummaryWriter(capture=False),
        }
        with made[logger]() if logger in made else contextlib.nullcontext() as writer:
            for number in range(steps):
                loss = step()
                if writer is not None:
                    writer.add_scalar("loss", loss, number)

    return "torch's SummaryWriter", train


FRAMEWORKS = {
    each.__name__: each for each in (lightning, transformers, accelerate, ignite, keras, hydra, tensorboard)
}


def _step() -> Callable[[], float]:
    """Return what trains a line by a step, and gives the loss."""
    import torch

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    inputs = torch.ones(1, 1)

    def step() -> float:
        loss = (model(inputs) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def measure(name: str, *, steps: int = STEPS, turns: int = TURNS) -> Row:
    """Train by a framework with each logger, in turns; the first turn of each is not counted."""
    import torch

    # Threads of torch that wait for work spin, and their CPU time would hide what is measured.
    torch.set_num_threads(1)
    own_is, train = FRAMEWORKS[name]()
    taken: dict[str, list[float]] = {logger: [] for logger in LOGGERS}
    for turn in range(turns + 1):
        for logger, seconds in taken.items():
            with _somewhere(), _silence():
                start = time.process_time()
                train(logger, steps)
                if turn:
                    seconds.append(time.process_time() - start)
    return Row(name, own_is, {logger: min(seconds) for logger, seconds in taken.items()})


def opening(turns: int = TURNS) -> float:
    """Return what the state of source and environment takes here, in seconds by the clock on the wall."""
    from lab_workbook_writer.integrations.recording import Recording

    taken = []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder, _silence():
            start = time.perf_counter()
            recording = Recording(bucket_prefix=folder)
            recording.open()
            taken.append(time.perf_counter() - start)
            recording.close()
    return min(taken)


@contextlib.contextmanager
def _somewhere() -> Iterator[None]:
    """Work in a fresh folder, where experiments go too."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["LAB_WORKBOOK_BUCKET_PREFIX"] = f"{folder}/experiments"
        try:
            yield
        finally:
            os.chdir(before)
            del os.environ["LAB_WORKBOOK_BUCKET_PREFIX"]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore") if sys.version_info >= (3, 11) else contextlib.nullcontext(),
    ):
        yield


def main(names: Sequence[str]) -> None:
    """Print the table."""
    print(f"{'1,000 steps':<14}{'no logger':>11}{'its own':>12}{'ours':>12}{'ratio':>9}  its own is")
    for name in names or FRAMEWORKS:
        print(measure(name).shown(), flush=True)
    print(f"once a run, the state of source and environment: {opening():.3f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
