"""Many processes that take one lock, without flock(2) to help them."""

import os
import subprocess
import sys

CONTEND = """
import os, sys
from lab_workbook.protocol import locks
path, rounds = sys.argv[1], int(sys.argv[2])

def try_once():
    lock = locks.Lock(path)
    lock.take()
    if not lock.is_held:
        return 0
    try:
        os.mkdir(path + ".inside")
        is_whole = all(lock.is_held for _ in range(300))
        os.rmdir(path + ".inside")
    except OSError:
        is_whole = False
    # It dies with the lock, which those of the next round break at once.
    return 1 if is_whole else 2

for _ in range(rounds):
    gate, opener = os.pipe()
    children = []
    for _ in range(4):
        children.append(os.fork())
        if not children[-1]:
            os.close(opener)
            os.read(gate, 1)
            os._exit(try_once())
    os.close(gate)
    os.close(opener)
    print(*sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_of_many_that_break_the_lock_of_a_dead_one_at_once_one_has_it(tmp_path, no_flock):
    """
    Also without flock(2), which would hide that two have it.
    """
    command = [sys.executable, "-c", CONTEND, str(tmp_path / "lock"), "500"]

    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **no_flock()}
    )

    rounds = [line.split() for line in done.stdout.splitlines()]
    assert len(rounds) == 500
    assert not any("2" in ends for ends in rounds)
    assert all("1" in ends for ends in rounds)
