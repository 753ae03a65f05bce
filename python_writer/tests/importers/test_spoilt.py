"""Runs whose files a stranger or a broken disk has changed: no bytes end an import in a traceback."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from lab_workbook import ExperimentRepository
from lab_workbook.errors import LabWorkbookError
from lab_workbook_writer import importers
from lab_workbook_writer.importers import record

from python_writer.tests.importers.conftest import FIXTURES

SOURCES = {"tensorboard": "tensorboard", "mlflow": "mlruns", "wandb": "wandb", "optim-logger": "optim"}
PIECES = [b"\n", b"\t", b"\0", b"9" * 50, b"\xff", b"&a ", b"*a ", b"- ", b": ", b"{", b"[", b"nan", b"1e999"]


def spoil(path: Path, chance: random.Random) -> None:
    """Change some bytes of a file, take some away, and put some in."""
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        change = chance.randrange(3)
        if change == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif change == 1:
            del data[at : at + chance.randint(1, 20)]
        else:
            data[at:at] = chance.choice([*PIECES, bytes(data[:100]), chance.randbytes(5)])
    path.write_bytes(data)


def is_recorded(run, tag: str, prefix: str) -> bool:
    try:
        record.as_experiment(run, tag=tag, bucket_prefix=prefix)
    except LabWorkbookError:
        return False
    return True


@pytest.mark.parametrize("kind", SOURCES)
def test_a_spoilt_run_is_imported_as_far_as_it_goes_or_refused(kind, tmp_path):
    """
    What is imported can be read, and its experiment has come to its end.
    """
    prefix, refused = f"file://{tmp_path}/runs/", 0
    for seed in range(15):
        chance = random.Random(seed)
        source = Path(shutil.copytree(FIXTURES / SOURCES[kind], tmp_path / str(seed)))
        if kind == "wandb":
            (files,) = source.glob("*/files")
            (files / "config.yaml").write_text("lr: {value: 0.1}\n")
            (files / "wandb-summary.json").write_text('{"a": [1, {"b": 2}]}')
        found = sorted(path for path in source.rglob("*") if path.is_file())
        for path in chance.sample(found, min(len(found), 3)):
            spoil(path, chance)
        try:
            runs = list(importers.find(kind, str(source)))
        except LabWorkbookError:
            refused += 1
            continue
        for number, run in enumerate(runs):
            refused += not is_recorded(run, f"{seed}-{number}", prefix)

    experiments = list(ExperimentRepository(prefix))
    assert len(experiments) + refused >= 15
    assert len(experiments) > refused
    for experiment in experiments:
        assert experiment.status == "finished"
        for name in experiment.list_artifacts():
            if "/" not in name:
                assert experiment[name] is not None
