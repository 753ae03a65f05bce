"""A quiet script on one node of a cluster, and another node that shares its spoolDir."""

from __future__ import annotations

import lab_workbook
import pytest

from tests.ownership.hosts import LANGUAGES, age, needs_namespaces, wait_until

pytestmark = [pytest.mark.s3, needs_namespaces]


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


def test_a_dead_script_of_another_node_is_lost_with_all_its_rows(quiet, host, rows, bucket_prefix):
    """
    From the other node nobody can see that it is dead, so that it is not sealed; a reader shows its rows.
    """
    script, spool = quiet("python")
    script.do("text", name="note", text="saved before the end")
    script.end()
    age(spool)

    other = host("python", "B")
    other.do("start", tag="B")
    wait_until(lambda: len(rows("A")) == 10)
    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["A"]
    wait_until(lambda: "note" in experiment)
    other.do("close")

    assert experiment.status == "lost"
    assert rows("A") == list(range(10))
    assert experiment["note"] == "saved before the end"
    assert experiment.end == {}
    assert (spool / ".lab-workbook/queue").exists()


def test_help_is_given_once_for_what_has_not_changed(quiet, host, rows, spool_dir):
    """
    A sweep of a hundred experiments does not send the same rows a hundred times.
    """
    _, spool = quiet("python")
    first = host("python", "B")
    first.do("start", tag="B")
    wait_until(lambda: len(rows("A")) == 10)
    note = spool_dir / ".helped" / spool.name
    wait_until(note.exists)
    before = note.stat().st_mtime_ns

    second = host("python", "C")
    second.do("start", tag="C")
    log = next(spool_dir.glob("C.*")) / ".lab-workbook/log"
    wait_until(lambda: not (spool_dir / ".orphans-lock").exists())

    assert note.stat().st_mtime_ns == before
    assert "all rows" not in log.read_text()
