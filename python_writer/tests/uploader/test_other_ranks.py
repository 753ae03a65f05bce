"""
Series of other processes in a spool, which may be written on after rank 0 has ended or was killed.
"""

import hashlib
import threading
import time

ROW = b"1,0.5,2016-02-12T22:17:34Z\n"


def test_what_is_told_after_the_end_is_passed_over(spool):
    """
    A process of another rank may not have heard of it; what it did before was told by rank 0.
    """
    spool.series("Loss@rank1.csv")
    spool.append("Loss@rank1.csv", ROW)
    spool.tell("series", name="Loss@rank1.csv", saveEvery=None)
    spool.end()
    spool.series("Late@rank1.csv")

    assert spool.start().wait_for_exit() == 0

    assert set(spool.delivered()) == {"Loss@rank1.csv"}
    assert set(spool.end_json()["files"]) == {".lab-workbook/begin.json", "Loss@rank1.csv"}


def test_a_series_that_grows_on_after_its_script_was_killed_is_sealed(make_spool, bucket_prefix, dead_script):
    """
    As far as it was when that was seen; nothing waits for a process that nobody owns.
    """
    spool = make_spool(bucket_prefix, script=dead_script)
    spool.series("Loss@rank1.csv")
    over = threading.Event()
    # Open all the time, as it is in that process.
    file = (spool.path / "Loss@rank1.csv").open("ab", buffering=0)

    def go_on():
        while not over.is_set():
            file.write(ROW)
            # A few thousand rows a second are enough.
            time.sleep(1e-4)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        assert spool.start().wait_for_exit() == 0
    finally:
        over.set()
        thread.join()
        file.close()

    (found,) = spool.delivered().values()
    listed = spool.end_json()["files"]["Loss@rank1.csv"]
    assert listed == {"bytes": len(found), "sha256": hashlib.sha256(found).hexdigest()}
    assert spool.end_json()["outcome"] == "interrupted"
    # begin.json, and the series once.
    assert spool.end_json()["delivery"]["requests"] == {"PUT": 2}
