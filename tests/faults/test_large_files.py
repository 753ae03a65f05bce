"""A model of hundreds of megabytes is streamed, and no loss curve waits for it."""

import os
import re
import time
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook.protocol import _spec
from lab_workbook_conformance.s3.proxy import Exchange

MEGABYTE = 1 << 20


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
        started = (spool_of() / _spec.LAYOUT_JOURNAL).read_text()
        uploader = re.findall(r'"pid": ?(\d+)', started)[-1]
        before = _peak(uploader)
        workbook.save_file("model.pt", tmp_path / "model.pt", move=True)
        assert workbook.flush(120)
        grown = _peak(uploader) - before

    head = s3_client.head_object(Bucket=bucket_prefix.split("/")[2], Key=f"exp/{workbook.tag}/model.pt")
    assert head["ContentLength"] == 300 * MEGABYTE
    assert grown < 100 * MEGABYTE


def wait_until(condition):
    """Look often until a condition holds; fail after a long time."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _peak(process: str) -> int:
    """Return the most memory that a process has held so far, in bytes."""
    status = Path(f"/proc/{process}/status")
    if not os.path.exists(status):
        pytest.skip("this system has no /proc")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
