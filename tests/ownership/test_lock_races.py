"""Many processes that take one lock, without flock(2) to help them."""

import os
import subprocess
import sys

CONTEND = """
import os, random, sys
from lab_workbook.protocol import locks
path, rounds = sys.argv[1], int(sys.argv[2])
random.seed(os.getpid())
held = faults = 0
for _ in range(rounds):
    lock = locks.Lock(path)
    lock.take()
    if not lock.is_held:
        continue
    held += 1
    try:
        os.mkdir(path + ".inside")
        os.rmdir(path + ".inside")
    except OSError:
        faults += 1
    if random.random() < 0.1:
        # Dies with the lock, which the others have to break.
        print(held, faults, flush=True)
        os._exit(0)
    lock.release()
print(held, faults)
"""


def test_of_many_that_break_the_lock_of_a_dead_one_at_once_one_has_it(tmp_path, no_flock):
    """
    Also without flock(2); some of them die with the lock.
    """
    path, held, faults = str(tmp_path / "lock"), 0, 0
    for _ in range(3):
        command = [sys.executable, "-c", CONTEND, path, "60"]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **no_flock()})
            for _ in range(4)
        ]
        for each in running:
            one, two = each.communicate(timeout=120)[0].split()
            held, faults = held + int(one), faults + int(two)

    assert faults == 0
    assert held > 20
