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


NAMED = """
import ctypes, json, sys
from lab_workbook.protocol import process
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
print(json.dumps(process.identity()), flush=True)
input()
"""


@pytest.mark.parametrize("name", ["train\nlr=0.1", "a) S 1\n", ")\n) Z", "\n"])
def test_a_process_whose_name_has_line_feeds_is_alive(name):
    """
    `setproctitle` and prctl(2) take any text, and /proc/PID/stat contains it as it is.
    """
    with subprocess.Popen(
        [sys.executable, "-c", NAMED, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        identity = json.loads(child.stdout.readline())
        found = (process.is_alive(identity), process.exists(child.pid))
        child.communicate("\n")

    assert identity.keys() >= {"pidStarted", "pidImage"}
    assert found == (True, True)
    assert process.is_alive(identity) is False


LEADERLESS = """
import ctypes, json, os, sys, threading
from lab_workbook.protocol import process

def train():
    while open(f"/proc/self/task/{os.getpid()}/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    print(process.is_alive(identity), flush=True)
    sys.stdin.readline()
    os._exit(0)

identity = process.identity()
print(json.dumps(identity), flush=True)
threading.Thread(target=train).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.parametrize("is_apart", [False, True])
def test_a_process_whose_first_thread_has_ended_is_alive(is_apart, request):
    """
    Its state is that of a zombie until the last thread has ended; nor is its namespace empty.
    """
    apart = request.getfixturevalue("contained_command") if is_apart else []
    with subprocess.Popen(
        [*apart, sys.executable, "-c", LEADERLESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        identity = json.loads(child.stdout.readline())
        itself = child.stdout.readline()
        found = (process.is_alive(identity), process.exists(child.pid))
        child.communicate("\n")

    assert itself == "True\n"
    assert found == (None if is_apart else True, True)
    assert process.is_alive(identity) is False


UNREADABLE = """
import json, os, resource, sys
from lab_workbook.protocol import process
other = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
print(process.is_alive(process.identity() | other), process.exists(other["pid"]), flush=True)
"""


def test_a_process_that_cannot_be_looked_up_is_not_dead(other):
    """
    A process without free descriptors cannot read /proc.
    """
    command = [sys.executable, "-c", UNREADABLE, json.dumps(other[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "None True\n"


@pytest.fixture
def contained_command():
    """The command that runs another one in a namespace of process ids of its own."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    if done.returncode or not process.sees_all():
        pytest.skip("needs the right to make a namespace of process ids, in the first one of a machine")
    return command


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


FOREIGN_PROC = """
import subprocess, sys
from lab_workbook.protocol import process
ended = subprocess.Popen(["true"], stdout=subprocess.PIPE)
ended.stdout.read()
while process.exists(ended.pid):
    pass
living = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print(process.exists(ended.pid), process.exists(living.pid), process.exists(int(sys.argv[1])), flush=True)
living.communicate()
"""


def test_where_proc_shows_another_namespace_the_kernel_is_asked_which_processes_exist(other):
    """
    As in a container that shows the /proc of its machine; its first process is the parent of all orphans.
    """
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", FOREIGN_PROC]
    done = subprocess.run(
        [*command, str(other[1]["pid"])], capture_output=True, text=True, check=False, timeout=30
    )
    if "unshare" in done.stderr:
        pytest.skip(f"needs the right to make a namespace of process ids: {done.stderr}")

    assert done.stdout == "False True False\n"


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
