"""
A forked child has a copy of the workbook, and must not touch the experiment of its parent.

Python reports the forks that it makes itself; a library in C can fork without it.
"""

import os
from pathlib import Path

import pytest

NOTICE = "was forked from the one that writes T: what it logs is not recorded"

OPEN = """
workbook = lab_workbook.new_experiment(tag='T')
log = workbook.new_time_series_log("loss", ["who"])
log(who="parent")
"""

OPEN_IN_C = (
    """
import ctypes
fork = ctypes.PyDLL(None).fork
"""
    + OPEN
)


def test_what_a_child_logs_is_not_recorded_and_said_once(script):
    """
    Once for each child, and only if it logs at all.
    """
    ran = script.run(
        OPEN
        + """
if not os.fork():
    log(who="child")
    log(who="child")
    workbook.save_text("child.txt", "")
    workbook.save_git_status()
    workbook.new_time_series_log("child", ["x"])(x=1)
    assert workbook.flush(1)
    workbook.close()
    os._exit(0)
os.wait()
log(who="parent")
"""
    )

    assert ran.stderr.count(NOTICE) == 1
    assert "child" not in ran.text("loss.csv")
    assert ran.text("loss.csv").count("parent") == 2
    assert set(ran.end["files"]) == {".lab-workbook/begin.json", "loss.csv"}


def test_a_child_that_ends_does_not_end_the_experiment(script):
    """
    However it ends: by its last line, by ``sys.exit``, by an exception.
    """
    ran = script.run(
        OPEN
        + """
for end in (lambda: None, lambda: sys.exit(3), lambda: 1 / 0):
    if not os.fork():
        end()
        sys.exit()
    os.wait()
assert not os.path.exists(os.path.join(workbook.where[7:], ".lab-workbook", "end.json"))
"""
    )

    assert (ran.status, ran.end["outcome"]) == (0, "ended")
    assert NOTICE not in ran.stderr


def test_the_workers_of_a_data_loader_are_quiet(script):
    """
    They are forked, never log, and end without a word.
    """
    ran = script.run(
        OPEN
        + """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
log(who="parent")
"""
    )

    assert (ran.status, ran.stderr) == (0, "")
    assert ran.text("loss.csv").count("parent") == 2


@pytest.mark.parametrize("opening", [OPEN, OPEN_IN_C + "os.fork = fork\n"], ids=["Python", "a library"])
def test_a_child_is_not_stopped_by_a_lock_of_its_parent(script, opening):
    """
    Another thread of the parent may be in the middle of a row when it forks.
    """
    ran = script.run(
        opening
        + """
import threading
going = True
def train():
    while going:
        log(who="thread")
thread = threading.Thread(target=train)
thread.start()
for _ in range(50):
    if not os.fork():
        log(who="child")
        workbook.save_text("a", "")
        os._exit(0)
    os.wait()
going = False
thread.join()
"""
    )

    assert ran.status == 0
    assert ran.stderr.count(NOTICE) == 50
    assert "child" not in ran.text("loss.csv")


def test_a_child_may_have_an_experiment_of_its_own(script):
    """
    Its end is its own as well.
    """
    ran = script.run(
        OPEN
        + """
if not os.fork():
    lab_workbook.new_experiment(tag="child").save_text("a", "")
    raise RuntimeError("of the child")
os.wait()
"""
    )

    child = ran._replace(home=ran.home.with_name("child"))
    assert child.end["error"] == {"type": "RuntimeError", "message": "of the child"}
    assert ran.end["outcome"] == "ended"


def test_a_process_that_is_spawned_knows_nothing_of_the_workbook(script):
    """
    And one that is started does not keep its files open.
    """
    ran = script.run(
        OPEN
        + """
import subprocess
code = "import os; print(len(os.listdir('/proc/self/fd')))"
count = lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, close_fds=False).stdout
before = count()
for number in range(5):
    workbook.new_time_series_log(f"more {number}", ["x"])(x=1)
assert count() == before
"""
    )

    assert (ran.status, ran.stderr) == (0, "")


def test_a_workbook_that_is_sent_to_another_process_is_inert_there(script):
    """
    As where a data set holds it, and its workers are spawned: they do not fail, and record nothing.
    """
    ran = script.run(
        """
        import multiprocessing

        def work(workbook, log):
            log(who="child")
            log(who="child")
            workbook.log({"a": 1})
            workbook.save_text("child.txt", "")
            workbook.close()
            print(workbook.tag, log.name, log.fields)

        if __name__ == "__main__":
            workbook = lab_workbook.new_experiment(tag="T")
            log = workbook.new_time_series_log("loss", ["who"])
            worker = multiprocessing.get_context("spawn").Process(target=work, args=(workbook, log))
            worker.start()
            worker.join()
            assert worker.exitcode == 0
            log(who="parent")
        """
    )

    assert ran.status == 0
    assert "T loss.csv ('who',)" in ran.stdout
    assert ran.stderr.splitlines() == [
        "lab-workbook: 'loss.csv' was copied to this process: what it logs is not recorded",
        "lab-workbook: the workbook of T was copied to this process: what it logs is not recorded",
    ]
    assert set(ran.end["files"]) == {".lab-workbook/begin.json", "loss.csv"}
    assert ran.text("loss.csv").count("parent") == 1
    assert "child" not in ran.text("loss.csv")


