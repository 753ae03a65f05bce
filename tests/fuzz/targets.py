"""
The parsers of strangers' bytes: how each is called, the inputs it starts from, and how many inputs it gets.

A target is called with bytes. It returns, or raises one of the exceptions that its pages document. Anything
else is a finding.

Formats with checksums have a second target, in which the input is the bodies of the records: the checksums
are right, so that the parser behind them is reached.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from lab_workbook import series
from lab_workbook.errors import LabWorkbookError
from lab_workbook_writer.importers import yamltext

from tests.fuzz import parsers, runs

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CASES: Final = Path(__file__).resolve().parent / "cases"
_IMPORTS: Final = ROOT / "python_writer/tests/importers/fixtures"

BINARY: Final = 1_000_000
TEXT: Final = 100_000

# A seed of megabytes would make each input slow, and finds nothing that a small one does not.
_LONGEST_SEED: Final = 20_000


class Target(NamedTuple):
    """A parser, the inputs it starts from, the number of inputs, and the exceptions that it documents."""

    call: Callable[[bytes], object]
    seeds: Iterable[bytes]
    inputs: int
    documented: tuple[type[Exception], ...] = (LabWorkbookError,)

    def __call__(self, data: bytes) -> None:
        with contextlib.suppress(*self.documented):
            self.call(data)


def _files(folder: Path, pattern: str) -> list[bytes]:
    found = [path.read_bytes()[:_LONGEST_SEED] for path in sorted(folder.rglob(pattern)) if path.is_file()]
    assert found, f"there are no seeds {pattern} in {folder}"
    return found


def _safetensors(header: str, body: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header.encode() + body


_T7 = _files(ROOT / "reader/tests/t7/gold", "*.t7")[::4]
_EVENTS = _files(_IMPORTS / "tensorboard", "events*")
_LOGS = _files(_IMPORTS / "wandb", "*.wandb")
_META = _files(_IMPORTS / "mlruns/993485857127020088/2780c8a19bdf4a338cbf75f6efa0cdea", "meta.yaml")
_ROW = b"%d,0.5,2016-02-12T21:49:0%dZ\n"

# Where one run of each program lies.
_MLFLOW = "993485857127020088/2780c8a19bdf4a338cbf75f6efa0cdea"
_MLFLOW_EXPERIMENT = (
    "993485857127020088/meta.yaml",
    (_IMPORTS / "mlruns/993485857127020088/meta.yaml").read_bytes(),
)
_WANDB = "run-20261123_134048-abcd1234"

TARGETS: Final[dict[str, Target]] = {
    "t7": Target(parsers.read_t7, [bytes([form]) + data for data in _T7 for form in (0, 3)], BINARY),
    "safetensors": Target(
        parsers.read_safetensors,
        [
            _safetensors('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
            _safetensors('{"a":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}', bytes(2)),
            _safetensors('{"__metadata__":{"a":"b"}}', b""),
        ],
        BINARY,
    ),
    "tensorboard": Target(runs.Runs("tensorboard", "events.out.tfevents.1"), _EVENTS, BINARY),
    "tensorboard-events": Target(runs.import_events, list(map(runs.event_bodies, _EVENTS)), BINARY),
    "wandb": Target(runs.Runs("wandb", f"{_WANDB}/run-abcd1234.wandb"), _LOGS, BINARY),
    "wandb-records": Target(runs.import_log, list(map(runs.log_bodies, _LOGS)), BINARY),
    "series": Target(
        parsers.read_series,
        [
            b"epoch,loss,Date\n1,0.5,2016-02-12T21:49:00Z\n2,,2016-02-12T21:49:01Z\n",
            b'step,"a, ""b""",text,Date\n1,true,"x\r\ny",2016-02-12T21:49:00.123Z\n',
            b"a,b\n1,2\n",
            b"a,a,a,a.1,Date\n1,2,3,4,2016-02-12T21:49:00Z\n",
        ],
        TEXT,
    ),
    "series-1.0": Target(
        lambda data: series.read_legacy(data, "loss.csv"),
        [b"epoch,loss,Date\n1,0.5,2016-02-12T21:49:00\n1,nan,x\n", b"a,b\n1,2\n3,4,5\n"],
        TEXT,
    ),
    "growing": Target(
        parsers.grow_series, [b"epoch,loss,Date\n" + b"".join(_ROW % (n, n) for n in range(1, 6))], TEXT
    ),
    "documents": Target(
        parsers.read_documents,
        [
            b'{"protocol": "lab-workbook 1.1", "tag": "A", "started": "2016-02-12T21:49:00Z"}',
            b'{"ended": "2016-02-12T21:49:00Z", "outcome": "finished", "files": {"a": {"bytes": 1}}}',
        ],
        TEXT,
    ),
    "json": Target(
        parsers.read_json,
        [b'{"a": [1, -2.5e300, NaN, "\\ud800"], "b": {"c": null}}', b"\xef\xbb\xbf[true]"],
        TEXT,
        (ValueError,),
    ),
    "filter": Target(
        parsers.apply_filter,
        [
            b'options.rate < 0.1 and status == "finished"',
            b"`options.rate` is missing or not (epochs * 2 ** 3 - 1 >= 5)",
            b"labels contains 'a' and started > '2016-02-12' and status in ['x', \"y\"]",
        ],
        TEXT,
    ),
    "names": Target(
        parsers.check_names,
        [
            b"Training loss.csv",
            b"201602122149-PMJ8a76csB",
            b"s3://bucket/a/",
            b"file:///a/b",
            b"a.csv.d/0-10",
        ],
        TEXT,
    ),
    "yaml": Target(lambda data: yamltext.read(data, "meta.yaml"), _META, TEXT),
    "mlflow-meta": Target(
        runs.Runs(
            "mlflow", f"{_MLFLOW}/meta.yaml", [_MLFLOW_EXPERIMENT, (f"{_MLFLOW}/metrics/a", b"1 2 3\n")]
        ),
        _META,
        TEXT,
    ),
    "mlflow-metric": Target(
        runs.Runs("mlflow", f"{_MLFLOW}/metrics/a", [_MLFLOW_EXPERIMENT, (f"{_MLFLOW}/meta.yaml", _META[0])]),
        [b"1795441248000 0.5 0\n1795441248001 nan 1\n", b"1 2\n"],
        TEXT,
    ),
    "optim-logger": Target(runs.Runs("optim-logger", "test.log"), _files(_IMPORTS / "optim", "*.log"), TEXT),
    "wandb-summary": Target(
        runs.Runs("wandb", f"{_WANDB}/files/wandb-summary.json"),
        [b'{"loss": 0.5, "_step": 3, "_timestamp": 1795441248.5}'],
        TEXT,
    ),
    "history-csv": Target(
        runs.Runs("wandb", "history.csv", at="history.csv"),
        [b"_step,loss,_timestamp\n0,0.5,1795441248\n1,nan,\n"],
        TEXT,
    ),
    "history-json": Target(
        runs.Runs("wandb", "history.json", at="history.json"),
        [b'[{"_step": 0, "loss": 0.5}, {"loss": "x"}]'],
        TEXT,
    ),
    "history-jsonl": Target(
        runs.Runs("wandb", "history.jsonl", at="history.jsonl"),
        [b'{"step": 0, "loss": 0.5}\n{"loss": true}\n'],
        TEXT,
    ),
}
