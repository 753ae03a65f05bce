"""end.json is created once, and whoever believes to have created it has."""

import json
import shutil

import pytest
from lab_workbook.protocol import process
from lab_workbook_conformance.s3.faults import answer, reset_after_storing, store_and_deny
from lab_workbook_conformance.s3.proxy import Proxy

from python_writer.tests.uploader.conftest import wait_until

END = "*/.lab-workbook/end.json"


@pytest.fixture
def proxy(s3):
    with Proxy(s3) as proxy:
        yield proxy


@pytest.fixture
def orphan(make_spool, bucket_prefix, dead_script, proxy):
    """A spool whose script is dead, behind a proxy."""
    spool = make_spool(bucket_prefix, script=dead_script, endpointUrl=proxy.url)
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.put("a.txt", b"a")
    return spool


@pytest.fixture
def seal_elsewhere(s3_client):
    """Put an end.json as another process would, with one row less."""

    def seal(spool, data=b'{"outcome": "finished", "files": {"loss.csv": {"bytes": 16}}, "lost": {}}'):
        key = f"{spool.prefix.path}{spool.tag}/.lab-workbook/end.json"
        s3_client.put_object(Bucket=spool.prefix.bucket, Key=key, Body=data)
        return data

    return seal


def test_what_another_process_has_sealed_is_not_taken_for_our_own(orphan, seal_elsewhere, lab_workbook):
    """
    The spool is kept, and what end.json lacks is named.
    """
    theirs = seal_elsewhere(orphan)

    done = lab_workbook("push", orphan.path)
    again = lab_workbook("push", orphan.path)

    assert done.returncode == again.returncode == 1
    assert "holds what came later: 1 row of 'loss.csv'" in done.stdout
    assert again.stdout == done.stdout
    assert orphan.events("sealed")[0]["by"] == "another process"
    assert orphan.store.get(".lab-workbook/end.json").data == theirs
    assert (orphan.path / "loss.csv").exists()


def test_a_kept_spool_is_not_seen_by_older_versions(orphan, seal_elsewhere, lab_workbook):
    """
    They would remove it: they know a spool by its queue.
    """
    seal_elsewhere(orphan)

    lab_workbook("push")

    assert not (orphan.own / "queue").exists()
    assert (orphan.own / "sealed").exists()


def test_where_their_end_cannot_be_read_it_is_not_taken_for_our_own(
    orphan, seal_elsewhere, lab_workbook, proxy
):
    """
    The keys of a training machine may only put objects.
    """
    seal_elsewhere(orphan)

    with proxy.fault(answer(403, "AccessDenied"), method="GET"):
        done = lab_workbook("push", orphan.path)

    assert done.returncode == 1
    assert "is sealed" in done.stdout
    assert (orphan.path / "loss.csv").exists()


@pytest.mark.parametrize("fault", [reset_after_storing, store_and_deny], ids=lambda each: each.__name__)
def test_a_lost_answer_is_recognised(orphan, lab_workbook, proxy, fault):
    """
    By the bytes that are there.
    """
    with proxy.fault(fault, method="PUT", key=END, times=1):
        done = lab_workbook("push", orphan.path)

    assert done.returncode == 0, done.stdout
    assert not orphan.path.exists()
    assert orphan.end_json()["outcome"] == "interrupted"


def test_a_lost_answer_is_recognised_where_nothing_may_be_read(orphan, lab_workbook, proxy):
    """
    Our journal shows an earlier request without an answer.
    """
    with (
        proxy.fault(answer(403, "AccessDenied"), method="GET"),
        proxy.fault(reset_after_storing, method="PUT", key=END, times=1),
    ):
        done = lab_workbook("push", orphan.path)

    assert done.returncode == 0, done.stdout
    assert not orphan.path.exists()


@pytest.fixture
def killed(orphan, proxy):
    """The spool after an uploader was killed whose end.json has arrived, which it has not heard."""
    with proxy.fault(reset_after_storing, method="PUT", key=END) as rule:
        orphan.start().wait_for("sealing")
        wait_until(lambda: rule.hits)
        orphan.kill()
    return orphan


def test_the_next_process_sends_the_same_end(killed, lab_workbook):
    stored = (killed.own / "end.json").read_bytes()

    done = lab_workbook("push", killed.path)

    assert done.returncode == 0
    assert killed.store.get(".lab-workbook/end.json").data == stored
    assert not killed.path.exists()


def test_an_end_that_was_never_sent_is_made_anew(orphan, lab_workbook):
    """
    More may have been recorded since it was stored.
    """
    (orphan.own / "end.json").write_text('{"outcome": "finished"}')

    done = lab_workbook("push", orphan.path)

    assert done.returncode == 0
    assert set(orphan.end_json()["files"]) == {".lab-workbook/begin.json", "loss.csv", "a.txt"}


def test_rows_that_came_after_an_end_was_sent_stay_in_the_spool(killed, lab_workbook):
    """
    A person took the script for dead, and the process that sealed was killed.
    """
    killed.append("loss.csv", b"2,3,2016-02-12T22:17:35Z\n")

    done = lab_workbook("push", killed.path)

    assert done.returncode == 1
    assert "holds what came later: 1 row of 'loss.csv'" in done.stdout
    assert killed.end_json()["files"]["loss.csv"]["bytes"] == 41


