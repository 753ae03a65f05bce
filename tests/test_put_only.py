"""
Least privilege, held to by a server that checks: `make test-ceph` runs these and all that writes to S3 with
the keys of a user who has been given what `lab-workbook policy` prints for writers.
"""

import io
import json
import os
import subprocess
import sys

import boto3
import lab_workbook
import pytest
from botocore.exceptions import ClientError
from lab_workbook.protocol import prefix
from lab_workbook.store.s3 import S3Store

pytestmark = pytest.mark.skipif(
    not os.environ.get("LAB_WORKBOOK_TEST_S3_PUT_ONLY"), reason="make test-ceph has a user who only writes"
)


@pytest.fixture
def place(bucket_prefix):
    return prefix.parse(bucket_prefix)


@pytest.fixture
def writers_client(s3):
    """A client with the keys that the writers of these tests have."""
    return boto3.client(
        "s3",
        endpoint_url=s3,
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def doctor():
    """Run `lab-workbook doctor` with the keys of the writer; gives its exit code and findings by name."""

    def run(bucket_prefix):
        command = "from lab_workbook.cli import main; main()"
        arguments = [sys.executable, "-c", command, "doctor", "--json", bucket_prefix]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
        found = json.loads(done.stdout)
        return done.returncode, {each["check"]: (each["level"], each["text"]) for each in found}

    return run


def test_a_stolen_key_of_a_writer_reads_lists_and_deletes_nothing(place, writers_client):
    """
    Of what anybody else has put there.
    """
    S3Store(place).replace("secret.json", io.BytesIO(b"{}"))
    where = {"Bucket": place.bucket, "Key": "exp/secret.json"}

    for attempt in (
        lambda: writers_client.get_object(**where),
        lambda: writers_client.head_object(**where),
        lambda: writers_client.delete_object(**where),
        lambda: writers_client.list_objects_v2(Bucket=place.bucket, Prefix="exp/"),
        lambda: writers_client.put_object(Bucket=place.bucket, Key="elsewhere/a", Body=b""),
    ):
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    assert S3Store(place).get("secret.json").data == b"{}"


def test_such_a_key_records_a_whole_experiment(bucket_prefix, tmp_path):
    """
    Parameters, rows, a model in parts, and the end; the bucket's owner reads them all.
    """
    model = os.urandom(1 << 20) * 20
    (tmp_path / "model.pt").write_bytes(model)

    with lab_workbook.new_experiment(bucket_prefix=bucket_prefix) as workbook:
        workbook.save_json("options", {"a": 1})
        workbook.save_file("model.pt", tmp_path / "model.pt", move=True)
        log = workbook.new_time_series_log("loss", ["epoch"])
        for epoch in range(100):
            log(epoch=epoch)

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]
    assert experiment.status == "finished"
    assert experiment["options.json"] == {"a": 1}
    assert list(experiment["loss.csv"].index) == list(range(100))
    assert bytes(experiment["model.pt"]) == model


def test_the_doctor_finds_such_a_key_good_enough(bucket_prefix, doctor):
    """
    What it may not do, a writer need not; and what the doctor could not clean up, it names.
    """
    code, found = doctor(bucket_prefix)

    assert code == 0
    assert {found[name][0] for name in ("writable", "conditional", "overwrite", "multipart")} == {"ok"}
    assert found["list"][0] == "ok"
    assert "may not list" in found["list"][1]
    assert found["cleanup"][0] == "note"
    assert "stays, because" in found["cleanup"][1]


def test_the_doctor_says_what_is_missing(bucket_prefix, s3_client, place, doctor):
    """
    Where nothing is allowed, in words that name the permission.
    """
    s3_client.delete_bucket_policy(Bucket=place.bucket)

    code, found = doctor(bucket_prefix)

    assert code == 1
    assert found["writable"][0] == "problem"
    assert "s3:PutObject" in found["writable"][1]
