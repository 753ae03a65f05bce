"""
Checkpoints leave the disk once they are in the bucket: a long training needs no more room than a short one.
"""

import os
import time

import lab_workbook
import pytest

MEBIBYTE = 1024 * 1024


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.s3
@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.soak)])
def test_at_most_two_checkpoints_lie_on_the_disk(count, bucket_prefix, isolation, tmp_path):
    """
    The one that is being sent and the one that was just saved, where the network keeps up.
    """
    spools = isolation / ".local" / "state" / "lab-workbook"
    model = tmp_path / "model"
    held = []
    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        (spool,) = spools.iterdir()
        outbox = spool / ".lab-workbook" / "outbox"
        for number in range(count):
            model.write_bytes(os.urandom(MEBIBYTE))
            workbook.save_file(f"model-{number}", model)
            held.append(len(list(outbox.iterdir())))
            # An epoch takes longer than its checkpoint: so long that the one before has gone.
            wait_until(lambda: len(list(outbox.iterdir())) < 2)
        temporary = list((spool / ".lab-workbook" / "tmp").iterdir())

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]
    assert max(held) <= 2
    assert temporary == []
    assert len(experiment.list_artifacts()) == count
    assert not any(experiment.end["lost"].values())


@pytest.mark.s3
def test_checkpoints_under_one_name_are_replaced_before_they_are_sent(
    bucket_prefix, late_s3, isolation, tmp_path
):
    """
    While the network is away the newest of them waits, beside the one that was being sent.
    """
    spools = isolation / ".local" / "state" / "lab-workbook"
    with late_s3.running():
        workbook = lab_workbook.new_experiment(bucket_prefix=bucket_prefix)
    (spool,) = spools.iterdir()
    outbox = spool / ".lab-workbook" / "outbox"
    for number in range(10):
        (tmp_path / "model").write_bytes(bytes([number]) * MEBIBYTE)
        workbook.save_file("model", tmp_path / "model")

    wait_until(lambda: len(list(outbox.iterdir())) <= 2)
    with late_s3.running():
        workbook.close()

        experiment = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]
        assert experiment["model"] == "\t" * MEBIBYTE
        assert not any(experiment.end["lost"].values())