@pytest.mark.parametrize("library", ["CDLL", "PyDLL"])
def test_what_a_child_of_a_library_logs_is_not_recorded_and_said_once(script, library):
    """
    With its first row, however soon that is, and with every verb.
    """
    ran = script.run(
        OPEN_IN_C.replace("PyDLL", library)
        + """
if not fork():
    log(who="child")
    log(who="child")
    workbook.save_text("child.txt", "")
    workbook.save_git_status()
    workbook.save_environment()
    workbook.log({"who": 1})
    workbook.new_time_series_log("child", ["x"])(x=1)
    workbook.capture_output()
    workbook.sample_system(10)
    print("printed")
    assert workbook.flush(1)
    workbook.close()
    os._exit(0)
os.wait()
log(who="parent")
workbook.close()
"""
    )

    assert ran.stderr.count(NOTICE) == 1
    assert "child" not in ran.text("loss.csv")
    assert ran.text("loss.csv").count("parent") == 2
    assert set(ran.end["files"]) == {".lab-workbook/begin.json", "loss.csv"}


@pytest.mark.parametrize(
    "verb",
    [
        "log(who='child')",
        "workbook.log({'who': 'child'})",
        "workbook.save_text('child.txt', '')",
        "workbook.save_json('child', {})",
        "workbook.new_time_series_log('child', ['x'])",
        "workbook.close()",
        "workbook.__exit__(None, None, None)",
    ],
)
def test_each_verb_notices_a_fork_by_itself(script, verb):
    """
    It may be the only one that a child calls.
    """
    ran = script.run(
        OPEN_IN_C
        + f"""
if not fork():
    {verb}
    os._exit(0)
os.wait()
assert not os.path.exists(os.path.join(workbook.where[7:], ".lab-workbook", "end.json"))
log(who="parent")
workbook.close()
"""
    )

    assert (ran.status, ran.end["outcome"]) == (0, "finished")
    assert "child" not in ran.text("loss.csv")
    assert {path.name for path in ran.home.iterdir()} == {".lab-workbook", "loss.csv"}


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "1 / 0", "raise SystemExit(3)"])
def test_a_child_of_a_library_that_ends_does_not_end_the_experiment(script, end):
    """
    Its interpreter runs the functions of atexit, ours among them.
    """
    ran = script.run(
        OPEN_IN_C
        + f"""
if not fork():
    {end}
    sys.exit()
os.wait()
assert not os.path.exists(os.path.join(workbook.where[7:], ".lab-workbook", "end.json"))
for _ in range(4):
    log(who="parent")
workbook.close()
"""
    )

    assert (ran.status, ran.end["outcome"]) == (0, "finished")
    assert ran.text("loss.csv").count("parent") == 5
    assert NOTICE not in ran.stderr


def test_a_child_of_a_child_of_a_library_is_a_child(script):
    """
    Whoever forked it, and also where the experiment is the first child's own.
    """
    ran = script.run(
        OPEN_IN_C
        + """
if not fork():
    own = lab_workbook.new_experiment(tag="child")
    rows = own.new_time_series_log("rows", ["who"])
    rows(who="child")
    if not fork():
        rows(who="grandchild")
        log(who="grandchild")
        sys.exit()
    os.wait()
    rows(who="child")
    own.close()
    os._exit(0)
os.wait()
workbook.close()
"""
    )

    child = ran._replace(home=ran.home.with_name("child"))
    assert (child.end["outcome"], ran.end["outcome"]) == ("finished", "finished")
    assert child.text("rows.csv").count("child") == 2
    assert "grandchild" not in child.text("rows.csv") + ran.text("loss.csv")


@pytest.mark.usefixtures("s3")
def test_a_child_of_a_library_ends_nothing_on_the_way_to_s3(script, s3_client, bucket_prefix):
    """
    The queue hears nothing of it, and the uploader goes on.
    """
    script.environment = {**os.environ, "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix}
    ran = script.run(
        OPEN_IN_C
        + """
for end in (workbook.close, lambda: None):
    child = fork()
    if not child:
        log(who="child")
        end()
        sys.exit()
    os.waitpid(child, 0)
for _ in range(4):
    log(who="parent")
workbook.close()
"""
    )

    assert ran.status == 0
    bucket = bucket_prefix.split("/")[2]
    loss = s3_client.get_object(Bucket=bucket, Key="exp/T/loss.csv")["Body"].read()
    assert (loss.count(b"parent"), loss.count(b"child")) == (5, 0)
    assert list((Path(os.environ["HOME"]) / ".local/state/lab-workbook").iterdir()) == []
