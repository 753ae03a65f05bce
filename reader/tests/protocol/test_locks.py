"""Locks that need neither flock(2) nor a host that sees all processes."""

import os
import signal
import subprocess
import sys

import pytest
from lab_workbook.protocol import locks, process

HOLD = """
import sys
from lab_workbook.protocol import locks
with locks.locked(sys.argv[1]) as lock:
    print(lock.is_held, flush=True)
    input()
"""

FLOCK = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print(True, flush=True)
input()
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lock")


@pytest.fixture
def owner(path):
    """Start another process that holds the lock."""
    started = []

    def start(code=HOLD):
        command = [sys.executable, "-c", code, path]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(holder)
        assert holder.stdout.readline() == "True\n"
        return holder

    yield start
    for each in started:
        each.kill()
        each.communicate()


def take(path, **more):
    with locks.locked(path, **more) as lock:
        return lock.is_held, lock.is_busy, lock.problem


def test_one_process_at_a_time_holds_it(path, owner):
    holder = owner()

    held, is_busy, problem = take(path)
    holder.communicate("\n")

    assert (held, is_busy) == (False, True)
    assert problem == f"is being delivered by another process ({holder.pid} on {os.uname().nodename})"
    assert take(path) == (True, False, "")
    assert not os.path.exists(f"{path}-owner")


def test_the_lock_of_a_dead_process_is_broken(path, owner):
    holder = owner()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert os.listdir(f"{path}-owner")

    assert take(path) == (True, False, "")


def test_a_released_version_that_holds_flock_is_respected(path, owner):
    owner(FLOCK)

    assert take(path) == (False, True, "is being delivered by another process")
    assert locks.is_busy(path)


def test_asking_changes_nothing(path, tmp_path):
    assert not locks.is_busy(path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stranger(path):
    """Leave the lock of a process that nobody can ask."""

    def leave(**more):
        with locks.locked(path) as lock:
            (mine,) = locks.owners(lock.folder)
        os.mkdir(f"{path}-owner")
        theirs = mine._replace(boot="another-boot", **more)
        with open(f"{path}-owner/{theirs}", "w", encoding="ascii"):
            pass
        return theirs

    return leave


def test_an_owner_that_cannot_be_asked_keeps_it(path, stranger):
    """
    Until a person says that it is dead.
    """
    theirs = stranger(namespace="4026539999", host="gpu7", file_system="nfs4-1")

    held, is_busy, problem = take(path)

    assert (held, is_busy) == (False, False)
    assert problem.startswith(f"is being delivered by another process ({theirs.pid} on gpu7), or was until")
    assert os.listdir(f"{path}-owner") == [str(theirs)]
    assert take(path, by_force=True) == (True, False, "")


def test_who_holds_flock_on_this_file_system_knows_that_nobody_else_does(path, stranger):
    """
    In a new container, of which the processes of the old one cannot be seen: the kernel has let go.
    """
    stranger(namespace="4026539999", host="container")

    assert take(path) == (True, False, "")


@pytest.mark.skipif(not process.sees_all(), reason="a container cannot know which boot it runs under")
def test_another_boot_of_this_machine_is_over(path, stranger):
    """
    Where its file system can be mounted by one kernel only.
    """
    stranger(flock="-")

    assert take(path) == (True, False, "")


def test_another_boot_is_not_over_where_several_kernels_mount_the_file_system(path, stranger):
    stranger(flock="-", file_system="nfs4-1")

    assert take(path)[0] is False


def test_a_lock_that_was_given_away_is_not_held_any_more(path):
    with locks.locked(path) as lock:
        (mine,) = locks.owners(lock.folder)
        os.unlink(f"{lock.folder}/{mine}")

        assert not lock.is_held


def test_a_folder_that_cannot_be_written_is_not_another_process(tmp_path):
    assert take(str(tmp_path / "no folder" / "lock")) == (
        False,
        False,
        "cannot be locked: No such file or directory",
    )


@pytest.mark.parametrize("name", ["junk", "a.b.c", ".nfs000"])
def test_what_is_not_an_owner_is_not_removed(path, name):
    os.mkdir(f"{path}-owner")
    with open(f"{path}-owner/{name}", "w", encoding="ascii"):
        pass

    held, is_busy, problem = take(path)

    assert (held, is_busy) == (False, False)
    assert "holds a file that is not ours" in problem
