"""
Requests whose fate the uploader cannot know: stored and not answered, answered twice, arriving late.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time

import lab_workbook
import pytest
from lab_workbook_conformance.s3.faults import late, reset_after_storing, store_and_deny

from tests.faults import drill


@pytest.mark.parametrize("tag", [None, "chosen"])
def test_a_claim_whose_answer_was_lost_is_ours(proxy, bucket_prefix, tag):
    """
    The second attempt hears that the tag is taken: by ourselves.
    """
    with proxy.fault(reset_after_storing, key="*/begin.json", times=1) as rule:
        workbook = lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag=tag)
    workbook.save_text("remarks", "mine")
    workbook.close()

    assert rule.hits == 1
    assert lab_workbook.ExperimentRepository(bucket_prefix)[workbook.tag]["remarks"] == "mine"


def test_a_claim_that_was_lost_and_then_taken_is_refused(proxy, bucket_prefix):
    """
    Another experiment came between two attempts; nothing of ours goes into it.
    """
    lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag="wanted").close()

    with (
        proxy.fault(reset_after_storing, key="*/begin.json", times=1),
        pytest.raises(lab_workbook.TagTaken),
    ):
        lab_workbook.new_experiment(bucket_prefix=bucket_prefix, tag="wanted")


@pytest.mark.soak
def test_what_is_there_already_is_our_own(proxy, train):
    """
    Something between us and the bucket sent each request twice, and passes on the second answer.
    """
    with proxy.fault(store_and_deny, method="PUT", key="*/T/.lab-workbook/[se][en]*"):
        training = train()
        training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert training.said() == []


@pytest.mark.parametrize("name", ["state.json", "loss.csv"])
def test_an_artifact_that_arrives_after_the_end_is_noticed(proxy, train, s3_client, bucket_prefix, name):
    """
    An old version that lands when all is over is refused by the server, because it was to be the first,
    or has another sum than end.json says: it is never shown.
    """
    with proxy.fault(late, method="PUT", key=f"*/T/{name}", times=1) as rule:
        training = train()
        training.wait_until(lambda: rule.hits, "a request that comes late")
        training.stop()
        held = next(seen for seen in proxy.seen if seen.status is None and seen.key.endswith(f"T/{name}"))
    _wait_for_outcome(held)

    experiment = training.experiment()
    stored = s3_client.get_object(Bucket=bucket_prefix.split("/")[2], Key=f"exp/T/{name}")["Body"].read()
    listed = experiment.end["files"][name]
    assert (held.outcome, hashlib.sha256(stored).hexdigest() == listed["sha256"]) in (
        (200, False),
        (412, True),
    )
    shown = None
    with contextlib.suppress(lab_workbook.Unreadable):
        shown = experiment[name]
    # The object itself, or the segments of a series, which were kept because its request was given up on.
    rows = len(training.times())
    assert shown is None or (
        shown == {"step": f"{rows - 1:09}"} if name == "state.json" else len(shown) == rows
    )


def _wait_for_outcome(seen):
    deadline = time.monotonic() + 30
    while seen.outcome is None:
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)


def test_the_proxy_tells_what_it_saw(proxy, s3_client, bucket_prefix):
    """
    Tests count work and check order by it.
    """
    import boto3

    client = boto3.client("s3", endpoint_url=proxy.url)
    bucket = bucket_prefix.split("/")[2]

    client.put_object(Bucket=bucket, Key="a b/ü", Body=b"one")
    found = client.get_object(Bucket=bucket, Key="a b/ü")["Body"].read()

    assert found == b"one" == s3_client.get_object(Bucket=bucket, Key="a b/ü")["Body"].read()
    assert [(seen.method, seen.key, seen.status) for seen in proxy.seen] == [
        ("PUT", "a b/ü", 200),
        ("GET", "a b/ü", 200),
    ]
    assert [seen.key for seen in proxy.puts()] == ["a b/ü"]
    assert json.dumps(proxy.seen[0].headers)
