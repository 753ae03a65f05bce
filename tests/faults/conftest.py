"""The S3 server behind a proxy that faults can be ordered from, and training scripts that use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_workbook_conformance.s3.proxy import Proxy

from tests.faults.drill import SCRIPTS, Training


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
