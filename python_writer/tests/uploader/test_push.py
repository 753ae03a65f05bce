"""
``lab-workbook push``: what was left behind arrives once, however often and by however many it is pushed.
"""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def orphan(make_spool, bucket_prefix, dead_script):
    """A spool whose script died before an uploader could start."""
    spool = make_spool(bucket_prefix, script=dead_script)
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.put("a.txt", b"a")
    return spool


def whole(spool):
    return spool.delivered() == {"loss.csv": b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n", "a.txt": b"a"}


@pytest.fixture
def state(s3_client):
    """Return of each object what another put would change, to the fraction of a second."""

    def of(spool):
        place = f"{spool.prefix.path}{spool.tag}/"
        listed = s3_client.list_objects_v2(Bucket=spool.prefix.bucket, Prefix=place)["Contents"]
        return {item["Key"].removeprefix(place): (item["ETag"], item["LastModified"]) for item in listed}

    return of


def test_an_orphan_is_delivered_and_said_to_be(orphan, lab_workbook):
    done = lab_workbook("push")

    assert done.returncode == 0
    assert done.stdout == f"{orphan.tag}: delivered to {orphan.prefix}{orphan.tag}/\n"
    assert whole(orphan)
    assert orphan.end_json()["outcome"] == "interrupted"
    assert not orphan.path.exists()


def test_nothing_to_deliver_is_no_fault(spool_dir, lab_workbook):
    done = lab_workbook("push")

    assert done.returncode == 0
    assert done.stdout == f"nothing is waiting in {spool_dir}/\n"


def test_spools_of_earlier_versions_are_delivered_too(make_spool, bucket_prefix, dead_script, lab_workbook):
    """
    They are in the old default folder, although XDG_STATE_HOME names another one today.
    """
    old, new = (make_spool(bucket_prefix, script=dead_script) for _ in range(2))
    state = old.path.parent / "state"
    (state / "lab-workbook").mkdir(parents=True)
    new.path = new.path.rename(state / "lab-workbook" / new.path.name)

    done = lab_workbook("push", XDG_STATE_HOME=str(state))

    assert [f"{spool.tag}: delivered" in done.stdout for spool in (old, new)] == [True, True]
    assert not old.path.exists()
    assert not new.path.exists()


def test_an_own_folder_for_spools_is_the_only_one(orphan, lab_workbook, tmp_path):
    """
    A setting says where spools are, and no other folder is delivered.
    """
    done = lab_workbook("push", LAB_WORKBOOK_SPOOL_DIR=str(tmp_path), XDG_STATE_HOME=str(tmp_path))

    assert done.stdout == f"nothing is waiting in {tmp_path}/\n"
    assert orphan.path.exists()


def test_pushing_again_changes_nothing(orphan, lab_workbook, state):
    lab_workbook("push", orphan.path)
    before = state(orphan)

    again = lab_workbook("push")

    assert again.returncode == 0
    assert state(orphan) == before


def test_a_push_after_a_killed_uploader_sends_only_what_is_missing(spool, lab_workbook, state):
    """
    The journal remembers what has arrived, to the row.
    """
    spool.start()
    spool.put("a.txt", b"a")
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.tell("flush", id=1)
    spool.wait_for("flushed", id=1)
    before = state(spool)
    spool.kill()
    spool.put("b.txt", b"b")
    spool.end()

    done = lab_workbook("push", spool.path)

    assert done.returncode == 0
    after = state(spool)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"b.txt", ".lab-workbook/end.json"}
    assert set(spool.end_json()["files"]) == {".lab-workbook/begin.json", "a.txt", "b.txt", "loss.csv"}
    assert not any(spool.end_json()["lost"].values())


@pytest.mark.parametrize("published", [0, 3, 10])
def test_an_uploader_killed_at_any_moment_and_a_push_are_complete(
    make_spool, bucket_prefix, lab_workbook, published, wait_until
):
    spool = make_spool(bucket_prefix)
    spool.series("loss.csv")
    saved = {f"{number}.bin": os.urandom(200_000) for number in range(20)}
    for name, data in saved.items():
        spool.put(name, data)
    spool.end()
    spool.start()
    wait_until(lambda: len(spool.events("published")) >= published)
    spool.kill()

    done = lab_workbook("push", spool.path)

    assert done.returncode == 0, done.stdout
    assert spool.delivered() == {**saved, "loss.csv": b"epoch,loss,Date\n"}
    files = spool.end_json()["files"]
    assert {name: entry["bytes"] for name, entry in files.items() if name in saved} == dict.fromkeys(
        saved, 200_000
    )


def test_two_pushes_at_once_deliver_once(orphan):
    """
    One has the lock and delivers, the other one leaves it to that or comes too late; both are content.
    """
    command = [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=90)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum("delivered to" in each for each in said) == 1
    assert whole(orphan)
    assert not orphan.path.exists()


