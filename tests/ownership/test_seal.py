"""A person's word that a script is dead, about a script that lives: `lab-workbook push --seal`."""

from __future__ import annotations

import json

import lab_workbook
import pytest

from tests.ownership.hosts import LANGUAGES, needs_namespaces, wait_until

pytestmark = [pytest.mark.s3, needs_namespaces]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_script_that_lives_after_a_seal_loses_nothing_in_silence(language, quiet, push, bucket_prefix):
    """
    It is told once, its later rows stay in its spool, and neither flush() nor close() promises anything.
    """
    script, spool = quiet(language)
    sealed = push("--seal", "A", is_apart=True)
    steps = iter(range(10, 10_000))

    def is_told():
        script.do("rows", first=(step := next(steps)), last=step + 1)
        return "this experiment was sealed by" in script.stderr

    wait_until(is_told)
    script.do("rows", first=next(steps), last=next(steps) + 1)
    flushed, on_disk = script.do("try to flush", seconds=60), script.do("flush to disk")
    closed = script.do("close")
    logged = next(steps) - 10
    # Older versions would remove a spool that has a queue.
    assert not (spool / ".lab-workbook/queue").exists()
    assert "files were removed" not in script.stderr
    later = push()
    has_queue = (spool / ".lab-workbook/queue").exists()
    discarded = push("--discard", str(spool))

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["A"]
    assert sealed.returncode == 0
    assert experiment.status == "interrupted"
    assert list(experiment["loss.csv"].index) == list(range(10))
    assert experiment.verify().is_sound
    assert [flushed.lower(), on_disk.lower(), closed.lower()] == ["false"] * 3
    assert script.stderr.count("this experiment was sealed by lab-workbook push --seal") == 1
    assert f"stays in {spool}" in script.stderr
    # The queue has another name now, and is not restored as if a cleaner had removed it.
    assert (has_queue, "removed or replaced" in script.stderr) == (False, False)
    assert later.returncode == 1
    assert f"holds what came later: {logged} rows of 'loss.csv'" in later.stdout
    assert f"{logged} rows of 'loss.csv' was not delivered" in discarded.stdout
    assert discarded.returncode == 0
    assert not spool.exists()


def test_the_next_experiment_leaves_a_sealed_spool_alone(quiet, push, host):
    script, spool = quiet("python")
    push("--seal", str(spool), is_apart=True)
    script.end()

    other = host("python", "B", apart=False)
    other.do("start", tag="B")
    other.do("close")

    assert (spool / "loss.csv").read_bytes().count(b"\n") == 11


def test_a_sealed_spool_that_holds_nothing_else_goes_once_its_script_is_dead(quiet, push):
    """
    Then nothing can be lost any more, and nobody has to discard it.
    """
    script, spool = quiet("python")
    push("--seal", "A", is_apart=True)
    waiting = push()
    script.end()
    done = []

    def is_gone():
        # Another test's namespace may have the number of this one's for a while.
        done.append(push())
        return not spool.exists()

    wait_until(is_gone)

    assert waiting.returncode == done[-1].returncode == 0
    assert "holds nothing else so far" in waiting.stdout
    assert "is removed" in done[-1].stdout


def test_a_script_that_is_known_to_run_is_not_sealed(push, host, bucket_prefix, tmp_path):
    script = host("python", "C", apart=False)
    script.do("start", tag="C")
    (spool,) = (tmp_path / "spools").glob("C.*")

    sealed, discarded = push("--seal", "C"), push("--discard", "C")

    assert (sealed.returncode, discarded.returncode) == (1, 1)
    assert f"(process {script.process.pid} on " in sealed.stdout
    assert "is running" in sealed.stdout
    assert "may live" in discarded.stdout
    assert spool.exists()
    assert lab_workbook.ExperimentRepository(bucket_prefix)["C"].end == {}


@pytest.fixture
def running(host, spool_dir):
    """A script whose uploader lives, in a namespace of its own."""

    def make(**environment):
        script = host("python", "D", **environment)
        script.do("start", tag="D")
        script.do("series")
        script.do("rows", first=0, last=3)
        assert script.do("flush") == "True"
        (spool,) = spool_dir.glob("D.*")
        return script, spool

    return make


def test_an_uploader_that_is_seen_to_live_is_not_pushed_aside(running, push):
    """
    flock(2) shows it, also where its process cannot be seen.
    """
    script, _ = running()

    sealed = push("--seal", "D", is_apart=True)

    assert sealed.returncode == 1
    assert "is being delivered by another process (" in sealed.stdout
    assert script.do("close") == "True"


def test_an_uploader_leaves_when_a_person_gives_its_spool_to_another(running, push, no_flock):
    """
    It and its script were alive after all; the journal has one writer again.
    """
    script, spool = running(**no_flock())

    sealed = push("--seal", "D", is_apart=True, **no_flock())

    assert sealed.returncode == 0, sealed.stdout
    log = spool / ".lab-workbook/log"
    wait_until(lambda: "left, because" in log.read_text())
    assert script.do("close") == "False"


def test_a_plain_push_says_who_may_live_and_what_to_do(quiet, push, bucket_prefix):
    """
    It brings the rows to the bucket, and exits with 0 because all that there is has arrived.
    """
    script, spool = quiet("python")

    done = push(is_apart=True)
    as_json = json.loads(push("--json", is_apart=True).stdout)

    experiment = lab_workbook.ExperimentRepository(bucket_prefix)["A"]
    assert done.returncode == 0
    assert "all rows and artifacts are in s3://" in done.stdout
    assert f"lab-workbook push --seal {spool}" in done.stdout
    assert as_json[0]["isFine"]
    assert list(experiment["loss.csv"].index) == list(range(10))
    assert experiment.end == {}
    assert script.do("close") == "True"


@pytest.mark.parametrize("arguments", [["--seal"], ["--discard"], ["--seal", "--discard", "A"]], ids=" ".join)
def test_a_persons_word_is_about_spools_that_are_named(push, arguments):
    assert push(*arguments).returncode == 2


def test_a_tag_that_no_spool_has_is_named(push, spool_dir):
    done = push("--seal", "2016")

    assert done.returncode == 1
    assert f"no spool in {spool_dir}/ has a tag that begins with '2016'" in done.stderr
