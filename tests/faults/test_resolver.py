"""
Name resolution that stops and comes back: an outage like any other, whose line names it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook_conformance.s3.proxy import Exchange, Proxy

from tests.faults import drill

# Without a dot, because moto takes what precedes one for the name of a bucket.
pytestmark = pytest.mark.soak

NAME = "objectstore"
REASON = f"{NAME!r} cannot be resolved"


@pytest.fixture
def stopped(tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that stops name resolution while it exists; scripts know the server by a name alone."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    library = tmp_path / "resolver.so"
    source = Path(__file__).with_name("resolver.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    stopped = tmp_path / "stopped"
    port = proxy.url.rpartition(":")[2]
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("RESOLVER_NAME", NAME)
        patch.setenv("RESOLVER_STOPPED", str(stopped))
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{NAME}:{port}")
        # No connection may be used twice, because it would need no name.
        with proxy.fault(close_afterwards):
            yield stopped


def close_afterwards(exchange: Exchange) -> None:
    """Answer, and close the connection."""
    exchange.reply(exchange.forward())
    exchange._handler.close_connection = True


def experiment(proxy: Proxy, training: drill.Training) -> lab_workbook.Experiment:
    """Return what a reader sees, which knows the server by its address."""
    os.environ["AWS_ENDPOINT_URL_S3"] = proxy.url
    return training.experiment()


def assert_nothing_lost(training: drill.Training, proxy: Proxy) -> None:
    os.environ["AWS_ENDPOINT_URL_S3"] = proxy.url
    drill.assert_nothing_lost(training, len(training.times()))


@pytest.mark.parametrize("language", ["python", "luajit"], indirect=True)
def test_a_script_trains_while_no_name_is_resolved(language, stopped, train, proxy):
    """
    One line says that the server's name is not found, one that deliveries work again.
    """
    training = train(language)
    time.sleep(1)

    began = time.monotonic()
    stopped.touch()
    training.wait_until_said("nothing reaches the bucket")
    ended = time.monotonic()
    stopped.unlink()
    training.wait_until_said("work again")
    training.stop()

    drill.assert_rows_cost_the_same(training.times(), began, ended)
    assert REASON in training.said()[0]
    assert len(training.said()) == 2, training.said()
    assert_nothing_lost(training, proxy)


def test_an_experiment_starts_without_name_resolution(stopped, train, proxy):
    """
    As on a machine that is not in the network yet.
    """
    stopped.touch()
    training = train(arrives=False)
    training.wait_until_said("not in the bucket yet")
    training.wait_until(lambda: training.has_logged(100), "rows")
    stopped.unlink()
    training.wait_until_said("work again")
    training.stop()

    assert REASON in training.said()[0]
    assert_nothing_lost(training, proxy)
