"""
A clock that is set by an hour, ahead or back, while rows are published; as `clock.c` does it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import lab_workbook
import pytest

from tests.faults.clocks import HOUR, Clocks, loaded
from tests.faults.recording import assert_whole, rows_of, spool_of, uploaders, wait_until
from tests.ownership.hosts import Host, needs_namespaces

LANGUAGES = ["python", *(pytest.param(name, marks=pytest.mark.soak) for name in ("luajit", "lua5.1"))]


@pytest.fixture
def clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    """The clocks of scripts and uploaders; that of the test and of the server stays right."""
    yield from loaded(tmp_path, monkeypatch)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "jumps",
    [
        pytest.param((HOUR, -2 * HOUR, HOUR), id="there and back", marks=pytest.mark.soak),
        pytest.param((-HOUR,), id="back for good"),
    ],
)
def test_a_clock_that_is_set_by_an_hour_loses_no_row(language, jumps, place, record, clocks):
    """
    Rows stay in the order in which they were logged, and only a jump back lets a date be before the last one.
    """
    script = record(language)
    script.record()

    for each in jumps:
        clocks.jump(each)
        if place.startswith("s3"):
            seen = rows_of(place)
            wait_until(lambda seen=seen: rows_of(place) > seen, lambda: script.said)
        else:
            script.record()
    script.stop()

    experiment = assert_whole(place, script.promised)
    dates = experiment["loss.csv"]["Date"]
    steps = [later - earlier for earlier, later in itertools.pairwise(dates)]
    back = [step for step in steps if step < timedelta(0)]
    assert len(back) == sum(each < 0 for each in jumps)
    assert all(step < timedelta(minutes=-50) for step in back)
    assert not [line for line in script.said if "experiment T in" not in line]
    table = lab_workbook.ExperimentRepository(place).table()
    assert list(table["status"]) == ["finished"]


@pytest.mark.soak
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("offset", [HOUR, -HOUR], ids=["ahead", "back"])
@needs_namespaces
def test_another_node_whose_clock_is_wrong_only_helps(  # noqa: PLR0917 - fixtures
    language, offset, bucket_prefix, record, spool_dir, clocks, tmp_path, monkeypatch
):
    """
    An hour ahead, each spool seems to be forsaken; its experiment is not ended, and no row is sent twice.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    script = record(language, variables={"LD_PRELOAD": ""})
    wait_until(lambda: rows_of(bucket_prefix) > 0, lambda: script.said)

    clocks.jump(offset)
    other = Host("python", tmp_path, "other")
    try:
        for step in ("start", "series"):
            other.do(step, tag="other")
        other.do("rows", first=0, last=5)
        assert other.do("flush") == "True"
        other.do("close")
    finally:
        other.end()
    script.record()
    assert uploaders(spool_of(spool_dir))
    script.stop()

    assert_whole(bucket_prefix, script.promised)


@pytest.mark.soak
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("offset", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_bounded_wait_ends_although_the_clock_is_set(  # noqa: PLR0917 - fixtures
    language, offset, bucket_prefix, record, clocks, late_s3, spool_dir, tmp_path
):
    """
    An end without a network takes exitTimeout, whatever the clock reads meanwhile.
    """
    with late_s3.running():
        script = record(
            language,
            variables={
                "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
                "LAB_WORKBOOK_EXIT_TIMEOUT": "8",
            },
        )
        wait_until(lambda: rows_of(bucket_prefix) > 0, lambda: script.said)
    (tmp_path / "stop").touch()
    queue = spool_of(spool_dir) / ".lab-workbook/queue"
    wait_until(lambda: '"verb": "end"' in queue.read_text() or '"verb":"end"' in queue.read_text())
    clocks.jump(offset)

    assert script.process.wait(60) == 0

    assert any("lab-workbook push" in line for line in script.said), script.said
    assert len(uploaders(spool_of(spool_dir))) <= 2