def test_the_journal_has_the_sum_before_the_request(orphan, proxy):
    with proxy.fault(answer(503, "SlowDown"), method="PUT", key=END):
        orphan.start().wait_for("trouble")
        orphan.kill()

    assert [len(event["sha256"]) for event in orphan.events("sealing")] == [64]
    assert json.loads((orphan.own / "end.json").read_bytes())["outcome"] == "interrupted"


@pytest.fixture
def make_restored(make_spool, bucket_prefix, proxy, tmp_path):
    """
    Make a spool that a backup brings back once its experiment has ended; `script` is what it says of that.

    In the backup a row and the first version of a text have arrived, and the second version has not.
    """

    def make(script, *, upto=None):
        spool = make_spool(bucket_prefix, endpointUrl=proxy.url)
        spool.series("loss.csv")
        spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
        spool.put("a.txt", b"first")
        spool.start().tell("flush", id=1)
        spool.wait_for("flushed", id=1)
        with proxy.fault(answer(503, "SlowDown"), method="PUT"):
            spool.append("loss.csv", b"2,3,2016-02-12T22:17:35Z\n")
            spool.put("a.txt", b"second")
            shutil.copytree(spool.path, tmp_path / "backup")
        spool.append("loss.csv", b"3,4,2016-02-12T22:17:36Z\n")
        spool.put("a.txt", b"third")
        spool.end()
        spool.wait_for_exit()
        shutil.copytree(tmp_path / "backup", spool.path)
        if upto is not None:
            with (spool.own / "journal").open("a") as journal:
                journal.write(upto)
        begin = json.loads((spool.own / "begin.json").read_text())
        (spool.own / "begin.json").write_text(json.dumps(begin | script))
        return spool

    return make


@pytest.fixture
def dead(dead_script):
    return dead_script


@pytest.fixture
def living():
    """What begin.json says of a process that goes on after its experiment, such as a notebook."""
    return process.identity()


@pytest.fixture
def far():
    """What begin.json says of a process of another host."""
    return {**process.identity(), "bootId": "another machine"}


@pytest.fixture
def state(s3_client):
    """Return of each object what another put would change."""

    def of(spool):
        place = f"{spool.prefix.path}{spool.tag}/"
        listed = s3_client.list_objects_v2(Bucket=spool.prefix.bucket, Prefix=place)["Contents"]
        return {item["Key"].removeprefix(place): (item["ETag"], item["LastModified"]) for item in listed}

    return of


@pytest.fixture(params=["dead", "living", "far"])
def script(request):
    """What begin.json says of a script, and whether it is known where that is."""
    return request.getfixturevalue(request.param), request.param != "far"


def test_a_spool_that_a_backup_brings_back_changes_nothing(make_restored, script, lab_workbook, proxy, state):
    """
    It learns by one request that its experiment has ended. What is in the spool stays there.
    """
    process_of_script, is_known = script
    spool = make_restored(process_of_script)
    before = state(spool)

    with proxy.fault(answer(503, "SlowDown"), method="PUT") as puts:
        done = lab_workbook("push")

    assert state(spool) == before
    assert puts.hits == 0
    assert done.returncode == 1
    assert spool.path.exists()
    assert (spool.own / "sealed").exists() == is_known
    advice = "push --discard" if is_known else "push --seal"
    assert f"lab-workbook {advice} {spool.path}" in done.stdout
    assert lab_workbook("push", "--seal", spool.path).returncode == 1
    assert state(spool) == before


def test_the_next_experiment_changes_nothing_by_a_spool_that_a_backup_brought_back(
    make_restored, make_spool, bucket_prefix, dead, state
):
    spool = make_restored(dead)
    before = state(spool)

    make_spool(bucket_prefix).start()

    wait_until((spool.own / "sealed").exists)
    assert state(spool) == before


def test_a_restored_spool_whose_journal_has_the_end_sends_nothing(
    make_restored, dead, lab_workbook, proxy, state
):
    """
    Everything had arrived before that event, so the spool is removed.
    """
    spool = make_restored(dead, upto='{"event": "ended"}\n')
    before = state(spool)

    with proxy.fault(answer(503, "SlowDown")) as requests:
        done = lab_workbook("push")

    assert state(spool) == before
    assert requests.hits == 0
    assert done.returncode == 0
    assert not spool.path.exists()


def test_keys_that_may_only_put_deliver_what_another_process_began(
    make_spool, bucket_prefix, proxy, dead, lab_workbook
):
    """
    They cannot know whether an experiment has ended, and most have not.
    """
    spool = make_spool(bucket_prefix, script=dead, endpointUrl=proxy.url)
    (spool.own / "journal").write_text('{"event": "claiming"}\n{"event": "claimed"}\n')
    spool.put("a.txt", b"a")

    with proxy.fault(answer(403, "AccessDenied"), method="GET") as gets:
        done = lab_workbook("push")

    assert done.returncode == 0, done.stdout
    assert gets.hits == 1
    assert spool.delivered() == {"a.txt": b"a"}
    assert spool.end_json()["delivery"]["requests"]["GET"] == 1
