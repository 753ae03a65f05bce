"""What an experiment keeps in reserve costs addresses and a descriptor, and no memory."""

import subprocess
import sys

import pytest

MEASURE = """
import os
from lab_workbook_writer.spare import Spare

def pages():
    size, resident, *_ = map(int, open("/proc/self/statm").read().split())
    return size, resident

pages()
before = pages()
spare = Spare()
during = pages()
spare.release()
after = pages()
megabytes = os.sysconf("SC_PAGESIZE") / 2**20
print(*(round((now - then) * megabytes) for now, then in zip(during + after, before * 2)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows it")
def test_the_reserve_takes_addresses_alone_and_gives_them_back():
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["16", "0", "0", "0"]
