"""What earlier scripts left behind is delivered by the uploader of the next one."""

import json
import os
import shutil
import signal

import pytest


@pytest.fixture
def make_orphan(make_spool, bucket_prefix, dead_script):
    """Make the spool of a script that is gone, and whose uploader is."""

    def make(prefix=bucket_prefix, **more):
        spool = make_spool(prefix, script=dead_script, **more)
        spool.series("loss.csv")
        spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
        spool.put("a.txt", b"a")
        return spool

    return make


def is_gone(*spools):
    return lambda: not any(spool.path.exists() for spool in spools)


def test_the_next_experiment_delivers_what_others_left(spool, make_orphan, wait_until):
    """
    Each of them whole and said to be interrupted, and no lock stays behind.
    """
    orphans = [make_orphan() for _ in range(3)]

    spool.start()

    wait_until(is_gone(*orphans))
    for orphan in orphans:
        assert orphan.delivered() == {
            "loss.csv": b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n",
            "a.txt": b"a",
        }
        assert orphan.end_json()["outcome"] == "interrupted"
    wait_until(lambda: list(spool.path.parent.iterdir()) == [spool.path])


def test_orphans_wait_for_the_claim(far_spool, late_s3, make_orphan, wait_until):
    """
    While the network is away nothing is started for them.
    """
    orphan = make_orphan()
    far_spool.start()
    far_spool.wait_for("trouble")

    untouched = orphan.events("started")
    with late_s3.running():
        far_spool.wait_for("claimed")
        wait_until(is_gone(orphan))

    assert untouched == []


@pytest.fixture
def near_spool(make_spool, bucket_prefix, s3_server):
    """A spool that needs no setting of the environment to find its server."""
    return make_spool(bucket_prefix, endpointUrl=s3_server.url)


def test_a_script_that_ends_waits_for_no_orphan(near_spool, make_orphan, late_s3, wait_until):
    """
    Its uploader is done while the orphan's bucket still does not answer.
    """
    orphan = make_orphan(endpointUrl=late_s3.url)
    near_spool.start()
    wait_until(lambda: orphan.events("trouble"))
    near_spool.end()

    code = near_spool.wait_for_exit()

    assert code == 0
    assert orphan.path.exists()
    with late_s3.running():
        wait_until(is_gone(orphan))
        assert orphan.delivered()["a.txt"] == b"a"


def test_a_living_script_is_no_orphan(spool, make_spool, make_orphan, bucket_prefix, wait_until):
    """
    Also when its uploader is dead: its own writer starts another.
    """
    living, orphan = make_spool(bucket_prefix), make_orphan()
    living.put("a.txt", b"a")

    spool.start()

    wait_until(is_gone(orphan))
    assert living.events() == []


def test_many_that_start_at_once_deliver_an_orphan_once(make_spool, make_orphan, bucket_prefix, wait_until):
    """
    One process a machine does it, and one uploader at a time has a spool.
    """
    orphan = make_orphan()
    for _ in range(4):
        make_spool(bucket_prefix).start()

    wait_until(is_gone(orphan))

    assert orphan.end_json()["delivery"]["requests"] == {"PUT": 3}


@pytest.mark.parametrize("reason", ["taken", "bucket"])
def test_what_only_people_can_mend_is_kept_and_not_tried_again(spool, make_orphan, reason, wait_until):
    refused, orphan = make_orphan(), make_orphan()
    line = json.dumps({"event": "refused", "reason": reason, "message": "no"})
    (refused.own / "journal").write_text(line + "\n")

    spool.start()

    wait_until(is_gone(orphan))
    assert [event["event"] for event in refused.events()] == ["refused"]
    assert (refused.own / "outbox" / "1").exists()


def test_an_orphan_without_its_bucket_does_not_stop_the_others(spool, make_orphan, wait_until):
    lost = make_orphan("s3://no-such-bucket-of-anyone/exp/", tag="000-first")
    orphan = make_orphan()

    spool.start()

    wait_until(is_gone(orphan))
    wait_until(lambda: lost.events("refused"))
    assert (lost.own / "outbox" / "1").exists()


def test_a_copy_beside_a_spool_is_left_as_it_is(spool, make_orphan, lab_workbook, wait_until):
    """
    `cp -a T.x T.x.bak` makes an older version of the same experiment, and people move folders.
    """
    orphan = make_orphan()
    copies = [orphan.path.with_name(orphan.path.name + end) for end in (".bak", " (1)", "~")]
    copies.append(orphan.path.with_name("backup of " + orphan.path.name))
    for copy in copies:
        shutil.copytree(orphan.path, copy)

    spool.start()
    wait_until(is_gone(orphan))
    before = orphan.end_json()
    done = lab_workbook("push")

    assert not any(copy.name in done.stdout for copy in copies)
    assert all((copy / ".lab-workbook/queue").exists() for copy in copies)
    assert not any((copy / ".lab-workbook/journal").exists() for copy in copies)
    assert orphan.end_json() == before


def broken(spool_dir):
    """Spools that a killed writer, a full disk or a stranger has left half made."""
    (spool_dir / "001-empty").mkdir()
    (spool_dir / "stray").write_text("not ours")
    (spool_dir / "002-no-queue" / ".lab-workbook").mkdir(parents=True)
    (spool_dir / "002-no-queue" / ".lab-workbook" / "begin.json").write_text("{}")
    (spool_dir / "003-no-begin" / ".lab-workbook").mkdir(parents=True)
    (spool_dir / "003-no-begin" / ".lab-workbook" / "queue").write_text('{"verb": "destination"}\n')
    return [spool_dir / name for name in ("001-empty", "stray", "002-no-queue", "003-no-begin")]


def test_half_made_spools_are_passed_over(spool, spool_dir, make_orphan, wait_until):
    left = broken(spool_dir)
    orphan = make_orphan()

    spool.start()

    wait_until(is_gone(orphan))
    assert all(path.exists() for path in left)


def test_a_deliverer_killed_at_any_moment_is_followed_by_the_next(
    spool, make_spool, bucket_prefix, make_orphan, wait_until
):
    orphan = make_orphan()
    for number in range(20):
        orphan.put(f"{number}.bin", os.urandom(300_000))
    spool.start()
    wait_until(lambda: orphan.events("started"))
    os.kill(orphan.events("started")[-1]["pid"], signal.SIGKILL)

    make_spool(bucket_prefix).start()

    wait_until(is_gone(orphan))
    assert len(orphan.delivered()) == 22
