"""
The uploader as a process: what the spool says is in the bucket, in order, and end.json comes last.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from lab_workbook.protocol import prefix, process


def test_a_whole_experiment_arrives_and_its_spool_is_removed(spool):
    """
    The bucket holds the same tree, object for object, and nothing is left behind.
    """
    spool.series("Training loss.csv")
    spool.put("options.json", b'{"learning rate": 0.1}')
    spool.put("models/best.t7", b"\x00\x01model")
    spool.append("Training loss.csv", b"1,0.5,2016-02-12T22:17:34Z\n")
    spool.end()

    code = spool.start().wait_for_exit()

    assert code == 0
    assert not spool.path.exists()
    assert spool.delivered() == {
        "Training loss.csv": b"epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n",
        "options.json": b'{"learning rate": 0.1}',
        "models/best.t7": b"\x00\x01model",
    }


def test_the_end_lists_the_bytes_and_sums_of_all_that_was_published(spool):
    spool.put("a.txt", b"hello")
    begin = (spool.own / "begin.json").read_bytes()
    spool.end("failed", {"type": "ValueError", "message": "no"}, rows=3)

    spool.start().wait_for_exit()

    end = spool.end_json()
    assert end["outcome"] == "failed"
    assert end["error"] == {"type": "ValueError", "message": "no"}
    assert end["lost"] == {"rows": 3, "artifacts": 0, "texts": 0, "integers": 0, "secrets": 0}
    assert end["files"] == {
        ".lab-workbook/begin.json": {"bytes": len(begin), "sha256": hashlib.sha256(begin).hexdigest()},
        "a.txt": {"bytes": 5, "sha256": hashlib.sha256(b"hello").hexdigest()},
    }
    assert spool.store.get(".lab-workbook/begin.json").data == begin


def test_the_first_object_is_the_claim_and_the_last_is_the_end(spool):
    """
    Whoever sees end.json sees everything that it lists.
    """
    for number in range(20):
        spool.put(f"{number}.txt", b"x")
    spool.end()

    spool.start().wait_for_exit()

    keys = [entry.key for entry in spool.store.keys("")]
    modified = {key: spool.store.get(key).modified for key in keys}
    assert min(modified.values()) == modified[".lab-workbook/begin.json"]
    assert max(modified.values()) == modified[".lab-workbook/end.json"]
    assert len(keys) == 22


def test_an_artifact_saved_again_and_again_ends_as_it_was_saved_last(spool):
    """
    Nothing old ever overtakes something new, and what was overtaken is neither sent nor kept.
    """
    spool.start()
    spool.wait_for("claimed")
    for number in range(1, 51):
        spool.put("p.json", json.dumps(number).encode())
        spool.put("q.json", json.dumps(-number).encode())
    spool.tell("flush", id=1)
    spool.wait_for("flushed", id=1)

    assert spool.delivered() == {"p.json": b"50", "q.json": b"-50"}
    assert list((spool.own / "outbox").iterdir()) == []
    assert len(spool.events("published")) < 50

    spool.end()
    spool.wait_for_exit()
    assert spool.delivered() == {"p.json": b"50", "q.json": b"-50"}


def test_a_reader_never_sees_an_older_version_after_a_newer_one(spool, wait_until):
    seen = []

    def look():
        seen.extend(int(data) for data in spool.delivered().values())

    spool.start().wait_for("claimed")
    for number in range(1, 31):
        spool.put("p.json", str(number).encode())
        look()
    wait_until(lambda: look() or seen[-1:] == [30])

    assert seen == sorted(seen)


def test_flush_is_answered_when_all_before_it_has_arrived(make_spool, bucket_prefix):
    """
    Rows and artifacts of before the flush are in the bucket, however rarely they are uploaded otherwise.
    """
    spool = make_spool(bucket_prefix, uploadEvery=3600).start()
    spool.series("loss.csv", save_every=1000)
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.put("a.txt", b"a")
    spool.tell("flush", id=7)

    spool.wait_for("flushed", id=7)

    assert spool.delivered() == {"loss.csv": b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n", "a.txt": b"a"}


def test_rows_are_published_when_save_every_of_them_are_waiting(make_spool, bucket_prefix):
    spool = make_spool(bucket_prefix, uploadEvery=3600).start()
    spool.series("loss.csv", save_every=2)
    row = b"1,2,2016-02-12T22:17:34Z\n"
    spool.append("loss.csv", row)
    spool.append("loss.csv", row)

    spool.wait_for("published", name="loss.csv", bytes=66)

    spool.append("loss.csv", row)
    spool.put("later.txt", b"x")
    spool.wait_for("published", name="later.txt")
    assert spool.delivered()["loss.csv"].count(b"\n") == 3


def test_rows_are_published_some_seconds_after_the_first_one(spool):
    spool.start()
    spool.series("loss.csv")

    spool.wait_for("published", name="loss.csv", bytes=16)
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")

    spool.wait_for("published", name="loss.csv", bytes=41)


def test_only_whole_rows_are_published(spool):
    """
    A row that is still being written, also one with a line feed inside of quotes, waits.
    """
    spool.series("loss.csv")
    spool.append("loss.csv", b'1,"two\nlines",2016-02-12T22:17:34Z\n2,"half\n')
    spool.end()

    spool.start().wait_for_exit()

    assert spool.delivered() == {"loss.csv": b'epoch,loss,Date\n1,"two\nlines",2016-02-12T22:17:34Z\n'}


def test_a_torn_row_that_a_shorter_one_replaces_is_published_as_replaced(spool):
    """
    A writer cuts off what a full disk tore and goes on: the file may be shorter than it once was.
    """
    spool.start()
    spool.series("loss.csv")
    spool.append("loss.csv", b"1,0.1234567890123456789012345678901234567890")
    spool.wait_for("published", name="loss.csv", bytes=16)
    os.truncate(spool.path / "loss.csv", 16)
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.end()

    spool.wait_for_exit()

    assert spool.delivered() == {"loss.csv": b"epoch,loss,Date\n1,2,2016-02-12T22:17:34Z\n"}


def test_a_script_that_vanished_is_interrupted(make_spool, bucket_prefix, dead_script):
    """
    Everything it left is delivered, and the end says that nobody wrote it.
    """
    spool = make_spool(bucket_prefix, script=dead_script)
    spool.series("loss.csv")
    spool.put("a.txt", b"a")

    code = spool.start().wait_for_exit()

    assert code == 0
    assert spool.end_json()["outcome"] == "interrupted"
    assert spool.end_json()["error"] is None
    assert set(spool.end_json()["files"]) == {".lab-workbook/begin.json", "loss.csv", "a.txt"}


def test_a_script_that_is_killed_while_we_watch_is_interrupted(make_spool, bucket_prefix):
    code = "import json, sys, time; from lab_workbook.protocol import process\n"
    code += "print(json.dumps(process.identity()), flush=True); time.sleep(600)"
    script = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with script:
        identity = json.loads(script.stdout.readline())
        spool = make_spool(bucket_prefix, script=identity).start()
        spool.wait_for("claimed")
        spool.put("last words.txt", b"x")
        script.kill()

    # The pipe is still open, as a forked child of the script would keep it.
    spool.wait_for_exit()

    assert spool.end_json()["outcome"] == "interrupted"
    assert spool.delivered() == {"last words.txt": b"x"}


def test_the_end_of_the_pipe_alone_seals_nothing(spool):
    """
    A script may close its descriptors and go on; it is dead when its process is gone.
    """
    spool.start()
    spool.wait_for("claimed")
    spool.let_go()
    spool.put("a.txt", b"a")
    spool.wait_for("published", name="a.txt")

    spool.put("b.txt", b"b")
    spool.wait_for("published", name="b.txt")

    assert spool.uploader.poll() is None
    assert ".lab-workbook/end.json" not in [entry.key for entry in spool.store.keys("")]


def test_a_script_that_cannot_be_looked_up_counts_as_alive(make_spool, bucket_prefix):
    """
    Another host's process ids say nothing here.
    """
    elsewhere = {**process.identity(), "bootId": "another machine"}
    spool = make_spool(bucket_prefix, script=elsewhere).start()
    spool.let_go()
    spool.put("a.txt", b"a")
    spool.wait_for("published", name="a.txt")

    spool.put("b.txt", b"b")
    spool.wait_for("published", name="b.txt")

    assert spool.uploader.poll() is None


def test_a_torn_line_of_the_queue_stops_nothing(spool):
    spool.put("a.txt", b"a")
    spool.write_queue(b'{"verb": "put", "na\n')
    spool.write_queue(b"[1]\n\n\xff\xfe\n")
    spool.tell("an unknown verb", name="x")
    spool.put("b.txt", b"b")
    spool.end()
    spool.write_queue(b'{"verb": "put"')

    spool.start().wait_for_exit()

    assert spool.delivered() == {"a.txt": b"a", "b.txt": b"b"}


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", ".lab-workbook/begin.json", "a/../../b", "", "a\\b", "a\nb", 7, None]
)
def test_a_hostile_name_in_the_queue_leads_nowhere(spool, name):
    """
    Names are checked again before they become paths or keys, and what they stood for counts as lost.
    """
    begin = (spool.own / "begin.json").read_bytes()
    (spool.own / "outbox" / "1").write_bytes(b"hostile")
    spool.tell("put", name=name, outbox="1")
    spool.tell("series", name=name, saveEvery=None)
    spool.end()

    spool.start().wait_for_exit()

    assert spool.delivered() == {}
    assert spool.store.get(".lab-workbook/begin.json").data == begin
    assert spool.end_json()["lost"]["artifacts"] == 2
    keys = {entry.key for entry in spool.store.keys("")}
    assert keys == {".lab-workbook/begin.json", ".lab-workbook/end.json"}


@pytest.mark.parametrize("number", ["../begin.json", "", "1/../../begin.json", "-1", 1, None, "\u0661"])
def test_the_outbox_is_left_by_no_number(spool, number):
    (spool.own / "outbox" / "1").write_bytes(b"x")
    spool.tell("put", name="stolen.txt", outbox=number)
    spool.end()

    spool.start().wait_for_exit()

    assert spool.delivered() == {}


def test_a_large_artifact_goes_in_parts_while_rows_go_on(spool):
    data = os.urandom(1 << 20) * 20
    spool.start()
    spool.wait_for("claimed")
    spool.put("model.pt", data)
    spool.series("loss.csv")
    spool.end()

    spool.wait_for_exit()

    assert spool.delivered() == {"model.pt": data, "loss.csv": b"epoch,loss,Date\n"}
    assert spool.end_json()["files"]["model.pt"] == {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def test_a_server_that_comes_late_gets_everything(far_spool, late_s3):
    """
    The network is away when training starts and comes back later: nobody has to do anything.
    """
    far_spool.put("a.txt", b"a")
    far_spool.start()
    assert late_s3.url in far_spool.wait_for("trouble")["message"]

    with late_s3.running():
        far_spool.put("b.txt", b"b")
        far_spool.wait_for("recovered")
        far_spool.end()

        assert far_spool.wait_for_exit() == 0
        assert far_spool.delivered() == {"a.txt": b"a", "b.txt": b"b"}


def test_a_server_that_goes_away_and_comes_back_gets_everything(far_spool, late_s3):
    with late_s3.running():
        far_spool.start()
        far_spool.put("a.txt", b"a")
        far_spool.wait_for("published", name="a.txt")
    far_spool.put("a.txt", b"newer")
    far_spool.wait_for("trouble")
    far_spool.put("a.txt", b"newest")

    with late_s3.running():
        far_spool.end()
        far_spool.wait_for_exit()

        assert far_spool.delivered() == {"a.txt": b"newest"}


def test_a_terminated_uploader_finishes_what_is_under_way_and_leaves_the_spool(spool, lab_workbook):
    spool.start()
    spool.put("a.txt", b"a")
    spool.wait_for("published", name="a.txt")
    spool.uploader.send_signal(signal.SIGTERM)

    code = spool.wait_for_exit()

    assert code == 1
    assert spool.path.exists()
    spool.put("b.txt", b"b")
    spool.end()
    assert lab_workbook("push", spool.path).returncode == 0
    assert spool.delivered() == {"a.txt": b"a", "b.txt": b"b"}


def test_an_uploader_leaves_a_spool_alone_that_another_delivers(spool):
    spool.start()
    spool.wait_for("claimed")

    second = subprocess.run(
        [sys.executable, "-m", "lab_workbook_writer.uploader", str(spool.path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert second.returncode == 1
    assert "another process" in second.stdout
    assert len(spool.events("started")) == 1


def test_no_key_lies_outside_of_the_tag(spool, s3_client):
    spool.put("a.txt", b"a")
    spool.end()

    spool.start().wait_for_exit()

    bucket = prefix.parse(f"s3://{spool.prefix.bucket}").bucket
    keys = [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [
        f"exp/{spool.tag}/.lab-workbook/begin.json",
        f"exp/{spool.tag}/.lab-workbook/end.json",
        f"exp/{spool.tag}/a.txt",
    ]


def test_an_uploader_whose_spool_is_removed_leaves(spool):
    """
    A claim that was refused, or a person, removed it: there is nothing more to do.
    """
    spool.start().wait_for("claimed")
    shutil.rmtree(spool.path)

    assert spool.wait_for_exit() == 1


def test_an_uploader_started_through_a_shell_holds_nothing_that_the_script_had_open(
    make_spool, bucket_prefix
):
    """
    Lua starts it through a shell, which passes on every descriptor: a pipe never ends, a port stays taken.
    """
    spool = make_spool(bucket_prefix)
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    code = "from lab_workbook.cli import main; main()"
    with (spool.own / "log").open("ab") as log:
        spool.uploader = subprocess.Popen(
            [sys.executable, "-c", code, "upload", str(spool.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,
        )
    os.close(theirs)
    spool.wait_for("claimed")

    with open(ours, "rb") as pipe:
        assert pipe.read() == b""
    assert spool.uploader.poll() is None
