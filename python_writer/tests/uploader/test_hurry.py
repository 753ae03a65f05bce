"""An uploader that is told to end sends at once what is there."""

import signal
import subprocess
import sys

import pytest
from lab_workbook.protocol import process

DEADLY = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


@pytest.mark.parametrize("signum", DEADLY)
def test_rows_that_are_not_due_are_sent_before_it_leaves(make_spool, bucket_prefix, signum):
    """
    The script lives, so the experiment is not sealed, and the spool is kept for the next uploader.
    """
    spool = make_spool(bucket_prefix, uploadEvery=1000)
    spool.start()
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.wait_for("claimed")

    spool.uploader.send_signal(signum)

    assert spool.wait_for_exit() == 1
    assert spool.delivered() == {"loss.csv": b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n"}
    assert spool.path.exists()


def test_a_script_that_ends_by_the_same_signal_is_sealed(make_spool, bucket_prefix):
    """
    As when a machine shuts down, and ends all of them at once.
    """
    script = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started, image = process._started(script.pid), process._image(script.pid)
    identity = {**process.identity(), "pid": script.pid, "pidStarted": started, "pidImage": image}
    spool = make_spool(bucket_prefix, script=identity, uploadEvery=1000)
    spool.start()
    spool.put("a.txt", b"a")
    spool.wait_for("claimed")

    spool.uploader.send_signal(signal.SIGTERM)
    script.terminate()
    script.communicate()

    assert spool.wait_for_exit() == 0
    assert spool.delivered() == {"a.txt": b"a"}
    assert spool.end_json()["outcome"] == "interrupted"


def test_a_server_that_is_silent_holds_nobody_for_long(far_spool, late_s3):
    """
    Whoever ends an uploader kills it soon after; nothing is lost by that.
    """
    with late_s3.running():
        far_spool.start()
        far_spool.wait_for("claimed")
    far_spool.put("a.txt", b"a")
    far_spool.wait_for("trouble")

    far_spool.uploader.send_signal(signal.SIGTERM)

    assert far_spool.wait_for_exit() == 1
    assert (far_spool.own / "outbox" / "1").exists()


def test_a_second_signal_ends_it_at_once(far_spool, late_s3):
    with late_s3.running():
        far_spool.start()
        far_spool.wait_for("claimed")
    far_spool.put("a.txt", b"a")
    far_spool.wait_for("trouble")

    while far_spool.uploader.poll() is None:
        far_spool.uploader.send_signal(signal.SIGTERM)

    assert far_spool.wait_for_exit() == -signal.SIGTERM
