"""Saved artifacts and series in a bucket that refuses overwrites: each is put once, and nothing twice."""

from __future__ import annotations

from collections import Counter

import lab_workbook
from lab_workbook_conformance.s3.faults import refuse_overwrites


def saved(proxy):
    """How often each artifact was stored, the protocol's own left out."""
    keys = [seen.key for seen in proxy.puts() if "/.lab-workbook/" not in seen.key]
    return Counter(key.rpartition("/T/")[2] for key in keys)


def test_of_an_artifact_that_is_saved_again_only_the_last_version_is_put(proxy, bucket_prefix):
    """
    A version that was put at once could never be replaced.
    """
    with proxy.fault(refuse_overwrites):
        workbook = lab_workbook.new_experiment(tag="T", bucket_prefix=bucket_prefix, upload_every=0.2)
        log = workbook.new_time_series_log("loss", ["epoch"])
        for epoch in range(5):
            workbook.save_json("best", {"epoch": epoch})
            log(epoch=epoch)
            workbook.flush(1)
        workbook.close()

        assert saved(proxy) == {"best.json": 1, "loss.csv": 1}
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment["best.json"] == {"epoch": 4}
    assert list(experiment["loss.csv"].index) == [0, 1, 2, 3, 4]
    assert experiment.end["lost"]["artifacts"] == 0


def test_rows_are_there_before_the_end_and_so_is_their_name(proxy, bucket_prefix):
    with proxy.fault(refuse_overwrites):
        workbook = lab_workbook.new_experiment(tag="T", bucket_prefix=bucket_prefix, upload_every=0.2)
        workbook.new_time_series_log("loss", ["epoch"])(epoch=7)

        assert workbook.flush(30)

        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
        assert experiment[:] == ["loss.csv"]
        assert list(experiment["loss.csv"].index) == [7]
        assert saved(proxy) == {}
        workbook.close()


def test_a_bucket_that_allows_overwrites_gets_artifacts_at_once(bucket_prefix):
    workbook = lab_workbook.new_experiment(tag="T", bucket_prefix=bucket_prefix)
    workbook.save_json("best", {"epoch": 1})
    assert workbook.flush(30)
    workbook.save_json("best", {"epoch": 2})
    assert workbook.flush(30)

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment["best.json"] == {"epoch": 2}
    workbook.close()
