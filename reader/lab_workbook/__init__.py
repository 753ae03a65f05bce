"""
Record machine-learning experiments as plain files, and read them back as pandas.

>>> workbook = lab_workbook.new_experiment()
>>> workbook.save_json("options", {"learning rate": 0.1})
>>> loss_log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
>>> loss_log(epoch=1, loss=0.25)

>>> lab_workbook.ExperimentRepository()[-1]["Training loss.csv"]

Importing this is quick: the reader, pandas, boto3 and the writer arrive when they are first needed.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from lab_workbook.errors import (
    AccessDenied,
    AmbiguousTag,
    ArtifactNotFound,
    BucketNotFound,
    ConfigurationError,
    CredentialsExpired,
    CredentialsMissing,
    ExperimentNotFound,
    InvalidName,
    InvalidQuery,
    InvalidRow,
    InvalidSeries,
    InvalidTag,
    InvalidValue,
    LabWorkbookError,
    Misuse,
    NotComparable,
    NotFound,
    NotRestorable,
    StoreError,
    TagTaken,
    Unreachable,
    Unreadable,
    UnsupportedProtocol,
    Unwritable,
)

if TYPE_CHECKING:
    from lab_workbook_writer.workbook import Workbook

    from lab_workbook.compare.diff import diff
    from lab_workbook.downsampling import downsample
    from lab_workbook.experiment import Experiment
    from lab_workbook.html.report import report
    from lab_workbook.kinds import artifact_processor
    from lab_workbook.models import Model
    from lab_workbook.repository import ExperimentRepository

__all__ = [
    "AccessDenied",
    "AmbiguousTag",
    "ArtifactNotFound",
    "BucketNotFound",
    "ConfigurationError",
    "CredentialsExpired",
    "CredentialsMissing",
    "Experiment",
    "ExperimentNotFound",
    "ExperimentRepository",
    "InvalidName",
    "InvalidQuery",
    "InvalidRow",
    "InvalidSeries",
    "InvalidTag",
    "InvalidValue",
    "LabWorkbookError",
    "Misuse",
    "Model",
    "NotComparable",
    "NotFound",
    "NotRestorable",
    "StoreError",
    "TagTaken",
    "Unreachable",
    "Unreadable",
    "UnsupportedProtocol",
    "Unwritable",
    "artifact_processor",
    "diff",
    "downsample",
    "new_experiment",
    "report",
]

_HOMES = {
    "Experiment": "lab_workbook.experiment",
    "ExperimentRepository": "lab_workbook.repository",
    "Model": "lab_workbook.models",
    "artifact_processor": "lab_workbook.kinds",
    "report": "lab_workbook.html.report",
    "diff": "lab_workbook.compare.diff",
    "downsample": "lab_workbook.downsampling",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def new_experiment(
    *,
    bucket_prefix: str | os.PathLike[str] | None = None,
    tag: str | None = None,
    note: str | None = None,
    resumes: str | None = None,
    rank: int | None = None,
    capture_output: bool = False,
    system_metrics: float | None = None,
    endpoint_url: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    addressing_style: str | None = None,
    server_side_encryption: str | None = None,
    kms_key_id: str | None = None,
    storage_class: str | None = None,
    acl: str | None = None,
    upload_every: float | None = None,
    exit_timeout: float | None = None,
    exit_max: float | None = None,
    uploader: str | None = None,
    spool_dir: str | os.PathLike[str] | None = None,
) -> Workbook:
    """
    Start an experiment and say its tag.

    >>> workbook = lab_workbook.new_experiment(note="twice the momentum")
    >>> workbook.tag
    '201602122149-PMJ8a76csB'

    ``note`` is shown in listings, and ``resumes`` is the tag of the experiment that this one goes on
    from. ``rank`` is that of a process of a distributed training, where its launcher does not say it as
    torchrun, SLURM and MPI do: rank 0 records, and what the others log is kept in series of their own if
    they are on the same host; with ``rank=0`` each of several processes records by itself.
    ``capture_output`` keeps what is printed, as ``output.csv``, and ``system_metrics=10`` the load of the
    machine every 10 seconds, as ``system.csv``.

    All else is a setting: what is left out comes from the environment
    (``LAB_WORKBOOK_BUCKET_PREFIX``), from ``~/.lab-workbook-config`` or from the defaults.

    Leave the workbook by ``with`` or ``close()``, and the experiment has ``finished``. One that is never
    closed ends when the script does, and has ``ended``.

    Raises:
        ConfigurationError: a setting cannot be used.
        InvalidTag: the tag cannot name an experiment (rule ``tag.explicit``).
        TagTaken: another experiment has this tag.
        StoreError: the folder or the bucket refused.
    """
    try:
        from lab_workbook_writer import opening
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lab_workbook_writer":
            raise
        raise LabWorkbookError(
            "recording needs the package lab_workbook_writer, which is not installed here:"
            " `pip install lab-workbook` brings it along"
        ) from None
    return opening.new_experiment(
        bucket_prefix=bucket_prefix,
        tag=tag,
        note=note,
        resumes=resumes,
        rank=rank,
        capture_output=capture_output,
        system_metrics=system_metrics,
        endpoint_url=endpoint_url,
        profile=profile,
        region=region,
        addressing_style=addressing_style,
        server_side_encryption=server_side_encryption,
        kms_key_id=kms_key_id,
        storage_class=storage_class,
        acl=acl,
        upload_every=upload_every,
        exit_timeout=exit_timeout,
        exit_max=exit_max,
        uploader=uploader,
        spool_dir=spool_dir,
    )
