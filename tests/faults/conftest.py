"""The S3 server behind a proxy that faults can be ordered from, and training scripts that use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_workbook_conformance.s3.proxy import Proxy

from tests.faults.drill import SCRIPTS, Training
from tests.faults.recording import Recording, kill_uploaders
from tests.ownership.hosts import NAMESPACE


@pytest.fixture
def proxy(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the S3 server, with an environment that points to it."""
    with Proxy(s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        yield proxy


@pytest.fixture(params=SCRIPTS)
def language(request: pytest.FixtureRequest) -> str:
    """The language of a training script."""
    if shutil.which(SCRIPTS[request.param][0]) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def train(tmp_path: Path, bucket_prefix: str, proxy: Proxy) -> Iterator[Callable[..., Training]]:
    """Start a training script; it and its uploaders end with the test."""
    started: list[Training] = []

    def train(language: str = "python", *, arrives: bool = True, **settings: object) -> Training:
        started.append(Training(language, tmp_path, bucket_prefix, **{"upload_every": 0.5, **settings}))
        training = started[-1]
        if arrives:
            training.wait_until(lambda: proxy.puts("*/T/loss.csv") or proxy.puts("*/segments/*"), "a row")
        return training

    yield train
    for training in started:
        training.kill()
        with contextlib.suppress(OSError, ValueError):
            for process in training.uploaders():
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def spool_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all spools that a test's scripts share."""
    monkeypatch.setenv("LAB_WORKBOOK_SPOOL_DIR", str(tmp_path / "spools"))
    return tmp_path / "spools"


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a folder or in a bucket, which scripts use."""
    prefix = f"{tmp_path}/runs/" if request.param == "folder" else request.getfixturevalue("bucket_prefix")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", prefix)
    return str(prefix)


@pytest.fixture
def record(tmp_path: Path, spool_dir: Path) -> Iterator[Callable[..., Recording]]:
    """Start a script that notes each row whose call has returned; it and its uploaders end with the test."""
    started: list[Recording] = []

    def start(language: str, **given: object) -> Recording:
        started.append(Recording(language, tmp_path, **given))
        return started[-1]

    yield start
    for each in started:
        each.kill()
    kill_uploaders(spool_dir)


@pytest.fixture
def push(spool_dir: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `lab-workbook push`, here or in a namespace of process ids of its own."""

    def run(*, is_apart: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(NAMESPACE if is_apart else []),
                *(sys.executable, "-c", "from lab_workbook.cli import main; main()", "push"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "LAB_WORKBOOK_SPOOL_DIR": str(spool_dir)},
        )

    return run
