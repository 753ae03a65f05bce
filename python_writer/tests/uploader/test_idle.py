"""When a delivery ends by itself although not everything has arrived."""

import json
import subprocess
import sys
import threading

import pytest
from lab_workbook.protocol import process
from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.spool import Spool


@pytest.fixture
def deliver():
    """Deliver a spool in this process, with a short patience."""
    life = LifePipe(None)

    def run(hand_spool, idle_seconds=0.5):
        spool = Spool(str(hand_spool.path))
        with spool.locked() as lock:
            return Delivery(spool, life, lock, idle_seconds=idle_seconds).run()

    yield run
    life.close()


def test_it_gives_up_when_the_script_is_dead_and_nothing_moves(
    make_spool, bucket_prefix, dead_script, late_s3, deliver
):
    """
    The spool is kept for `lab-workbook push`.
    """
    spool = make_spool(bucket_prefix, script=dead_script, endpointUrl=late_s3.url)
    spool.put("a.txt", b"a")

    assert deliver(spool) is Result.GAVE_UP
    assert (spool.own / "outbox" / "1").exists()


def test_a_script_that_was_silent_for_long_is_delivered_when_it_ends(make_spool, bucket_prefix, deliver):
    """
    Patience begins when the script has ended, not when it last said something.
    """
    code = "import json, sys; from lab_workbook.protocol import process\n"
    code += "print(json.dumps(process.identity()), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as script:
        identity = json.loads(script.stdout.readline())
        spool = make_spool(bucket_prefix, script=identity, uploadEvery=3600)
        spool.series("loss.csv")
        silence = threading.Timer(2, script.stdin.close)
        silence.start()

        result = deliver(spool)
        silence.join()

    assert result is Result.ENDED
    assert spool.end_json()["outcome"] == "interrupted"


def test_it_leaves_a_script_of_which_nothing_is_known_once_nothing_moves(make_spool, bucket_prefix, deliver):
    """
    It seals nothing: a script that lives after all starts another uploader.
    """
    elsewhere = {**process.identity(), "bootId": "another machine"}
    spool = make_spool(bucket_prefix, script=elsewhere)
    spool.put("a.txt", b"a")

    assert deliver(spool, idle_seconds=5) is Result.LEFT
    assert spool.delivered() == {"a.txt": b"a"}
    assert spool.path.exists()
    assert ".lab-workbook/end.json" not in [entry.key for entry in spool.store.keys("")]
