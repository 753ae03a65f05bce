"""
A file of a running experiment is truncated in place, as `: > loss.csv` and logrotate's copytruncate do.

The rows are in no file any more. They are counted and reported, and later rows are recorded.
"""

from __future__ import annotations

import os
from pathlib import Path

import lab_workbook
import pytest

NOTHING_LOST = {"rows": 0, "artifacts": 0, "texts": 0, "integers": 0, "secrets": 0}


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("truncate", [empty, halve])
def test_rows_of_a_truncated_series_in_a_folder_are_counted(truncate, start, tmp_path):
    """
    What is left of the rows stays, and later rows follow in the same series.
    """
    runs = tmp_path / "runs"
    script = start(f"{runs}/")
    script.do("log 0 500")
    assert script.do("flush") == "true"

    truncate(runs / "T/loss.csv")
    flushed = script.do("flush")
    script.do("log 500 1000")
    closed = script.do("close")
    said = script.end()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    kept = len(experiment["loss.csv"]) - 500
    assert experiment["loss.csv"].index.tolist() == [*range(kept), *range(500, 1000)]
    assert (kept == 0) == (truncate is empty)
    assert experiment.end["lost"] == NOTHING_LOST | {"rows": 500 - kept}
    assert experiment.verify().is_sound, experiment.verify().problems
    assert (flushed, closed) in (("false", "none"), ("false", "false"))
    assert len([line for line in said if "was truncated while" in line]) == 1, said


def test_rows_that_follow_a_truncation_at_once_are_recorded_or_counted(start, tmp_path):
    """
    Rows that were logged between the truncation and the next look.
    """
    runs = tmp_path / "runs"
    script = start(f"{runs}/")
    script.do("log 0 500")
    assert script.do("flush") == "true"

    empty(runs / "T/loss.csv")
    script.do("log 500 520")
    flushed = script.do("flush")
    script.do("log 520 1000")
    script.do("close")
    script.end()

    experiment = lab_workbook.ExperimentRepository(str(runs))["T"]
    rows = experiment["loss.csv"].index.tolist()
    assert set(rows) >= set(range(520, 1000))
    assert rows == sorted(set(rows))
    assert experiment.end["lost"]["rows"] == 1000 - len(rows)
    assert flushed == "false"


def test_rows_of_a_truncated_series_in_a_spool_are_counted(start, bucket_prefix):
    """
    What is in the bucket stays, and later rows are delivered as a series of their own.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    assert script.do("flush 60") == "true"

    empty(script.spool / "loss.csv")
    flushed = script.do("flush 60")
    script.do("log 500 1000")
    script.do("flush 60")
    running = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert running["loss.csv"].index.tolist() == list(range(500))
    assert running["loss (2).csv"].index.tolist() == list(range(500, 1000))
    closed = script.do("close")
    said = script.end()

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert experiment["loss.csv"].index.tolist() == list(range(500))
    assert experiment["loss (2).csv"].index.tolist() == list(range(500, 1000))
    assert experiment.end["lost"] == NOTHING_LOST | {"rows": 500}
    assert experiment.verify().is_sound, experiment.verify().problems
    assert (flushed, closed) in (("false", "none"), ("false", "false"))
    assert len([line for line in said if "was truncated while" in line]) == 1, said
    assert list(script.spools.glob("T.*")) == []


def test_a_truncated_queue_is_written_again(start, bucket_prefix):
    """
    The script knows every line that the uploader needs.
    """
    script = start(bucket_prefix)
    script.do("log 0 500")
    script.do("save early")
    assert script.do("flush 60") == "true"

    empty(script.spool / ".lab-workbook/queue")
    script.do("log 500 1000")
    script.do("save late")
    flushed = script.do("flush 60")
    closed = script.do("close")
    script.end()

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]
    assert (flushed, closed) in (("true", "none"), ("true", "true"))
    assert experiment.status == "finished"
    assert experiment["loss.csv"].index.tolist() == list(range(1000))
    assert (experiment["early"], experiment["late"]) == ("early" * 1000, "late" * 1000)
    assert experiment.end["lost"] == NOTHING_LOST
    assert experiment.verify().is_sound, experiment.verify().problems
    assert list(script.spools.glob("T.*")) == []
