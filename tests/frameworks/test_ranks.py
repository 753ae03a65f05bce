"""
Real torchrun, with two processes that average their gradients: one experiment, and nothing twice.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab_workbook import Experiment

pytestmark = pytest.mark.soak

TRAIN = """
import os
import lab_workbook, torch
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

def main():
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    workbook = lab_workbook.new_experiment(note=f"rank {rank}")
    workbook.save_json("options", {"rate": 0.1})
    own = workbook.new_time_series_log("Own", ["step", "loss"])
    torch.manual_seed(0)
    x = torch.randn(256, 4)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    loader = DataLoader(data, 16, sampler=DistributedSampler(data), **WORKERS)
    model = DistributedDataParallel(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step, (inputs, targets) in enumerate(loader):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        own(step=step, loss=loss.detach())
        workbook.log({"loss": loss.detach(), "rank": rank}, step=step)
    workbook.save_torch("model", model.module.state_dict())
    torch.distributed.barrier()
    if END == "close":
        workbook.close()
    torch.distributed.destroy_process_group()

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(("context", "end"), [("fork", "close"), ("spawn", "close"), ("fork", "exit")])
def test_torchrun_makes_one_experiment(
    run: Callable[..., Any], recorded: Callable[[], list[Experiment]], work: Path, context: str, end: str
) -> None:
    """
    With workers of a data loader beside each rank; the other rank's series are in it, and sealed.
    """
    workers = {"num_workers": 2, "multiprocessing_context": context}
    head = f"WORKERS, END = {workers!r}, {end!r}\n"
    (work / "train.py").write_text(head + textwrap.dedent(TRAIN))

    done = run(
        "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "train.py", OMP_NUM_THREADS="1"
    )

    (experiment,) = recorded()
    assert experiment.status == "finished"
    assert experiment.note == "rank 0"
    assert set(experiment) == {
        *("Own.csv", "Own@rank1.csv", "metrics.csv", "metrics@rank1.csv", "model.pt", "options.json"),
    }
    assert experiment.verify()
    for rank in (0, 1):
        metrics = experiment.metrics(rank=rank)
        assert metrics.index.tolist() == list(range(8))
        assert set(metrics["rank"]) == {rank}
        own = experiment[f"Own{'@rank1' if rank else ''}.csv"]
        assert own["loss"].tolist() == metrics["loss"].tolist()
    assert done.stdout.count("lab-workbook: experiment") == 1
    said = [line for line in done.stderr.splitlines() if "lab-workbook" in line]
    assert said == [
        "lab-workbook: rank 1 saves no 'options.json': rank 0 records the experiment (rank=0 changes that)"
    ]


def test_a_training_that_is_started_again_is_another_experiment(
    run: Callable[..., Any], recorded: Callable[[], list[Experiment]], work: Path
) -> None:
    """
    torchrun restarts all ranks when one dies; each attempt has its own, and the second finds the right one.
    """
    (work / "train.py").write_text(
        textwrap.dedent("""
        import os, pathlib, signal, time, lab_workbook
        attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        rank = int(os.environ["RANK"])

        def barrier(name):
            # By files, because gloo may connect to a process of the attempt before.
            pathlib.Path(f"{name}-{attempt}-{rank}").touch()
            while not os.path.exists(f"{name}-{attempt}-{1 - rank}"):
                time.sleep(0.01)

        with lab_workbook.new_experiment(note=f"attempt {attempt}") as workbook:
            for step in range(5):
                workbook.log({"loss": step, "attempt": attempt}, step)
            barrier("logged")
            if attempt == 0 and rank == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            barrier("done")
        """)
    )

    run(
        *(
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
            "--max-restarts=1",
            "train.py",
        ),
        OMP_NUM_THREADS="1",
    )

    first, second = sorted(recorded(), key=lambda experiment: experiment.note or "")
    assert (first.status, second.status) == ("lost", "finished")
    for number, experiment in enumerate((first, second)):
        assert experiment.metrics(rank=1)["attempt"].tolist() == [number] * 5
    assert second.verify()