def test_a_spool_that_is_being_delivered_is_left_alone(spool, lab_workbook):
    spool.start().wait_for("claimed")

    done = lab_workbook("push")

    assert done.returncode == 0
    assert "another process" in done.stdout
    assert len(spool.events("started")) == 1


def test_a_push_beside_an_uploader_to_which_nobody_answers_says_so(
    make_spool, bucket_prefix, late_s3, lab_workbook
):
    """
    "Is being delivered" alone would be taken for good news.
    """
    spool = make_spool(bucket_prefix, endpointUrl=late_s3.url)
    spool.start().wait_for("trouble")

    done = lab_workbook("push")

    assert done.returncode == 1
    assert "another process" in done.stdout
    assert f"nothing arrives just now: s3://{spool.prefix.bucket}" in done.stdout


def test_a_living_script_is_delivered_but_not_sealed(spool, lab_workbook, state):
    """
    Its uploader died: what is there is brought to safety, and the script goes on.
    """
    spool.put("a.txt", b"a")

    first = lab_workbook("push")
    spool.put("a.txt", b"newer")
    second = lab_workbook("push", spool.path)

    assert first.returncode == second.returncode == 0
    assert "still running" in first.stdout
    assert spool.delivered() == {"a.txt": b"newer"}
    assert ".lab-workbook/end.json" not in state(spool)
    assert spool.path.exists()


def test_a_taken_tag_is_delivered_under_another(make_spool, bucket_prefix, lab_workbook):
    first = make_spool(bucket_prefix, tag="mine", explicit=True).start()
    first.wait_for("claimed")
    second = make_spool(bucket_prefix, tag="mine", explicit=True)
    second.put("a.txt", b"second's")
    second.end()
    second.start().wait_for_exit()

    refused = lab_workbook("push", second.path)
    done = lab_workbook("push", second.path, "--tag", "ours")

    assert refused.returncode == 1
    assert "push --tag NEW" in refused.stdout
    assert done.returncode == 0
    assert done.stdout == f"ours: delivered to {second.prefix}ours/\n"
    assert first.delivered() == {}
    second.tag = "ours"
    assert second.delivered() == {"a.txt": b"second's"}


def test_a_new_tag_is_only_for_a_tag_that_was_taken(orphan, lab_workbook):
    done = lab_workbook("push", orphan.path, "--tag", "new")

    assert done.returncode == 1
    assert "was not taken" in done.stdout
    assert json.loads((orphan.own / "begin.json").read_text())["tag"] == orphan.tag


def test_a_new_tag_that_is_no_name_is_refused(orphan, lab_workbook):
    done = lab_workbook("push", orphan.path, "--tag", "../x")

    assert done.returncode == 1
    assert "tag.explicit" in done.stdout


def test_a_new_tag_needs_one_spool(lab_workbook):
    done = lab_workbook("push", "--tag", "new")

    assert done.returncode == 2
    assert "give the spool" in done.stderr


def test_a_folder_that_is_no_spool_is_named(tmp_path, lab_workbook):
    done = lab_workbook("push", tmp_path)

    assert done.returncode == 1
    assert f"no spool at {tmp_path}" in done.stdout


def test_a_broken_spool_does_not_stop_the_others(orphan, spool_dir, lab_workbook):
    broken = spool_dir / "000-broken" / ".lab-workbook"
    broken.mkdir(parents=True)
    (broken / "queue").write_bytes(b"nonsense\n")

    done = lab_workbook("push")

    assert done.returncode == 1
    assert "000-broken: " in done.stdout
    assert f"{orphan.tag}: delivered" in done.stdout
    assert whole(orphan)


def test_a_push_that_gets_nowhere_says_why_and_keeps_the_spool(
    make_spool, bucket_prefix, dead_script, late_s3, lab_workbook
):
    spool = make_spool(bucket_prefix, script=dead_script, endpointUrl=late_s3.url)
    spool.put("a.txt", b"a")

    gone = lab_workbook("push", LAB_WORKBOOK_EXIT_TIMEOUT="1")
    with late_s3.running():
        back = lab_workbook("push")

        assert gone.returncode == 1
        assert f"not delivered: s3://{spool.prefix.bucket}" in gone.stdout
        assert back.returncode == 0
        assert spool.delivered() == {"a.txt": b"a"}


def test_what_an_interrupted_removal_left_is_swept_up(spool_dir, lab_workbook):
    rest = spool_dir / ".removed-201602122149-PMJ8a76csB.9f2kQ0aX"
    rest.mkdir()
    (rest / "loss.csv").write_bytes(b"x")

    lab_workbook("push")

    assert not rest.exists()
