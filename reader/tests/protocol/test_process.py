"""Who wrote an experiment, and whether it is still there."""

import json
import os
import signal
import subprocess
import sys

import pytest
from lab_workbook.protocol import process

WHO = """
import json
from lab_workbook.protocol import process
print(json.dumps(process.identity()), flush=True)
input()
"""


@pytest.fixture
def other():
    """Another process, alive until its input ends, and what it says of itself."""
    child = subprocess.Popen(
        [sys.executable, "-c", WHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield child, json.loads(child.stdout.readline())
    child.kill()
    child.communicate()


def test_a_process_that_runs_is_alive(other):
    """
    Ourselves, and another.
    """
    assert process.is_alive(process.identity()) is True
    assert process.is_alive(other[1]) is True
    assert process.exists(other[1]["pid"]) is True


def test_a_process_that_has_ended_is_not(other):
    """
    Not even as a zombie, which it is until its parent asks for it.
    """
    child, identity = other
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert process.is_alive(identity) is False
    assert process.exists(child.pid) is False


def test_a_process_id_that_is_used_again_is_another_process():
    """
    The time of its start tells.
    """
    identity = process.identity()

    assert process.is_alive({**identity, "pidStarted": "1"}) is False


REPLACED = """
import json, os, sys
from lab_workbook.protocol import process
print(json.dumps(process.identity()), flush=True)
input()
os.execv(sys.executable, [sys.executable, "-c", "print(0, flush=True); input()"])
"""


def test_a_process_that_runs_another_program_since_is_another_process():
    """
    After `os.execv` its id and the time of its start are the same, and nothing of the old program is left.
    """
    with subprocess.Popen(
        [sys.executable, "-c", REPLACED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        identity = json.loads(child.stdout.readline())
        before = process.is_alive(identity)
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        after = process.is_alive(identity)
        old = process.is_alive({key: value for key, value in identity.items() if key != "pidImage"})
        child.communicate("\n")

    assert (before, after) == (True, False)
    # Where a writer did not say which program it is, nobody can know.
    assert old is True


def test_a_program_that_may_not_be_seen_counts_as_the_same():
    """
    Linux shows where the stack of a program lies to its user alone; others see 0.
    """
    hidden = "1 (a b) S " + " ".join(["0"] * 49)

    assert process.image_of(hidden) is None
    assert process.image_of("") is None


@pytest.mark.parametrize(
    "change",
    [
        {"bootId": "another boot"},
        {"pidNamespace": None},
        {"pid": "4711"},
        {"pid": True},
        {"pidStarted": None},
        {"bootId": None},
    ],
)
def test_what_cannot_be_known_from_here_is_not_guessed(change):
    """
    Another machine, another container, a document of a stranger.
    """
    assert process.is_alive({**process.identity(), **change}) is None


@pytest.mark.parametrize("pid", [None, "1", 0, -1, 2**70, True])
def test_what_is_no_process_id_does_not_exist(pid):
    """
    It comes from a file.
    """
    assert process.exists(pid) is False


@pytest.fixture
def contained():
    """A process in a namespace of process ids of its own, and what it says of itself."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c", WHO]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = child.stdout.readline()
    if not line or not process.sees_all():
        child.communicate()
        pytest.skip("needs the right to make a namespace of process ids, in the first one of a machine")
    yield child, json.loads(line)
    child.kill()
    child.communicate()


def test_a_container_that_has_ended_took_its_processes_along(contained):
    """
    While anything runs in it, nobody outside of it knows which process is which.
    """
    child, identity = contained

    before = process.is_alive(identity)
    child.communicate("\n")

    assert identity["pid"] == 1
    assert before is None
    assert process.is_alive(identity) is False


HIDDEN = """
import os, subprocess, sys
from lab_workbook.protocol import process
subprocess.run(["mount", "-t", "proc", "-o", sys.argv[1], "proc", "/proc"], check=True)
first = process.identity()
if not os.fork():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    print(process.is_alive(first), process.is_alive(process.identity()), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize("option", ["hidepid=1", "hidepid=2"])
def test_a_process_that_is_hidden_from_us_is_not_dead(option):
    """
    Some clusters show each user no processes but their own.
    """
    command = ["unshare", "--pid", "--fork", "--mount", sys.executable, "-c", HIDDEN, option]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr}")

    assert done.stdout == "None True\n"


def test_where_proc_shows_another_namespace_nothing_is_known(other):
    """
    Its numbers are other processes than ours.
    """
    code = "import json, sys; from lab_workbook.protocol import process\n"
    code += (
        "mine = process.identity(); print('pidStarted' in mine, process.is_alive(json.loads(sys.argv[1])))"
    )
    command = ["unshare", "--pid", "--fork", sys.executable, "-c", code, json.dumps(other[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to make a namespace of process ids: {done.stderr}")

    assert done.stdout == "False None\n"


def test_another_boot_is_known_outside_of_containers_only():
    """
    LXC and systemd-nspawn give each container a boot id of its own.
    """
    identity = process.identity()
    inside = {**identity, "bootId": "another boot", "pidNamespace": "pid:[4026532198]"}

    assert process.is_of_another_boot({**identity, "bootId": "another boot"}) is process.sees_all()
    assert process.is_of_another_boot(inside) is False
    assert process.is_of_another_boot(identity) is False
    assert process.is_of_another_boot({}) is False
