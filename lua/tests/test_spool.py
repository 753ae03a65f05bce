"""The spool: docs/spool.md from the side of the writer, and then with the real uploader."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from lab_workbook.protocol import _spec, file_systems

# Stands where the real one does: claims, answers flushes, and ends when it is told to.
STAND_IN = """#!/bin/sh
spool=${2%/}
cp "$spool/.lab-workbook/begin.json" "$spool.begin"
ls -l /proc/self/fd > "$spool.fds"
say() { printf '%s\\n' "$1" >> "$spool/.lab-workbook/journal"; }
say '{"event": "started", "pid": '$$'}'
ANSWER
for try in $(seq 600); do
   case $(tail -n 1 "$spool/.lab-workbook/queue") in
      *'"verb": "flush"'*) say '{"event": "flushed", "id": 1}';;
      *'"verb": "end"'*) break;;
   esac
   sleep 0.05
done
cp "$spool/.lab-workbook/queue" "$spool.queue"
cp -r "$spool/.lab-workbook/outbox" "$spool.outbox"
say '{"event": "ended"}'
"""


@pytest.fixture
def stand_in(tmp_path):
    """Return a function that puts a stand-in on the PATH; it gives the variables for `run`."""

    def stand_in(answer):
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "lab-workbook").write_text(STAND_IN.replace("ANSWER", answer))
        (programs / "lab-workbook").chmod(0o755)
        return {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "LAB_WORKBOOK_BUCKET_PREFIX": "s3://bucket/exp",
            "LAB_WORKBOOK_SPOOL_DIR": str(tmp_path / "spools"),
        }

    return stand_in


def kept(tmp_path, end):
    """Return what the stand-in has kept."""
    (path,) = (tmp_path / "spools").glob(f"*.{end}")
    return path


# Answers a flush in a journal that it has compacted; what is for uploaders alone says what must not be heard.
COMPACTS = """say '{"event": "claimed"}'
say() {
   case $1 in
   *flushed*)
      memory='{"event": "refused", "message": "for uploaders alone"}'
      head='{"event": "compacted", "number": 1, "memory": SIZE, "requests": {"PUT": 3}}'
      size=$((${#head} + 12 - 4 + 1 + ${#memory} + 1))
      { printf '%s\\n' "${head%SIZE*}$(printf %12d $size)${head#*SIZE}" "$memory" "${1%\\}}, \\"first\\": 1}"
      } > "$spool/.lab-workbook/journal" ;;
   *) printf '%s\\n' "$1" >> "$spool/.lab-workbook/journal" ;;
   esac
}"""


def test_an_answer_is_heard_from_a_journal_that_was_compacted(run, stand_in):
    done = run("print(w:flush(20)) print(w:close())", **stand_in(COMPACTS))

    assert done.stdout.split()[-2:] == ["true", "true"]
    assert "for uploaders alone" not in done.stderr


def test_the_script_ends_after_its_spool(run, stand_in):
    """
    In a container the end of the script is that of its uploader, which would leave the spool behind.
    """
    answer = """say '{"event": "claimed"}'; trap 'sleep 0.5; rm -rf "$spool"' EXIT"""

    done = run(
        """w:close() os.execute('ls -d "$LAB_WORKBOOK_SPOOL_DIR"/*/.lab-workbook 2>&1')""", **stand_in(answer)
    )

    assert "No such file" in done.stdout


def test_a_spool_that_goes_as_soon_as_it_is_delivered_is_delivered(run, stand_in):
    """
    The script has read that it ended, and a moment later there is no journal that says so.
    """
    # What is written to a file without a name is read by whoever has it open, and never again.
    answer = """say '{"event": "claimed"}'; exec 5>> "$spool/.lab-workbook/journal"
    say() { sleep 0.5; rm -f "$spool/.lab-workbook/journal"; printf '%s\\n' "$1" >&5; }"""

    done = run("print(w:close())", **stand_in(answer))

    assert done.stdout.endswith("\ntrue\n")
    assert done.stderr == ""


def test_the_queue_says_what_the_contract_says(run, stand_in, tmp_path):
    """
    Line by line, and each save under a fresh number.
    """
    variables = stand_in("""say '{"event": "claimed"}'""")

    done = run(
        "w:saveJSON('p', {1}) w:saveText('a/b', 'x') w:saveJSON('p', {2})"
        " w:newTimeSeriesLog('loss', {'a'}, 5){a = 1} print(w.where, w:flush(5), w:close())",
        LAB_WORKBOOK_UPLOAD_EVERY="2.5",
        **variables,
    )

    assert "s3://bucket/exp/T/\ttrue\ttrue\n" in done.stdout
    lines = [json.loads(line) for line in kept(tmp_path, "queue").read_text().splitlines()]
    destination = {
        "verb": "destination",
        "prefix": "s3://bucket/exp/",
        "tag": "T",
        "explicit": True,
        "endpointUrl": None,
        "region": None,
        "profile": None,
        "uploadEvery": 2.5,
        "fileSystem": file_systems.identify(str(tmp_path)) or None,
    }
    assert destination.items() <= lines[0].items()
    assert lines[1:-1] == [
        {"verb": "put", "name": "p.json", "outbox": "1"},
        {"verb": "put", "name": "a/b", "outbox": "2"},
        {"verb": "put", "name": "p.json", "outbox": "3"},
        {"verb": "series", "name": "loss.csv", "saveEvery": 5},
        {"verb": "flush", "id": 1},
    ]
    end = lines[-1]
    assert (end["verb"], end["outcome"], end["error"]) == ("end", "finished", None)
    assert end["sizes"] == {"loss.csv": len("a,Date\n1,2016-02-12T22:17:34Z\n")}
    assert sorted(end["lost"]) == ["artifacts", "integers", "rows", "secrets", "texts"]
    assert (kept(tmp_path, "outbox") / "3").read_text() == "[2]"
    spool = Path(str(kept(tmp_path, "queue")).removesuffix(".queue"))
    begin = json.loads((spool / ".lab-workbook/begin.json").read_text())
    assert spool.name == f"T.{begin['nonce']}"
    assert (spool.stat().st_mode & 0o777, spool.parent.stat().st_mode & 0o777) == (0o700, 0o700)


def test_the_uploader_gets_a_pipe_and_nothing_else(run, stand_in, tmp_path):
    """
    Its input is the life pipe, its output the log, and no file of the script is open in it.
    """
    variables = stand_in("""say '{"event": "claimed"}'""")

    run(
        "local open = {} for i = 1, 5 do open[i] = io.open('script.lua') end"
        " require('lab-workbook'):newExperiment{}:close()",
        bare=True,
        **variables,
    )

    lines = [line.split(" -> ") for line in kept(tmp_path, "fds").read_text().splitlines() if " -> " in line]
    targets = {int(left.split()[-1]): right for left, right in lines}
    assert targets[0].startswith("pipe:")
    assert targets[2].endswith(".lab-workbook/log")
    assert all(number <= 3 for number in targets)


def test_a_refused_claim_raises_and_leaves_no_spool(run, stand_in, tmp_path):
    """
    With the uploader's own words.
    """
    variables = stand_in(
        r"""say '{"event": "refused", "reason": "taken", "message": "say \"no\" \u00e9\\"}'; exit"""
    )

    done = run("", check=False, **variables)

    assert done.returncode == 1
    assert 'lab-workbook: say "no" é\\ (rule tag.claim)' in done.stderr
    assert not [path for path in (tmp_path / "spools").iterdir() if path.is_dir()]


def test_trouble_is_warned_of_and_the_script_goes_on(run, stand_in):
    """
    A claim without an answer costs five seconds, an end without progress as long as the user says.
    """
    variables = stand_in("""say '{"event": "trouble", "message": "no route"}'; exit""")

    done = run("print('on')", LAB_WORKBOOK_EXIT_TIMEOUT="0.3", **variables)

    assert "on" in done.stdout
    assert "not in the bucket yet (no route); training goes on" in done.stderr
    assert (
        "not everything is in the bucket (no route), and nothing has arrived for 0.3 s (exitTimeout);"
        in done.stderr
    )
    assert "  lab-workbook push '/" in done.stderr


# Repeats events that report no bytes, ten times a second, and then that everything has arrived.
REPEAT = """say '{"event": "claimed"}'
text='event: claimed'
for turn in $(seq 100); do
   for event in started claiming trouble recovered publishing sending bucket; do
      say "{\\"event\\": \\"$event\\", \\"pid\\": $$, \\"name\\": \\"x\\", \\"message\\": \\"$text\\"}"
      sleep 0.1
   done
done"""


def test_an_event_without_bytes_that_arrived_does_not_extend_the_wait(run, stand_in):
    """
    An uploader that tries again and again would otherwise hold the script for as long as exitMax.
    """
    done = run("print(w:close())", LAB_WORKBOOK_EXIT_TIMEOUT="1.5", **stand_in(REPEAT))

    assert done.stdout.endswith("\nfalse\n")
    assert ", and nothing has arrived for 1.5 s (exitTimeout); deliver the rest with:" in done.stderr


@pytest.mark.parametrize("interpreter", ["luajit"], indirect=True)
@pytest.mark.parametrize("event", [each for each in _spec.SPOOL_PROGRESS_EVENTS if each != "ended"])
def test_progress_extends_the_wait(run, stand_in, event):
    """
    A checkpoint may take minutes, and its script waits while it moves.
    """
    answer = REPEAT.replace("seq 100", "seq 8").replace("recovered", event)

    done = run("print(w:close())", LAB_WORKBOOK_EXIT_TIMEOUT="4", **stand_in(answer))

    assert done.stdout.endswith("\ntrue\n")


@pytest.mark.parametrize("interpreter", ["luajit"], indirect=True)
def test_the_whole_wait_is_bounded(run, stand_in):
    """
    By exitMax, also where bytes arrive all the time.
    """
    answer = REPEAT.replace("recovered", "progress")

    done = run("print(w:close())", LAB_WORKBOOK_EXIT_MAX="2", **stand_in(answer))

    assert done.stdout.endswith("\nfalse\n")
    assert ", and 2 s (exitMax) are over; deliver the rest with:" in done.stderr


@pytest.mark.parametrize("interpreter", ["luajit"], indirect=True)
@pytest.mark.parametrize(
    "sleep", [pytest.param("exit 1", id="it knows no fractions"), pytest.param("set 1", id="it takes long")]
)
def test_the_wait_ends_on_time_where_each_look_takes_a_second(run, stand_in, tmp_path, sleep):
    """
    Where sleep knows whole seconds only, or the machine is busy, a tenth of a second must not become one.
    """
    variables = stand_in("""say '{"event": "claimed"}'; exec /bin/sleep 120""")
    slow = tmp_path / "bin/sleep"
    slow.write_text(f'#!/bin/sh\ncase $1 in *.*) {sleep};; esac\necho >> "$LOOKS"\nexec /bin/sleep "$1"\n')
    slow.chmod(0o755)

    run("w:close()", LAB_WORKBOOK_EXIT_TIMEOUT="12", LOOKS=str(tmp_path / "looks"), **variables)

    # Without a look at the clock it would be 120.
    assert 5 <= len((tmp_path / "looks").read_text()) <= 40


def test_without_the_command_the_spool_is_kept(run, stand_in, tmp_path):
    """
    And it is said how it is delivered.
    """
    variables = {**stand_in("exit"), "PATH": "/usr/bin:/bin", "LAB_WORKBOOK_UPLOADER": "lab-workbook"}

    done = run("w:saveText('t', 'x')", **variables)

    (spool,) = (tmp_path / "spools").iterdir()
    assert (spool / ".lab-workbook/outbox/1").read_text() == "x"
    assert "the command lab-workbook is not on the PATH" in done.stderr
    assert f"lab-workbook push '{spool}'" in done.stderr


@pytest.mark.parametrize(("ending", "outcome"), [("print(w:close())", "finished"), ("", "ended")])
def test_the_real_uploader_delivers(run, s3_client, bucket_prefix, ending, outcome):
    """
    Everything is in the bucket when the script has ended, and the spool is gone.
    """
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"

    run(
        f"w:saveText('note.txt', 'x') local log = w:newTimeSeriesLog('loss', {{'a'}}) log{{a = 1}} {ending}",
        PATH=path,
        LAB_WORKBOOK_BUCKET_PREFIX=bucket_prefix,
    )

    bucket = bucket_prefix.split("/")[2]
    keys = [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert {f"exp/T/{name}" for name in ("note.txt", "loss.csv", ".lab-workbook/begin.json")} <= set(keys)
    end = json.loads(s3_client.get_object(Bucket=bucket, Key="exp/T/.lab-workbook/end.json")["Body"].read())
    assert end["outcome"] == outcome
    assert os.listdir(Path(os.environ["HOME"]) / ".local/state/lab-workbook") == []


@pytest.mark.usefixtures("s3")
def test_the_real_uploader_refuses_a_missing_bucket(run):
    """
    Before the training starts.
    """
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"

    done = run("", check=False, PATH=path, LAB_WORKBOOK_BUCKET_PREFIX="s3://there-is-no-such-bucket/exp")

    assert done.returncode == 1
    assert "there-is-no-such-bucket" in done.stderr
