"""A quiet script on one node of a cluster, and another node that shares its spoolDir."""

from __future__ import annotations

import shutil

import lab_workbook
import pytest

from tests.ownership.hosts import Host, age, can_be_made, wait_until

pytestmark = [
    pytest.mark.s3,
    pytest.mark.skipif(not can_be_made(), reason="making a namespace of process ids needs root"),
]

LANGUAGES = [
    "python",
    pytest.param("luajit", marks=pytest.mark.skipif(not shutil.which("luajit"), reason="no luajit")),
]


@pytest.fixture
def host(tmp_path, bucket_prefix, monkeypatch):
    """Start a script in a namespace of its own; it ends with the test."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    monkeypatch.setenv("LAB_WORKBOOK_SPOOL_DIR", str(tmp_path / "spools"))
    started = []

    def start(language, name, **more):
        started.append(Host(language, tmp_path, name, **more))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def rows(bucket_prefix):
    """The steps of a series that a reader finds in the bucket."""

    def of(tag):
        try:
            return list(lab_workbook.ExperimentRepository(bucket_prefix)[tag]["loss.csv"].index)
        except KeyError:
            return []

    return of


@pytest.fixture
def quiet(host, tmp_path):
    """A script with 10 rows, 5 of them in the bucket, quiet for an hour, whose uploader is dead."""

    def make(language):
        script = host(language, "A")
        script.do("start", tag="A")
        script.do("series")
        script.do("rows", first=0, last=5)
        assert script.do("flush").lower() == "true"
        (spool,) = (tmp_path / "spools").glob("A.*")
        script.do("kill the uploader", journal=str(spool / ".lab-workbook/journal"))
        script.do("rows", first=5, last=10)
        age(spool)
        return script, spool

    return make


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quiet_script_of_another_node_loses_no_row(language, quiet, host, rows, bucket_prefix):
    """
    The next experiment of the user brings its rows into the bucket, and neither seals nor removes anything.
    """
    script, spool = quiet(language)
    repository = lab_workbook.ExperimentRepository(bucket_prefix)

    other = host("python", "B")
    other.do("start", tag="B")
    wait_until(lambda: len(rows("A")) == 10 or not spool.exists())
    seen, sealed = rows("A"), dict(repository["A"].end)
    script.do("rows", first=10, last=20)
    other.do("close")
    closed = script.do("close")

    assert rows("A") == list(range(20))
    assert (seen, sealed) == (list(range(10)), {})
    assert closed.lower() in ("none", "true")
    assert repository["A"].status == "finished"
    assert repository["A"].verify().is_sound
    wait_until(lambda: not spool.exists())
