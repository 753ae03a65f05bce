"""A model of hundreds of megabytes, or of five gigabytes, is streamed, and no loss curve waits for it."""

import logging
import os
import re
import shutil
import time
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook.protocol import _spec
from lab_workbook_conformance.s3.proxy import Exchange

from tests.faults.discarding import Discarding

MEGABYTE = 1 << 20
_LOG = logging.getLogger(__name__)


@pytest.fixture
def spool_of(isolation):
    """The folder of the only spool."""

    def found():
        (spool,) = (isolation / ".local/state/lab-workbook").iterdir()
        return spool

    return found


def test_rows_arrive_while_a_model_is_stuck(bucket_prefix, proxy, tmp_path):
    """
    A worker is kept for small things, however many models are under way.
    """
    with (tmp_path / "model.pt").open("wb") as file:
        file.truncate(20 * MEGABYTE)
    with (
        lab_workbook.new_experiment(bucket_prefix=bucket_prefix, upload_every=0.2) as workbook,
        proxy.fault(Exchange.hold, method="PUT", query="*partNumber=*") as rule,
    ):
        for number in range(5):
            workbook.save_file(f"{number}.pt", tmp_path / "model.pt")
        wait_until(lambda: rule.hits >= 3)
        log = workbook.new_time_series_log("loss", ["epoch"])
        for epoch in range(3):
            log(epoch=epoch)
            workbook.flush()
            row = b"\n%d," % epoch
            wait_until(lambda row=row: any(row in put.body for put in proxy.puts("*loss.csv*")))
        assert not proxy.puts("*.pt")
    assert {put.key.rpartition("/")[2] for put in proxy.seen if "uploadId" in put.query} >= {"0.pt", "4.pt"}


def test_a_model_is_streamed(bucket_prefix, s3_client, spool_of, tmp_path):
    """
    The uploader's memory does not grow with the file: 300 MB pass through a fraction of that.
    """
    with (tmp_path / "model.pt").open("wb") as file:
        file.truncate(300 * MEGABYTE)
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        uploader = _uploader(spool_of())
        before = _peak(uploader)
        workbook.save_file("model.pt", tmp_path / "model.pt", move=True)
        assert workbook.flush(120)
        grown = _peak(uploader) - before

    head = s3_client.head_object(Bucket=bucket_prefix.split("/")[2], Key=f"exp/{workbook.tag}/model.pt")
    assert head["ContentLength"] == 300 * MEGABYTE
    assert grown < 100 * MEGABYTE


@pytest.fixture
def discarding(monkeypatch):
    """A server that keeps nothing, with an environment that points to it."""
    with Discarding() as server:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        yield server


@pytest.mark.soak
@pytest.mark.parametrize("move", [True, False], ids=["given away", "copied"])
def test_five_gigabytes_are_streamed_from_one_copy_and_delay_no_row(discarding, spool_of, tmp_path, move):
    """
    While they are under way each row arrives before the next is logged, and the memory stays as it is.
    """
    if shutil.disk_usage(tmp_path).free < 10_000 * MEGABYTE:
        pytest.skip("the disk has no room for it")
    model = tmp_path / "model.pt"
    with model.open("wb") as file:
        file.truncate(5000 * MEGABYTE)
    inode = model.stat().st_ino
    delays = []
    with lab_workbook.new_experiment(bucket_prefix="s3://bucket/exp/", upload_every=0.2) as workbook:
        spool = spool_of()
        log = workbook.new_time_series_log("loss", ["epoch"], save_every=1)
        workbook.save_file("model.pt", model, move=move)
        held = list((spool / ".lab-workbook" / "outbox").iterdir())
        copies = [path for path in spool.rglob("*") if path.is_file() and path.stat().st_size > MEGABYTE]
        inodes = [path.stat().st_ino for path in copies]
        wait_until(lambda: discarding.puts("*/model.pt"))
        while held[0].exists():
            began, row = time.monotonic(), b"\n%d," % len(delays)
            log(epoch=len(delays))
            wait_until(lambda row=row: any(row in put.head for put in discarding.puts("*loss.csv*")))
            delays.append(time.monotonic() - began)
        peak = _peak(_uploader(spool))

    parts = discarding.puts("*/model.pt")
    # Shown by --log-cli-level=info.
    _LOG.info("%d rows, the slowest in S3 after %.1f s; uploader %d MB", len(delays), max(delays), peak / 1e6)
    assert sum(part.size for part in parts) == 5000 * MEGABYTE
    assert copies == held
    assert (inodes == [inode], model.exists()) == (move, not move)
    assert len(delays) > 3
    assert peak < 100_000_000


def wait_until(condition):
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _uploader(spool: Path) -> str:
    """Return the process that delivers a spool."""
    return re.findall(r'"pid": ?(\d+)', (spool / _spec.LAYOUT_JOURNAL).read_text())[-1]


def _peak(process: str) -> int:
    """Return the most memory that a process has held so far, in bytes."""
    status = Path(f"/proc/{process}/status")
    if not os.path.exists(status):
        pytest.skip("this system has no /proc")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
