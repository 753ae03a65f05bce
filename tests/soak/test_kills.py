"""
Random deaths: scripts and their uploaders are killed, and nothing that was promised is lost.

Twelve kills in `make test`, a thousand in `make soak`.
"""

import collections
import concurrent.futures
import itertools
import os
import shutil
import time

import pytest

from tests.soak.trial import Trial, check

# Read when this is imported: tests run without such variables.
KILLS = int(os.environ.get("LAB_WORKBOOK_SOAK_KILLS", "1000"))
SEED = int(os.environ.get("LAB_WORKBOOK_SOAK_SEED", "0")) or int(time.time())

WRITERS = [None, *filter(shutil.which, ("luajit", "lua5.1", "lua5.4"))]
AT_ONCE = 4


@pytest.fixture
def objects_of(s3_client, bucket_prefix):
    """Return what is in the bucket under a tag, without the segments that a delivery leaves behind."""
    bucket = bucket_prefix.split("/")[2]

    def objects(tag):
        listed = s3_client.list_objects_v2(Bucket=bucket, Prefix=f"exp/{tag}/").get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        return {
            key.removeprefix(f"exp/{tag}/"): s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
        }

    return objects


@pytest.fixture
def under_fire(tmp_path, bucket_prefix, objects_of):
    """Run experiments until so many processes have been killed; returns how many of which."""

    def one(number, kills):
        trial = Trial(number, tmp_path, bucket_prefix, WRITERS[number % len(WRITERS)])
        trial.run()
        check(trial, objects_of(trial.tag))
        kills.update(trial.kills)
        kills["experiments"] += 1
        kills["promises"] += sum(trial.promised.values())

    def run(wanted):
        kills = collections.Counter()
        numbers = itertools.count(SEED)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            while kills["script"] + kills["deliverer"] < wanted:
                waiting = [pool.submit(one, next(numbers), kills) for _ in range(AT_ONCE)]
                for each in waiting:
                    each.result()
        return kills

    return run


def test_a_dozen_random_kills_lose_nothing(under_fire):
    """
    Each acknowledged row, document and checkpoint is in the bucket, whole.
    """
    kills = under_fire(12)

    assert kills["script"] > 0


@pytest.mark.soak
def test_a_thousand_random_kills_lose_nothing(under_fire, capsys):
    """
    The same for as long as it takes: about ten minutes on two cores.
    """
    began = time.monotonic()
    kills = under_fire(KILLS)

    with capsys.disabled():
        print(  # noqa: T201 - what it is for
            f"\nseed {SEED}: {dict(kills)} in {time.monotonic() - began:.0f} s, nothing lost"
        )
