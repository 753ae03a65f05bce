"""
Importers: what other programs have recorded becomes experiments.

>>> for found in importers.find("mlflow", "mlruns"):
...     recorded = record.as_experiment(found)

Each module reads the files of one program, without that program: TensorBoard, Weights & Biases, MLflow and
Torch's optim.Logger. Files come from strangers, so all that is read is checked and bounded, no link below the
given path is followed, and nothing is run.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Final

from lab_workbook_writer.importers.run import Found

#: What can be imported, and the module that does it; each is loaded when it is asked for.
KINDS: Final = {
    "mlflow": "mlflow",
    "optim-logger": "optim_logger",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
}


def find(kind: str, path: str) -> Iterator[Found]:
    """
    Yield the runs of one kind that lie at a path or below it, in the order of their paths.

    >>> [found.name for found in find("tensorboard", "logs")]
    ['baseline', 'baseline/validation']

    Raises:
        Unreadable: nothing of this kind lies there.
    """
    module = importlib.import_module(f"{__name__}.{KINDS[kind]}")
    # A link that somebody names is meant; those below it are a stranger's.
    found: Iterator[Found] = module.find(os.path.realpath(path))
    return found
