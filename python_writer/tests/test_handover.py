"""
Files of the caller: copied so that they can change, or given away so that nothing is copied.
"""

import os
import shutil
import subprocess

import lab_workbook
import pytest
from lab_workbook_writer.handover import Source


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"weights")
    return path


def test_a_file_that_is_given_away_is_renamed(workbook, home_of, source):
    """
    The very same file, so that a model of any size costs neither time nor disk.
    """
    inode = source.stat().st_ino

    workbook.save_file("model.pt", source, move=True)

    assert (home_of(workbook) / "model.pt").stat().st_ino == inode
    assert not source.exists()


def test_a_file_on_another_file_system_is_copied_and_removed(workbook, home_of, tmp_path):
    """
    /dev/shm, say, where fast scripts like to put their checkpoints.
    """
    shared = f"/dev/shm/lab-workbook-test-{os.getpid()}"
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is no file system of its own here")
    with open(shared, "wb") as file:
        file.write(b"weights")

    workbook.save_file("model.pt", shared, move=True)

    assert (home_of(workbook) / "model.pt").read_bytes() == b"weights"
    assert not os.path.exists(shared)


def test_a_file_with_another_name_is_copied(workbook, home_of, source, tmp_path):
    """
    Who writes on under the other name must not change what is recorded.
    """
    os.link(source, tmp_path / "other.pt")

    workbook.save_file("model.pt", source, move=True)
    (tmp_path / "other.pt").write_bytes(b"changed")

    assert (home_of(workbook) / "model.pt").read_bytes() == b"weights"
    assert not source.exists()


def test_a_link_is_removed_and_not_what_it_points_to(workbook, home_of, source, tmp_path):
    """
    "latest.pt" is often a symbolic link to a checkpoint that is still wanted.
    """
    link = tmp_path / "latest.pt"
    link.symlink_to(source)

    workbook.save_file("model.pt", link, move=True)

    saved = home_of(workbook) / "model.pt"
    assert (saved.read_bytes(), saved.is_symlink()) == (b"weights", False)
    assert (source.read_bytes(), link.is_symlink()) == (b"weights", False)


@pytest.mark.parametrize("rename", [True, False])
def test_a_file_that_cannot_be_saved_stays(workbook, source, monkeypatch, rename, tmp_path):
    """
    A full disk must not cost the only copy of a model.
    """
    if not rename:
        os.link(source, tmp_path / "other.pt")
    monkeypatch.setattr(os, "replace", _full)

    workbook.save_file("model.pt", source, move=True)

    assert source.read_bytes() == b"weights"


def test_a_workbook_that_is_switched_off_takes_nothing(source, monkeypatch):
    """
    The script's file is still the script's.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")

    with lab_workbook.new_experiment() as workbook:
        workbook.save_file("model.pt", source, move=True)

    assert source.read_bytes() == b"weights"


def test_a_file_that_is_given_away_arrives_in_the_bucket(bucket_prefix, s3_client, source):
    """
    By way of the spool, and from there it goes as any artifact does.
    """
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        workbook.save_file("model.pt", source, move=True)

    bucket = bucket_prefix.split("/")[2]
    found = s3_client.get_object(Bucket=bucket, Key=f"exp/{workbook.tag}/model.pt")
    assert found["Body"].read() == b"weights"
    assert not source.exists()


def test_a_copy_shares_its_blocks_where_the_file_system_can(tmp_path):
    """
    A model of 5 GB is then on the disk once, until one of the two changes.
    """
    maker = shutil.which("mkfs.btrfs") or shutil.which("mkfs.xfs")
    if os.geteuid() != 0 or maker is None:
        pytest.skip("needs root and mkfs.btrfs or mkfs.xfs")
    image, home = tmp_path / "image", tmp_path / "mounted"
    home.mkdir()
    with image.open("wb") as file:
        file.truncate(400 << 20)
    subprocess.run([maker, "-q", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, home], check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no images")
    try:
        model = home / "model.pt"
        model.write_bytes(os.urandom(1 << 20) * 100)
        os.sync()
        before = os.statvfs(home).f_bfree

        with Source(model) as source:
            source.fill(str(home / "copy.pt"))
        os.sync()

        assert (home / "copy.pt").read_bytes() == model.read_bytes()
        assert (before - os.statvfs(home).f_bfree) * os.statvfs(home).f_frsize < 10 << 20
    finally:
        subprocess.run(["umount", home], check=True)


def _full(*_arguments):
    raise OSError(28, "No space left on device")
