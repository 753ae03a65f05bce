"""How long a script waits at its end for its uploader: only bytes that arrived extend the wait."""

import json
import threading

import pytest
from lab_workbook.protocol import _spec
from lab_workbook_writer.delivery import Delivery

# Each can be repeated for ever by an uploader, or by one uploader after the other, that delivers nothing.
_NO_PROGRESS = ["started", "claiming", "trouble", "recovered", "publishing", "sending", "sealing", "bucket"]


@pytest.fixture
def spool(tmp_path):
    spool = tmp_path / "T.spool"
    (spool / ".lab-workbook").mkdir(parents=True)
    return spool


@pytest.fixture
def repeat(spool):
    """Write an event to the journal many times, with a pause between, and then that all has arrived."""
    over = threading.Event()
    threads = []

    def repeat(event, times, pause):
        def write():
            with (spool / ".lab-workbook" / "journal").open("a") as journal:
                for each in [event] * times + ["ended"]:
                    journal.write(json.dumps({"event": each, "message": "no route"}) + "\n")
                    journal.flush()
                    if over.wait(pause):
                        return

        threads.append(threading.Thread(target=write))
        threads[0].start()

    yield repeat
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("event", _NO_PROGRESS)
def test_an_event_without_bytes_that_arrived_does_not_extend_the_wait(spool, repeat, capsys, event):
    """
    An uploader that tries again and again would otherwise hold the script for as long as exitMax.
    """
    repeat(event, times=600, pause=0.1)
    delivery = Delivery(f"{spool}/", exit_timeout=1, exit_max=600)

    assert delivery.wait_for_end() is False

    delivery.say_how_to_push()
    assert "and nothing has arrived for 1 s (exitTimeout); deliver the rest with:" in capsys.readouterr().err


@pytest.mark.parametrize("event", [each for each in _spec.SPOOL_PROGRESS_EVENTS if each != "ended"])
def test_progress_extends_the_wait(spool, repeat, event):
    """
    A checkpoint may take minutes, and its script waits while it moves.
    """
    repeat(event, times=80, pause=0.1)

    assert Delivery(f"{spool}/", exit_timeout=4, exit_max=600).wait_for_end() is True


def test_the_whole_wait_is_bounded(spool, repeat, capsys):
    """
    By exitMax, also where bytes arrive all the time.
    """
    repeat("progress", times=600, pause=0.1)
    delivery = Delivery(f"{spool}/", exit_timeout=600, exit_max=1)

    assert delivery.wait_for_end() is False

    delivery.say_how_to_push()
    assert "and 1 s (exitMax) are over; deliver the rest with:" in capsys.readouterr().err
