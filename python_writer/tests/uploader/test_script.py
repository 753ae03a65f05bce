"""What is known of a script: alive, dead with proof, unknown."""

import os
import subprocess
import sys

import pytest
from lab_workbook.protocol import file_systems, process
from lab_workbook_writer.uploader.script import Life, Script

HERE = "ext4 fd63bcf98f2054df"


@pytest.fixture
def other_boot():
    """What begin.json says of a process before this machine was started anew."""
    return {**process.identity(), "bootId": "another boot"}


@pytest.fixture
def here(tmp_path):
    found = file_systems.identify(str(tmp_path))
    if not file_systems.has_one_kernel(found):
        pytest.skip("needs a file system that one kernel alone can mount")
    return found


first_namespace = pytest.mark.skipif(not process.sees_all(), reason="a container has no boot id of its own")


def life(begin, root, file_system):
    return Script(begin, str(root), file_system).life()


def test_a_process_of_this_kernel_is_alive_or_dead(tmp_path, dead_script):
    assert life(process.identity(), tmp_path, "") is Life.ALIVE
    assert life(dead_script, tmp_path, "") is Life.DEAD


@first_namespace
def test_a_machine_that_was_started_anew_runs_no_script_of_before(tmp_path, other_boot, here):
    assert life(other_boot, tmp_path, here) is Life.DEAD


@first_namespace
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("stored", ["", "nfs4 1", "overlay fd63bcf9", "fuse.sshfs 0", "9p 2", "ext4 0"])
def test_on_another_file_system_another_boot_is_no_proof(tmp_path, other_boot, stored):
    """
    A file server sees ext4 where the node that runs the script sees NFS; and a copy is not the spool.
    """
    assert life(other_boot, tmp_path, stored) is Life.UNKNOWN


def test_a_container_may_have_made_its_boot_id_up(tmp_path, other_boot, here):
    """
    LXC and systemd-nspawn do: two of them on one machine differ in it, and share folders.
    """
    assert life({**other_boot, "pidNamespace": "pid:[4026532198]"}, tmp_path, here) is Life.UNKNOWN


@pytest.mark.parametrize("change", [{"bootId": None}, {"bootId": ""}, {"bootId": 5}])
def test_what_is_not_stored_is_no_proof(tmp_path, here, change):
    assert life({**process.identity(), **change}, tmp_path, here) is Life.UNKNOWN


def test_python_and_stat_agree_about_a_file_system(tmp_path):
    """
    Lua can only ask the command.
    """
    shown = subprocess.run(["stat", "-f", "-c", "%i", tmp_path], capture_output=True, text=True, check=False)
    if shown.returncode:
        pytest.skip("this stat does not know -f")

    assert file_systems.identify(str(tmp_path)).split()[1] == f"{int(shown.stdout, 16):x}"


MOUNTS = """
import os, subprocess, sys
from lab_workbook.protocol import file_systems
root = sys.argv[1]
for folder in ("lower", "upper", "work", "over", "with space"):
    os.makedirs(f"{root}/{folder}", exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", f"{root}/with space"], check=True)
print(file_systems.identify(f"{root}/with space"))
subprocess.run(["mount", "-t", "ramfs", "none", f"{root}/with space"], check=True)
print(file_systems.identify(f"{root}/with space"))
"""


def test_the_mount_that_is_seen_is_the_one_that_counts(tmp_path):
    """
    Of several on one folder it is the last one; a name may have spaces.
    """
    command = ["unshare", "--mount", sys.executable, "-c", MOUNTS, str(tmp_path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("needs unshare")
    if done.returncode:
        pytest.skip(f"mounting needs root: {done.stderr}")

    first, second = done.stdout.split("\n")[:2]
    assert first.startswith("tmpfs ")
    assert file_systems.has_one_kernel(first)
    assert not file_systems.has_one_kernel(second)
    assert os.path.isdir(tmp_path / "with space")
