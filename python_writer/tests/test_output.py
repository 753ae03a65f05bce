"""
``capture_output``: what is printed is printed as before, and kept as a series.
"""

# ruff: noqa: T201 - printing is what is tried

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook_writer.capture import output


@pytest.fixture
def record(tmp_path):
    """Run a script whose experiment captures its output; returns the process, the rows and end.json."""

    def record(
        script, *, start="workbook = lab_workbook.new_experiment(tag='T', capture_output=True)\n", code=0
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"import lab_workbook, os, sys, threading\n{start}{script}"],
            env={**os.environ, "LAB_WORKBOOK_BUCKET_PREFIX": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done, rows(tmp_path), end(tmp_path)

    return record


def rows(home):
    """Return the line, stream and text of each row."""
    table = lab_workbook.ExperimentRepository(f"file://{home}")["T"]["output.csv"].reset_index()
    return list(zip(table["line"], table["stream"], table["text"], strict=True))


def end(home):
    path = Path(home) / "T/.lab-workbook/end.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_lines_of_both_streams_are_kept_in_order(record):
    """
    And printed as without it.
    """
    done, kept, _ = record("print('one'); print('two', file=sys.stderr); print('three', 3)")

    assert done.stdout.splitlines()[1:] == ["one", "three 3"]
    assert done.stderr == "two\n"
    assert kept == [(1, "stdout", "one"), (2, "stderr", "two"), (3, "stdout", "three 3")]


def test_a_line_without_its_end_is_kept_when_the_experiment_ends(record):
    """
    And pieces of a line are one row.
    """
    _, kept, _ = record("print('a', end=''); print('b', end=''); print(); print('rest', end='')")

    assert [text for _, _, text in kept] == ["ab", "rest"]


def test_of_a_progress_bar_its_last_state_is_kept(record):
    """
    Not each of its thousand steps.
    """
    script = (
        "for i in range(1001): sys.stderr.write(f'\\r{i / 10:5.1f}%|{\"#\" * (i // 10)}')\n"
        "print(file=sys.stderr)"
    )

    done, kept, _ = record(script)

    assert len(done.stderr) > 1001
    assert kept == [(1, "stderr", f"100.0%|{'#' * 100}")]


def test_a_line_that_never_ends_fills_no_memory(record):
    """
    It becomes rows of some length.
    """
    _, kept, _ = record("for i in range(30): sys.stdout.write('x' * 1000)")

    assert sum(len(text) for _, _, text in kept) == 30_000
    assert max(len(text) for _, _, text in kept) < 10_000


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("\x1b[1;32mgreen\x1b[0m", "green"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b[2K\x1b[1Gdone", "done"),
        ("windows\r", "windows"),
        ("", ""),
        ('a, "b"; ü \t 雪', 'a, "b"; ü \t 雪'),
    ],
)
def test_what_means_something_to_a_terminal_alone_is_left_out(record, printed, kept):
    """
    Of the series; the terminal has it.
    """
    done, found, _ = record(f"print({printed!r})")

    assert done.stdout.splitlines()[1:] == (printed.splitlines() or [""])
    assert found == [(1, "stdout", kept)]


def test_secrets_are_cut_and_counted(record):
    """
    Also a key that is printed line by line.
    """
    body = "\n".join(chr(97 + line) * 64 for line in range(20))
    key = f"-----BEGIN {'PRIVATE'} KEY-----\n{body}\n-----END {'PRIVATE'} KEY-----"

    done, kept, ended = record(f"print('api_key=\"hunter22\"')\nprint({key!r})\nprint('after')")

    texts = [text for _, _, text in kept]
    assert texts[0] == 'api_key="[redacted]"'
    assert texts[2:22] == ["[redacted]"] * 20
    assert texts[22:] == [key.splitlines()[-1], "after"]
    assert ended["lost"]["secrets"] == 2
    assert "hunter22" in done.stdout
    assert done.stderr.count("lab-workbook:") == 1


def test_the_streams_are_put_back(tmp_path):
    """
    And what is printed after the end is nobody's business.
    """
    before = sys.stdout, sys.stderr
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", capture_output=True):
        assert sys.stdout is not before[0]
        print("within")

    assert (sys.stdout, sys.stderr) == before
    print("after")
    assert [text for _, _, text in rows(tmp_path)] == ["within"]


def test_a_stream_that_somebody_else_has_replaced_stays(tmp_path, monkeypatch):
    """
    Ours, which is still below it, lets everything through.
    """
    below = io.StringIO()
    monkeypatch.setattr(sys, "stdout", below)
    workbook = lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", capture_output=True)
    tee = sys.stdout
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", other)

    workbook.close()
    print("late", file=tee)

    assert sys.stdout is other
    assert below.getvalue().endswith("late\n")
    assert rows(tmp_path) == []


def test_a_stream_is_what_it_was(tmp_path):
    """
    To those who ask for its file, its encoding, or whether it is a terminal.
    """
    stream = sys.stdout
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T", capture_output=True):
        assert sys.stdout.encoding == stream.encoding
        assert sys.stdout.isatty() == stream.isatty()
        assert sys.stdout.writable()
        assert sys.stdout.write("four") == 4
        sys.stdout.writelines(["\n", "lines\n"])
        handler = logging.StreamHandler(sys.stdout)
        handler.emit(logging.makeLogRecord({"msg": "logged"}))

    assert [text for _, _, text in rows(tmp_path)] == ["four", "lines", "logged"]


def test_a_traceback_is_kept(record):
    """
    The last thing that a script says is what one looks for.
    """
    _, kept, ended = record("1 / 0", code=1)

    assert [text for _, _, text in kept][-1] == "ZeroDivisionError: division by zero"
    assert ended["outcome"] == "failed"


def test_lines_survive_a_kill(record):
    """
    As all rows do.
    """
    _, kept, ended = record("print('last words'); sys.stdout.flush(); os.kill(os.getpid(), 9)", code=-9)

    assert [text for _, _, text in kept] == ["last words"]
    assert ended is None


def test_a_forked_child_prints_and_keeps_nothing(record):
    """
    Its streams are its parent's, its experiment is not.
    """
    script = (
        "print('parent')\n"
        "sys.stdout.flush()\n"
        "if os.fork() == 0: print('child', type(sys.stdout).__name__, flush=True); os._exit(0)\n"
        "os.wait(); print('parent again')"
    )

    done, kept, _ = record(script)

    assert "child TextIOWrapper" in done.stdout
    assert "forked" not in done.stderr
    assert [text for _, _, text in kept] == ["parent", "parent again"]


def test_a_fork_while_another_thread_prints_does_not_hang(record):
    """
    The lock that the thread held is held by nobody in the child.
    """
    script = (
        "stop = threading.Event()\n"
        "def chatter():\n"
        "    while not stop.is_set(): print('x')\n"
        "thread = threading.Thread(target=chatter); thread.start()\n"
        "for _ in range(20):\n"
        "    if os.fork() == 0: print('child', file=sys.stderr); os._exit(0)\n"
        "    os.wait()\n"
        "stop.set(); thread.join()"
    )

    done, _, ended = record(script)

    assert done.stderr.count("child\n") == 20
    assert ended["outcome"] in ("finished", "ended")


def test_a_warning_of_ours_does_not_go_round(capsys):
    """
    A row that cannot be written is warned of, and the warning is no row that cannot be written.
    """
    calls = []

    def refuse(row):
        calls.append(row)
        print("lab-workbook: a row was lost", file=sys.stderr)

    capture = output.OutputCapture(refuse, lambda _: None, print)
    capture.start()
    try:
        print("hello")
    finally:
        capture.stop()

    assert [row["text"] for row in calls] == ["hello"]
    assert capsys.readouterr().err == "lab-workbook: a row was lost\n"


def test_a_line_that_cannot_be_kept_is_printed_all_the_same(capsys):
    """
    A fault of ours must not come out of a print.
    """

    def refuse(row):
        raise MemoryError(row["text"])

    lost = []
    capture = output.OutputCapture(refuse, lambda _: None, lost.append)
    capture.start()
    try:
        print("hello")
    finally:
        capture.stop()

    assert lost == ["MemoryError: hello"]
    assert capsys.readouterr().out == "hello\n"


def test_threads_may_print(record):
    """
    Each line is a row of its own, and none is lost.
    """
    script = (
        "def talk(n):\n"
        "    for i in range(200): sys.stdout.write(f'{n} {i}\\n')\n"
        "threads = [threading.Thread(target=talk, args=(n,)) for n in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]"
    )

    _, kept, _ = record(script)

    assert [line for line, _, _ in kept] == list(range(1, 801))
    assert sorted(text for _, _, text in kept) == sorted(f"{n} {i}" for n in range(4) for i in range(200))


def test_a_script_without_streams_can_capture_them(record):
    """
    As a program without a console has none.
    """
    start = "sys.stdout = None\nworkbook = lab_workbook.new_experiment(tag='T', capture_output=True)\n"

    _, kept, _ = record("print('nowhere'); print('there', file=sys.stderr)", start=start)

    assert kept == [(1, "stderr", "there")]


def test_a_disabled_workbook_leaves_the_streams_alone(monkeypatch):
    """
    It is switched off.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")
    stream = sys.stdout

    with lab_workbook.new_experiment(capture_output=True):
        assert sys.stdout is stream


def test_capturing_begins_once(tmp_path):
    """
    However often it is asked for.
    """
    with lab_workbook.new_experiment(bucket_prefix=f"file://{tmp_path}", tag="T") as workbook:
        print("before")
        assert workbook.capture_output() is workbook
        assert workbook.capture_output() is workbook
        print("after")

    assert [text for _, _, text in rows(tmp_path)] == ["after"]
