"""An uploader in which Python itself loops for ever is ended by the kernel, and one that waits is not."""

import signal
import subprocess
import sys

import pytest

ARM = """
import re, signal, time
from lab_workbook_writer.uploader.watchdog import Watchdog
watchdog = Watchdog(cpu_seconds=0.3)
watchdog.rearm()
"""
# Neither another thread nor a handler in Python runs meanwhile.
LOOP = "re.match('(a+)+$', 'a' * 60 + 'b')\n"


def end_of(script, **options):
    return subprocess.run([sys.executable, "-c", script], timeout=60, check=False, **options).returncode


@pytest.mark.parametrize("start", ["", "signal.signal(signal.SIGPROF, signal.SIG_IGN)\n"])
def test_a_process_that_only_computes_is_ended(start):
    """
    Also where the script has passed on that the signal is ignored.
    """
    assert end_of("import signal\n" + start + ARM + LOOP) == -signal.SIGPROF


def test_a_process_that_waits_or_looks_now_and_then_is_not():
    """
    It uses more CPU time than that in all, and less between two looks.
    """
    busy = "for _ in range(8):\n    watchdog.rearm()\n    end = time.process_time() + 0.1\n"
    assert end_of(ARM + "time.sleep(1)\n" + busy + "    while time.process_time() < end: pass\n") == 0
