"""
What a delivery costs: end.json counts the requests and the bytes, and obeys the settings of the bucket.
"""

import json

import lab_workbook
import pytest
from lab_workbook.protocol import prefix

BODY = b"x" * 1000


def test_the_end_counts_what_was_sent_before_it(spool):
    """
    One PUT for the beginning and one for each artifact, with their bytes.
    """
    begin = (spool.own / "begin.json").read_bytes()
    spool.put("a.txt", BODY)
    spool.put("b.txt", BODY)
    spool.end()

    spool.start().wait_for_exit()

    assert spool.end_json()["delivery"] == {"requests": {"PUT": 3}, "bytes": len(begin) + 2 * len(BODY)}


def test_the_end_counts_what_earlier_uploaders_have_sent(spool):
    """
    An uploader that was killed has cost money too.
    """
    spool.put("a.txt", BODY)
    spool.start()
    spool.wait_for("published", name="a.txt")
    spool.kill()
    spool.put("b.txt", BODY)
    spool.end()

    spool.start().wait_for_exit()

    delivery = spool.end_json()["delivery"]
    # The beginning, two beats of the heart and two artifacts.
    assert delivery["requests"] == {"PUT": 5}
    assert delivery["bytes"] > 2 * len(BODY)


@pytest.mark.usefixtures("moto")
def test_a_setting_that_the_bucket_cannot_obey_is_refused_with_its_name(make_spool, bucket_prefix, s3_client):
    """
    At the claim, which waits for it; hours later nobody would read it.
    """
    place = prefix.parse(bucket_prefix)
    spool = make_spool(bucket_prefix, storageClass="NOT_A_CLASS")
    spool.end()

    spool.start().wait_for_exit()

    (refused,) = spool.events("refused")
    assert (refused["reason"], refused["requests"]) == ("settings", {"PUT": 1})
    assert "storageClass" in refused["message"]
    assert "Contents" not in s3_client.list_objects_v2(Bucket=place.bucket)


@pytest.mark.usefixtures("moto")
def test_the_settings_of_the_script_reach_every_object(bucket_prefix, s3_client):
    """
    From the argument through the spool to the server.
    """
    with lab_workbook.new_experiment(
        bucket_prefix=bucket_prefix, server_side_encryption="AES256", storage_class="STANDARD_IA"
    ) as workbook:
        workbook.save_json("options", {"a": 1})
        workbook.new_time_series_log("loss", ["epoch"])(epoch=1)

    bucket = prefix.parse(bucket_prefix).bucket
    keys = [entry["Key"] for entry in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    heads = [s3_client.head_object(Bucket=bucket, Key=key) for key in keys]
    assert len(heads) >= 4
    assert {(head["ServerSideEncryption"], head["StorageClass"]) for head in heads} == {
        ("AES256", "STANDARD_IA")
    }


def test_the_journal_counts_without_lines_of_its_own(spool):
    """
    A line more would look like progress to a writer that waits at exit.
    """
    spool.put("a.txt", BODY)
    spool.start()
    spool.wait_for("published", name="a.txt")

    events = [json.loads(line) for line in (spool.own / "journal").read_text().splitlines()]

    counted = [(event["event"], event["requests"]) for event in events if "requests" in event]
    assert counted == [("claimed", {"PUT": 1}), ("bucket", {"PUT": 2}), ("published", {"PUT": 1})]
