"""Real jobs of Hydra."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG = """
rate: 0.1
password: ${oc.env:PASSWORD}
missing: ???
optimizer: {kind: sgd, rate: "${rate}"}
hydra:
  callbacks:
    lab_workbook:
      _target_: lab_workbook_writer.integrations.hydra.LabWorkbookCallback
      note: a job
"""
JOB = """
import hydra
from lab_workbook_writer.integrations.hydra import current_workbook

@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config):
    current_workbook().log({"loss": config.rate, "rate": config.optimizer.rate}, step=1)
    if config.rate > 1:
        raise RuntimeError("the loss is nan")

main()
"""


@pytest.fixture
def job(run: Any, work: Any) -> Any:
    """Run a job of Hydra with these words on its command line."""
    (work / "config.yaml").write_text(CONFIG)
    (work / "job.py").write_text(JOB)
    return lambda *words, **more: run("job.py", *words, PASSWORD="hunter2", **more)


def test_the_configuration_is_as_it_was_composed(job, recorded, work):
    """
    With references where a secret may be behind one.
    """
    job("rate=0.5", "+token=hunter2")

    (experiment,) = recorded()
    options = experiment["options.json"]
    assert options["rate"] == 0.5
    assert options["password"] != "hunter2"
    assert options["optimizer"] == {"kind": "sgd", "rate": "${rate}"}
    assert options["missing"] == "???"
    assert "hydra" not in options
    assert experiment["overrides.json"][0] == "rate=0.5"
    assert experiment["metrics.csv"].rate.tolist() == [0.5]
    assert (experiment.note, experiment.status) == ("a job", "finished")
    folder = work.parent / "lab-workbook" / experiment.tag
    assert not [path.name for path in folder.rglob("*.json") if b"hunter2" in path.read_bytes()]


def test_each_job_of_a_multirun_is_an_experiment(job, recorded):
    """
    Also where one of them fails: its outcome is its own.
    """
    job("--multirun", "rate=0.5,2,0.25", status=1)

    found = {each["options.json"]["rate"]: each.status for each in recorded()}
    assert found in ({0.5: "finished", 2: "failed"}, {0.5: "finished", 2: "failed", 0.25: "finished"})


def test_a_job_without_the_callback_says_what_to_do(job):
    done = job("~hydra.callbacks.lab_workbook", status=1)

    assert "name the callback under hydra.callbacks" in done.stderr


def test_a_job_runs_where_no_experiment_can_be_opened(job, work, recorded):
    """
    Hydra warns of it.
    """
    (work / "job.py").write_text(JOB.replace("    current_workbook()", "    print('runs')\n    config or ()"))

    done = job("hydra.callbacks.lab_workbook.note=[1]")

    assert "runs" in done.stdout
    assert "LabWorkbookCallback.on_job_start raised" in done.stderr
    assert recorded() == []
