"""A bucket that refuses overwrites, as a policy of AWS can: played by the proxy."""

from __future__ import annotations

import hashlib

from lab_workbook_conformance.s3.faults import refuse_overwrites

from tests.faults import drill


def test_a_bucket_that_refuses_overwrites_is_no_outage(train, proxy, s3_client, bucket_prefix):
    """
    Rows are seen while the script lives, each artifact is what end.json says, and nobody is told of trouble.
    """
    with proxy.fault(refuse_overwrites):
        training = train()
        training.wait_until(lambda: training.has_logged(1500), "rows")
        training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    for name, facts in training.experiment().end["files"].items():
        key = f"exp/T/{name}"
        data = s3_client.get_object(Bucket=bucket_prefix.split("/")[2], Key=key)["Body"].read()
        assert hashlib.sha256(data).hexdigest() == facts["sha256"], name
    assert training.said() == []
