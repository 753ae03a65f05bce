"""
Files and folders on a machine that others use: private spools, and temporary files that follow no link.
"""

import os
import subprocess
import sys

import lab_workbook
import pytest

SCRIPT = """
import lab_workbook
with lab_workbook.new_experiment() as workbook:
    workbook.save_json("options", {"rate": 0.1})
"""


@pytest.mark.parametrize("folder", ["state/spools", "spools"])
def test_the_folder_of_spools_is_private_also_with_several_ranks(tmp_path, folder):
    """
    Whichever process makes it first, and every folder that it makes on its way there.
    """
    environment = dict(os.environ) | {
        "LAB_WORKBOOK_BUCKET_PREFIX": f"{tmp_path}/experiments/",
        "LAB_WORKBOOK_SPOOL_DIR": f"{tmp_path}/{folder}/",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29500",
    }
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True)

    made = [path for path in tmp_path.rglob("*") if path.is_dir() and "experiments" not in path.parts]
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
    assert (tmp_path / folder).is_dir()


@pytest.fixture
def trap(tmp_path):
    """A file of the user's, and links to it under the names that temporary files once had."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("model.pt", "report.html"):
        for part in (f"{name}.part", f"{name}.{os.getpid()}.part"):
            (tmp_path / part).symlink_to(victim)
    return victim


def test_a_copy_is_not_written_through_a_link_of_somebody_else(tmp_path, trap):
    """
    A link that waits under a name that can be guessed would have a file of the user's overwritten.
    """
    prefix = f"{tmp_path}/experiments/"
    (tmp_path / "source.pt").write_bytes(b"weights")
    with lab_workbook.new_experiment(bucket_prefix=prefix) as workbook:
        workbook.save_file("model.pt", tmp_path / "source.pt")
    experiment = lab_workbook.ExperimentRepository(prefix)[-1]

    experiment["model.pt"].save(tmp_path / "model.pt")
    lab_workbook.report([experiment], tmp_path / "report.html")

    assert trap.read_text() == "mine"
    assert (tmp_path / "model.pt").read_bytes() == b"weights"
    assert (tmp_path / "report.html").stat().st_size > 1000
    assert not (tmp_path / "model.pt").is_symlink()
