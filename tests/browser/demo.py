"""Experiments as they look in a lab: three learning rates, one of which was too much."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from lab_workbook import Experiment, ExperimentRepository

_PATCH = """diff --git a/train.lua b/train.lua
index 3f1c2aa..9b2e710 100644
--- a/train.lua
+++ b/train.lua
@@ -12,5 +12,5 @@ local options = {{
-   learningRate = 0.1,
+   learningRate = {rate},
    momentum = 0.9,
 }}
"""
_RUNS = [
    ("201602122149-PMJ8a76csB", 0.1, "finished", "the baseline"),
    ("201602122240-sQkhvvsj4J", 0.02, "finished", "a fifth of the rate: slower, and better in the end"),
    ("201602131017-56THQt7aXk", 0.4, "failed", "too much?"),
]


def experiments(root: Path) -> list[Experiment]:
    """Make the experiments, the same each time."""
    return [_experiment(root, seed, run) for seed, run in enumerate(_RUNS)]


def _experiment(root: Path, seed: int, run: tuple[str, float, str, str]) -> Experiment:
    tag, rate, outcome, note = run
    noise = np.random.default_rng(seed)
    epochs = np.arange(1, 1_201 if outcome == "failed" else 4_001)
    loss = (
        0.1
        + rate / 4
        + 2.2 * np.exp(-epochs * np.sqrt(rate) / 250)
        + noise.normal(0, 0.012 + rate / 8, len(epochs)) ** 2
    )
    norm = 0.4 + 3 * np.exp(-epochs / 900) + np.abs(noise.normal(0, 0.15 + rate / 2, len(epochs)))
    if outcome == "failed":
        loss[1_000:] *= np.exp(np.arange(200) / 110)
        norm[1_000:] *= np.exp(np.arange(200) / 90)
    start = np.datetime64(f"{tag[:4]}-{tag[4:6]}-{tag[6:8]}T{tag[8:10]}:{tag[10:12]}:00")
    dates = start + np.arange(1, len(epochs) + 1)
    rows = (
        f"{e},{a!r},{b!r},{d}Z"
        for e, a, b, d in zip(epochs, loss.tolist(), norm.tolist(), dates, strict=True)
    )
    begin = {
        "protocol": "lab-workbook 1.1",
        "tag": tag,
        "writer": "lab-workbook-lua 1.1.0",
        "runtime": "LuaJIT 2.1",
        "host": "gpu7" if rate != 0.02 else "gpu9",
        "command": f"th train.lua -learningRate {rate}",
        "started": f"{start}Z",
        "note": note,
    }
    error = {"type": "AssertionError", "message": "the loss grows"} if outcome == "failed" else None
    end = {"ended": f"{dates[-1]}Z", "outcome": outcome, "error": error, "lost": {}, "files": {}}
    options = {
        "learningRate": rate,
        "momentum": 0.9,
        "batchSize": 128,
        "net": {"layers": [64, 128], "dropout": 0.5},
    }
    for name, text in {
        ".lab-workbook/begin.json": json.dumps(begin),
        ".lab-workbook/end.json": json.dumps(end),
        "options.json": json.dumps(options),
        "Training loss.csv": "\n".join(["epoch,loss,gradientNorm,Date", *rows, ""]),
        "Source.git-current-commit": "8a8ea1c0d1b2f3e4a5968778695a4b3c2d1e0f90\n",
        "Source.git-patch": _PATCH.format(rate=rate),
    }.items():
        path = root / tag / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ExperimentRepository(root)[tag]
