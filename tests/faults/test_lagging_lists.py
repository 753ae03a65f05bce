"""
Listings that lag behind: nothing that was seen is unseen again, and what has a known key is found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import lab_workbook
import pytest
from lab_workbook.protocol import _spec

from tests.faults.lagging import LaggingLists

pytestmark = pytest.mark.soak


@pytest.fixture
def lists(proxy):
    """The listings of the bucket."""
    return LaggingLists(proxy)


@pytest.fixture
def begin(bucket_prefix):
    """Start an experiment; the second thing that is returned adds rows to its series, and waits for S3."""

    def begin(tag="T"):
        workbook = lab_workbook.new_experiment(tag=tag, bucket_prefix=bucket_prefix, upload_every=0.2)
        opened.append(workbook)
        log = workbook.new_time_series_log("loss", ["step"], save_every=1)

        def add(*steps):
            for step in steps:
                log(step=step)
            assert workbook.flush(60)

        return workbook, add

    opened = []
    yield begin
    for workbook in opened:
        workbook.close()


def read(experiment, name="loss.csv"):
    return list(experiment[name].index)


def test_a_live_series_never_becomes_shorter(begin, lists, bucket_prefix):
    """
    Behind a load balancer one listing is new and the next one is old.
    """
    _, add = begin()
    add(0, 1)
    moment = time.monotonic()
    # More than is refreshed at once, so that the rows are in segments alone.
    for step in range(2, 7):
        add(*range(step * 200, step * 200 + 200))
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    newest = read(experiment)
    assert len(newest) == 1002

    for at in (moment, moment - 3600, time.monotonic()):
        with lists.stopped(at):
            assert read(experiment) == newest
    add(9999)
    assert read(experiment) == [*newest, 9999]


def test_a_series_whose_listed_segments_are_gone_is_read_as_far_as_it_goes(
    begin, lists, proxy, s3_client, bucket_prefix
):
    """
    They were superseded and deleted since; the rows that follow come with a newer listing.
    """
    _, add = begin()
    for step in range(17):
        add(*range(step * 100, step * 100 + 100))
    bucket = bucket_prefix.split("/")[2]
    segments = [seen.key for seen in proxy.puts("*/segments/loss.csv/*")]
    # After its minute, what the segment of the sixteenth publication has superseded is deleted.
    moment = proxy.puts("*/segments/loss.csv/*")[14].forwarded
    for key in segments[:15]:
        s3_client.delete_object(Bucket=bucket, Key=key)

    with lists.stopped(moment):
        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
        early = read(experiment)
    assert early == list(range(1700))[: len(early)]
    assert read(experiment) == list(range(1700))


def test_a_watch_gives_each_row_once(begin, lists, bucket_prefix):
    """
    Also where listings go back and forth while it looks.
    """
    workbook, add = begin()
    add(*range(700))
    moment = time.monotonic()
    add(*range(700, 1400))
    watched = lab_workbook.ExperimentRepository(bucket_prefix)["T"].watch("loss.csv", every=0.05, timeout=0.5)

    seen = list(next(watched).index)
    with lists.stopped(moment):
        assert list(watched) == []
    add(1400)
    workbook.close()
    for rows in lab_workbook.ExperimentRepository(bucket_prefix)["T"].watch("loss.csv", every=0.05):
        seen = list(rows.index)

    assert seen == list(range(1401))


def test_an_experiment_is_found_by_its_tag_before_it_is_listed(begin, lists, bucket_prefix):
    """
    And no other one, whose tag only begins like this one's, is given instead.
    """
    begin("run-2")
    with lists.stopped():
        _, add = begin("run")
        add(0)
        repository = lab_workbook.ExperimentRepository(bucket_prefix)

        assert repository["run"].tag == "run"
        assert repository["run"].status == "running"
        assert repository["run"].list_artifacts() in ([], ["loss.csv"])
        assert repository["run"].begin["tag"] == "run"
        assert [experiment.tag for experiment in repository] == ["run-2"]
        repository["run"].add_note("not listed")
        assert repository["run-"].tag == "run-2"


def test_a_table_does_not_forget_an_end(begin, lists, bucket_prefix):
    """
    What was sealed stays so: end.json never goes.
    """
    workbook, add = begin()
    add(0)
    workbook.save_json("options", {"rate": 1})
    workbook.flush(60)
    moment = time.monotonic()
    workbook.save_json("options", {"rate": 2})
    workbook.close()
    repository = lab_workbook.ExperimentRepository(bucket_prefix)
    newest = repository.table(series=True)
    assert newest.status["T"] == "finished"

    with lists.stopped(moment):
        table = repository.table(series=True)
        assert table.status["T"] == "finished"
        assert table["options.rate"]["T"] == 2
        assert repository["T"].verify().is_sound
    assert repository.table(series=True).equals(newest)


@pytest.mark.parametrize("status", ["running", "finished"])
def test_a_script_of_another_machine_is_not_lost_because_its_listing_is_old(
    begin, lists, s3_client, bucket_prefix, status
):
    """
    Its heartbeat is listed as old as the listing; it is asked for by its key, and so is end.json.
    """
    workbook, add = begin()
    add(0)
    place = {"Bucket": bucket_prefix.split("/")[2], "Key": f"exp/T/{_spec.LAYOUT_BEGIN}"}
    elsewhere = json.loads(s3_client.get_object(**place)["Body"].read()) | {"bootId": "another machine"}
    s3_client.put_object(**place, Body=json.dumps(elsewhere).encode())
    repository = lab_workbook.ExperimentRepository(bucket_prefix)

    with lists.stopped(age=300):
        if status == "finished":
            workbook.close()
            # As if its last heartbeat were long ago as well.
            s3_client.delete_object(Bucket=place["Bucket"], Key=f"exp/T/{_spec.LAYOUT_HEARTBEAT}")
        assert repository.table().status["T"] == status
        assert repository["T"].status == status


def test_the_doctor_is_not_confused(lists, bucket_prefix):
    """
    Its own object is not listed yet.
    """
    with lists.stopped():
        command = "from lab_workbook.cli import main; main()"
        examined = subprocess.run(
            [sys.executable, "-c", command, "doctor", "--json", bucket_prefix],
            capture_output=True,
            text=True,
            check=False,
        )

    assert examined.returncode == 0, examined.stdout
    assert json.loads(examined.stdout)
    assert _spec.LAYOUT_BEGIN not in examined.stdout
