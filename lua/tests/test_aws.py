"""Lua without Python: the `aws` command delivers (docs/aws-fallback.md), here to a real server."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab_workbook import ExperimentRepository
from lab_workbook_conformance import certify
from lab_workbook_conformance.levels import s3 as level
from lab_workbook_conformance.s3.faults import answer, delay, refuse_overwrites, reset_after_storing, stall
from lab_workbook_conformance.s3.proxy import Proxy

ROCK = Path(__file__).resolve().parent.parent
ADAPTER = ROCK.parent / "conformance/writers/lua/adapter.lua"
# Those of level s3 in which this writer differs most from ours in Python; docs/aws-fallback.md plays all.
CASES = {"end.last-bucket", "heartbeat.beat-minute", "segments.first-refused", "tag.claim-answer-lost"}
KNOWN = ADAPTER.parent / "known-without-python.json"
INTERPRETERS = ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4")

# Stands before the real command, counts its calls, and keeps what they were given.
WRAPPER = """#!/bin/sh
printf '%s\\n' "$*" >> '{calls}'
exec '{aws}' "$@"
"""

# All that a minimal Linux has of what the worker uses.
# A Debian busybox has no flock; that of util-linux is there, as it is on most.
APPLETS = (
    "sh awk cat cmp cp date grep head kill ls mkdir mv readlink rm rmdir sed setsid sha256sum sleep tail tr"
    " uname wc"
)


class Machine:
    """A machine with Lua and the aws command, and without our Python package."""

    def __init__(self, tmp_path: Path, interpreter: str) -> None:
        self._tmp = tmp_path
        self.interpreter = interpreter
        self.programs = tmp_path / "bin"
        self.programs.mkdir()
        self.calls = tmp_path / "calls"
        self.calls.touch()
        aws = shutil.which("aws", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
        if aws is None:
            pytest.skip("the aws command is not installed: make setup")
        wrapper = self.programs / "aws"
        wrapper.write_text(WRAPPER.format(calls=self.calls, aws=aws))
        wrapper.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "LUA_PATH": f"{ROCK}/?.lua;{ROCK}/?/init.lua;;",
            "LAB_WORKBOOK_SPOOL_DIR": str(self._tmp / "spools"),
        }

    def start(self, script: str, **more: str) -> subprocess.Popen[str]:
        path = self._tmp / "script.lua"
        path.write_text("local lab = require 'lab-workbook'\n" + script)
        return subprocess.Popen(
            [shutil.which(self.interpreter), str(path)],
            cwd=self._tmp,
            env=self.environment | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, **more)
        output, errors = process.communicate(timeout=300)
        return subprocess.CompletedProcess(script, process.returncode, output, errors)

    @property
    def spools(self) -> list[Path]:
        return sorted(path for path in (self._tmp / "spools").glob("*") if path.is_dir())

    def asked(self, operation: str) -> int:
        """Return how often aws was called for an operation."""
        return sum(operation in line for line in self.calls.read_text().splitlines())


@pytest.fixture
def machine(request, tmp_path):
    """Such a machine, with LuaJIT or the Lua that a test asks for."""
    interpreter = getattr(request, "param", "luajit")
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not installed")
    return Machine(tmp_path, interpreter)


# A request by this command takes seconds, so that each test is run by one Lua, and only one of them by all.
OTHERS = [pytest.param(name, marks=pytest.mark.soak) for name in INTERPRETERS if name != "luajit"]


def until(holds, seconds=120.0):
    """Wait until something holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return value


def objects(client, prefix):
    """Return the bytes of all objects of the experiment T."""
    bucket, _, path = prefix.removeprefix("s3://").partition("/")
    path += "T/"
    found = {}
    for item in client.list_objects_v2(Bucket=bucket, Prefix=path).get("Contents", []):
        found[item["Key"].removeprefix(path)] = client.get_object(Bucket=bucket, Key=item["Key"])[
            "Body"
        ].read()
    return found


def events(spool, name):
    """Return the events of the journal that have a name."""
    lines = map(json.loads, (spool / ".lab-workbook/journal").read_text().splitlines())
    return [line for line in lines if line["event"] == name]


def check_end(found):
    """Compare what end.json lists with what is there, and return it."""
    end = json.loads(found[".lab-workbook/end.json"])
    unlisted = {".lab-workbook/end.json", ".lab-workbook/heartbeat.json"}
    others = {name: data for name, data in found.items() if name not in unlisted}
    assert end["files"] == {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in others.items()
    }
    return end


NAME = """- "it's" $HOME `id` $(id) ; & * 1 \u00e9/--x='%s' .txt"""


@pytest.mark.parametrize("machine", ["luajit", *OTHERS], indirect=True)
def test_everything_arrives_as_it_is(machine, s3_client, bucket_prefix):
    """
    Whatever a name holds: names are data. Of twenty saves the last is there, without twenty requests.
    """
    done = machine.run(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        for i = 1, 20 do w:saveJSON('p', {{i}}) end
        w:saveText({json.dumps(NAME, ensure_ascii=False)}, 'x')
        local log = w:newTimeSeriesLog('loss "a"', {{'epoch', 'a\\n"b'}})
        for i = 1, 50 do log{{epoch = i, ['a\\n"b'] = 'one\\ntwo "' .. i}} end
        print(w:close())
        """
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\ntrue\n")
    found = objects(s3_client, bucket_prefix)
    end = check_end(found)
    assert end["outcome"] == "finished"
    assert (found["p.json"], found[NAME]) == (b"[20]", b"x")
    experiment = ExperimentRepository(bucket_prefix)["T"]
    assert experiment.status == "finished"
    assert list(experiment['loss "a".csv']['a\n"b']) == [f'one\ntwo "{number}' for number in range(1, 51)]
    assert machine.spools == []
    assert len(machine.calls.read_text().splitlines()) <= 9


@pytest.mark.parametrize("shell", ["busybox", pytest.param("bash", marks=pytest.mark.soak)])
@pytest.mark.parametrize("machine", ["lua5.1"], indirect=True)
def test_a_busybox_is_enough(machine, s3_client, bucket_prefix, shell):
    """
    The worker asks for nothing that a minimal Linux does not have, nor for a locale.
    """
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    for applet in APPLETS.split() if shell == "busybox" else ["sh"]:
        (machine.programs / applet).symlink_to(program)
    prefix = f"{bucket_prefix}- $(id) 'é\"/"

    done = machine.run(
        f"""
        local w = lab:newExperiment{{bucketPrefix = {json.dumps(prefix, ensure_ascii=False)}, tag = 'T'}}
        w:saveText('a ö.txt', 'x')
        w:newTimeSeriesLog('loss', {{'a'}}){{a = 'x\\n"'}}
        print(w:flush(60), w:close())
        """,
        LC_ALL="C",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\ntrue\ttrue\n")
    found = objects(s3_client, prefix)
    assert check_end(found)["outcome"] == "finished"
    assert found["a ö.txt"] == b"x"


def test_a_taken_tag_is_refused(machine, s3_client, bucket_prefix):
    """
    Before the training starts, and what is there stays as it is.
    """
    bucket = bucket_prefix.split("/")[2]
    s3_client.put_object(Bucket=bucket, Key="exp/T/.lab-workbook/begin.json", Body=b"theirs")

    done = machine.run(f"lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}")

    assert done.returncode == 1
    assert "another experiment has the tag 'T': choose another tag (rule tag.claim)" in done.stderr
    assert objects(s3_client, bucket_prefix) == {".lab-workbook/begin.json": b"theirs"}
    assert machine.spools == []


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_refused_in_the_words_of_aws(machine):
    """
    In one line, before the training starts.
    """
    done = machine.run("lab:newExperiment{bucketPrefix = 's3://there-is-no-such-bucket/x'}")

    assert done.returncode == 1
    assert "lab-workbook: An error occurred (NoSuchBucket) when calling" in done.stderr


@pytest.mark.parametrize("machine", ["lua5.4"], indirect=True)
def test_a_killed_script_is_interrupted(machine, s3_client, bucket_prefix):
    """
    All its whole rows are delivered, and not what the disk tore.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:saveText('note', 'x')
        local log = w:newTimeSeriesLog('loss', {{'a', 'b'}})
        for i = 1, 1000 do log{{a = i, b = 'x\\n"'}} end
        print 'ready' io.stdout:flush() io.read()
        """
    )
    while "ready" not in process.stdout.readline():
        pass
    (spool,) = machine.spools
    whole = (spool / "loss.csv").read_bytes()
    with (spool / "loss.csv").open("ab") as file:
        file.write(b'1001,"torn\n')

    process.kill()
    process.communicate()

    until(lambda: not machine.spools)
    found = objects(s3_client, bucket_prefix)
    assert check_end(found)["outcome"] == "interrupted"
    assert found["loss.csv"] == whole
    assert whole.count(b"\n") == 2001
    assert found["note"] == b"x"


@pytest.mark.parametrize("trick", ["take_name_of_two_lines", "end_first_thread"])
def test_a_script_that_looks_ended_is_not_sealed(machine, forker, s3_client, bucket_prefix, trick):
    """
    /proc/PID/stat may have a line feed in the name, and the state of the first thread is not that of all.
    """
    process = machine.start(
        f"""
        package.cpath = '{forker}/?.so;' .. package.cpath
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', uploadEvery = 1}}
        local log = w:newTimeSeriesLog('loss', {{'step'}})
        log{{step = 1}}
        require 'forker'.{trick}()
        io.read()
        for step = 2, 100 do log{{step = step}} end
        w:flush(60)
        print 'sent' io.stdout:flush() io.read()
        """
    )
    (spool,) = until(lambda: machine.spools)
    until(lambda: events(spool, "published"))
    # The worker has looked at its script again, and sealed nothing, once it has answered this.
    with (spool / ".lab-workbook/worklist").open("a") as worklist:
        worklist.write("flush 77\n")
    until(lambda: [event for event in events(spool, "flushed") if event["id"] == 77])

    assert ".lab-workbook/end.json" not in objects(s3_client, bucket_prefix)
    process.communicate("\n")
    found = until(
        lambda: (files := objects(s3_client, bucket_prefix)).get(".lab-workbook/end.json") and files
    )
    assert found["loss.csv"].count(b"\n") == (101 if trick == "take_name_of_two_lines" else 2)


def test_a_script_that_became_another_program_is_interrupted(machine, forker, s3_client, bucket_prefix):
    """
    Its process has the same id and the same start after exec.
    """
    process = machine.start(
        f"""
        package.cpath = '{forker}/?.so;' .. package.cpath
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:newTimeSeriesLog('loss', {{'a'}}){{a = 1}}
        require 'forker'.become_cat()
        """
    )

    found = until(
        lambda: (files := objects(s3_client, bucket_prefix)).get(".lab-workbook/end.json") and files
    )

    assert check_end(found)["outcome"] == "interrupted"
    assert found["loss.csv"].count(b"\n") == 2
    assert process.poll() is None
    process.communicate()


@pytest.mark.soak
def test_an_outage_is_said_in_the_words_of_aws_and_survived(machine, late_s3, s3_client, bucket_prefix):
    """
    The script goes on, a flush says that nothing has arrived, and all arrives when the network is back.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 120}}
        w:saveText('note', 'x')
        print(w:flush(1)) io.stdout:flush() io.read()
        print(w:close())
        """,
        AWS_MAX_ATTEMPTS="1",
        AWS_ENDPOINT_URL_S3=late_s3.url,
    )
    first = [process.stdout.readline() for _ in range(2)]
    (spool,) = machine.spools
    trouble = until(lambda: events(spool, "trouble"))
    with late_s3.running():
        output, errors = process.communicate(timeout=300)

    assert (first[1], output) == ("false\n", "true\n")
    assert "Could not connect to the endpoint URL" in trouble[0]["message"]
    # On a busy machine the first attempt takes longer than the script waits for it.
    assert f"({trouble[0]['message']})" in errors or "(no answer within 15 s)" in errors
    assert errors.count("\n") <= 2
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "finished"


@pytest.fixture
def proxy(s3, monkeypatch):
    """A proxy before the server, with an environment that points to it."""
    with Proxy(s3) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        yield proxy


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ((412, "PreconditionFailed"), "another experiment has the tag 'T'"),
        pytest.param((404, "NoSuchBucket"), "An error occurred (NoSuchBucket)", marks=pytest.mark.soak),
    ],
)
def test_an_error_without_a_message_is_understood(machine, proxy, bucket_prefix, error, said):
    """
    Ceph sends such, and aws stumbles over them.
    """
    with proxy.fault(answer(*error, message=""), method="PUT"):
        done = machine.run(f"lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}")

    assert done.returncode == 1
    assert said in done.stderr
    assert machine.spools == []


@pytest.mark.soak
def test_a_bucket_that_refuses_overwrites_gets_all_at_the_end(machine, proxy, s3_client, bucket_prefix):
    """
    Each artifact is then put once, because nothing could be mended.
    """
    with proxy.fault(refuse_overwrites):
        done = machine.run(
            f"""
            local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', uploadEvery = 0}}
            local log = w:newTimeSeriesLog('loss', {{'a'}})
            for i = 1, 3 do
               w:saveJSON('p', {{i}})
               log{{a = i}}
               os.execute('sleep 1')
            end
            print(w:close())
            """
        )

    assert (done.returncode, done.stderr) == (0, "")
    found = objects(s3_client, bucket_prefix)
    assert check_end(found)["outcome"] == "finished"
    assert found["p.json"] == b"[3]"
    assert found["loss.csv"].count(b"\n") == 4
    assert json.loads(found[".lab-workbook/heartbeat.json"])["first"] is True


@pytest.mark.soak
def test_a_growing_series_is_seen_before_the_end_and_sent_seldom(machine, s3_client, bucket_prefix):
    """
    It goes whole each time, so it has to grow by a quarter first; all of it comes at the end.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', uploadEvery = 0}}
        local slow = w:newTimeSeriesLog('slow', {{'a'}})
        local fast = w:newTimeSeriesLog('fast', {{'a'}})
        for i = 1, 300 do slow{{a = i}} fast{{a = i}} end
        io.read()
        for i = 1, 10 do slow{{a = i}} end
        for i = 1, 300 do fast{{a = i}} end
        io.read()
        """
    )

    def rows(name):
        return objects(s3_client, bucket_prefix).get(name, b"").count(b"\n") - 1

    until(lambda: rows("slow.csv") == rows("fast.csv") == 300)
    process.stdin.write("\n")
    process.stdin.flush()
    # The worker rests twenty times as long as the first round took.
    until(lambda: rows("fast.csv") == 600, 600)
    before = machine.asked("slow.csv")
    status = ExperimentRepository(bucket_prefix)["T"].status
    _, errors = process.communicate(timeout=300)

    assert (before, machine.asked("slow.csv"), errors) == (1, 2, "")
    assert status == "running"
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "ended"
    assert rows("slow.csv") == 310


def test_settings_become_arguments(machine, moto, s3_client, bucket_prefix):
    """
    Of every call.
    """
    (machine.programs.parent / "credentials").write_text(
        "[mine]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )

    done = machine.run(
        f"""
        local w = lab:newExperiment{{
           bucketPrefix = '{bucket_prefix}', tag = 'T', endpointUrl = '{moto}', profile = 'mine',
           region = 'us-east-1', serverSideEncryption = 'AES256', storageClass = 'STANDARD_IA',
        }}
        w:saveText('note', 'x')
        w:close()
        """,
        AWS_SHARED_CREDENTIALS_FILE=str(machine.programs.parent / "credentials"),
        AWS_ENDPOINT_URL_S3="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="",
    )

    assert (done.returncode, done.stderr) == (0, "")
    calls = machine.calls.read_text().splitlines()
    assert len(calls) == 5
    assert all(call.startswith(f"--endpoint-url={moto} --profile=mine --region=us-east-1 ") for call in calls)
    head = s3_client.head_object(Bucket=bucket_prefix.split("/")[2], Key="exp/T/note")
    assert (head["ServerSideEncryption"], head["StorageClass"]) == ("AES256", "STANDARD_IA")


@pytest.mark.parametrize("command", ["deliver", pytest.param("push", marks=pytest.mark.soak)])
def test_what_is_left_is_delivered_by_the_command_that_is_printed(
    machine, late_s3, s3_client, bucket_prefix, command
):
    """
    A script does not wait for ever; `sh SPOOL/.lab-workbook/deliver`, or our own command, delivers the rest.
    """
    done = machine.run(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 1}}
        w:saveText('note', 'x')
        w:newTimeSeriesLog('loss', {{'a'}}){{a = 1}}
        print(w:close())
        """,
        AWS_MAX_ATTEMPTS="1",
        AWS_ENDPOINT_URL_S3=late_s3.url,
    )
    (spool,) = machine.spools
    os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)

    assert done.stdout.endswith("\nfalse\n")
    *_, advice = done.stderr.splitlines()
    assert advice == f"lab-workbook:   sh '{spool}/.lab-workbook/deliver'"
    deliver = ["sh", "-c", advice.removeprefix("lab-workbook:   ")]
    push = [os.path.join(os.path.dirname(sys.executable), "lab-workbook"), "push", str(spool)]

    # The last request of a killed worker may outlive it, and holds the lock for so long.
    def is_delivered():
        program, environment = (deliver, machine.environment) if command == "deliver" else (push, None)
        subprocess.run(program, env=environment, check=True, capture_output=True, timeout=300)
        return not machine.spools

    with late_s3.running():
        until(is_delivered)
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "finished"


@pytest.mark.soak
def test_a_claim_whose_answer_was_lost_is_ours(machine, proxy, s3_client, bucket_prefix):
    """
    "Exists already" then speaks of our own success, which begin.json tells.
    """
    with proxy.fault(reset_after_storing, method="PUT", key="*/begin.json", times=1) as lost:
        done = machine.run(f"print(lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}:close())")

    assert lost.hits == 1
    assert done.stdout.endswith("\ntrue\n")
    assert "not in the bucket yet" in done.stderr
    assert check_end(objects(s3_client, bucket_prefix))["outcome"] == "finished"


@pytest.mark.soak
def test_a_large_file_is_waited_for_as_long_as_it_moves(machine, proxy, s3_client, bucket_prefix, tmp_path):
    """
    Its parts take longer than a script would wait without progress. A megabyte is large here, because 5 GB
    are too much for a test.
    """
    rock = tmp_path / "rock"
    shutil.copytree(ROCK / "lab-workbook", rock / "lab-workbook")
    worker = rock / "lab-workbook/awsworker.lua"
    worker.write_text(re.sub("LARGEST_PUT=.*", "LARGEST_PUT=1048576", worker.read_text()))
    (tmp_path / "aws-config").write_text("[default]\ns3 =\n  max_concurrent_requests = 1\n")
    (tmp_path / "model").write_bytes(os.urandom(64 * 1024 * 1024))

    with proxy.fault(delay(4), query="*partNumber=*") as slow:
        done = machine.run(
            f"""
            local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 12}}
            w:saveFile('model.t7', 'model')
            print(w:close())
            """,
            AWS_CONFIG_FILE=str(tmp_path / "aws-config"),
            LUA_PATH=f"{rock}/?.lua;{rock}/?/init.lua;;",
        )

    assert slow.hits >= 8
    assert (done.stdout.endswith("\ntrue\n"), done.stderr) == (True, "")
    end = check_end(objects(s3_client, bucket_prefix))
    assert end["outcome"] == "finished"
    puts = sum(seen.method == "PUT" for seen in proxy.seen)
    assert end["delivery"]["requests"] == {"PUT": puts - 1, "GET": 0, "POST": 2}


# An aws command that takes seconds to start and then finds no server, as on a network file system.
SLOW_AWS = """#!{python}
import sys, time
print(*sys.argv[1:], file=open({calls!r}, "a"))
began = time.monotonic()
while time.monotonic() < began + 6:
    open("/dev/zero", "rb", buffering=0).read(100_000)
    time.sleep(0.1)
sys.exit("Could not connect to the endpoint URL")
"""


@pytest.mark.usefixtures("s3")
def test_an_aws_command_that_starts_again_and_again_is_no_progress(machine):
    """
    Only the first start can be mistaken for bytes that move, so the wait at the end does not begin anew.
    """
    slow = SLOW_AWS.format(python=sys.executable, calls=str(machine.calls))
    (machine.programs / "aws").write_text(slow)

    done = machine.run(
        """
        local w = lab:newExperiment{bucketPrefix = 's3://bucket/', tag = 'T', exitTimeout = 20}
        w:saveText('note', 'x')
        print(w:close())
        """
    )
    (spool,) = machine.spools
    os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)

    assert done.stdout.endswith("\nfalse\n")
    assert ", and nothing has arrived for 20 s (exitTimeout); deliver" in done.stderr
    assert machine.asked("begin.json") >= 2
    assert len(events(spool, "progress")) <= 3


def test_a_worker_whose_claim_never_arrives_leaves_after_its_script(machine, late_s3, bucket_prefix):
    """
    Attempts are no progress, so its ten minutes (three seconds here) do not begin anew.
    """
    done = machine.run(
        f"lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 1}}:close()",
        AWS_ENDPOINT_URL_S3=late_s3.url,
    )
    (spool,) = machine.spools
    os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)
    deliver = spool / ".lab-workbook/deliver"
    deliver.write_text(deliver.read_text().replace("IDLE=600", "IDLE=3"))

    # A request of the killed worker may hold the lock a little longer.
    worker = until(lambda: _deliver(machine, deliver, late_s3.url))

    assert "not delivered: " in worker.stderr
    assert "not everything is in the bucket" in done.stderr
    assert machine.spools == [spool]


def _deliver(machine, deliver, url):
    """Run the worker of a spool to its end; return None where another process still delivers it."""
    environment = machine.environment | {"AWS_ENDPOINT_URL_S3": url}
    done = subprocess.run(
        ["sh", str(deliver)], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return None if "by another process" in done.stderr else done


@pytest.mark.soak
def test_a_request_of_a_killed_worker_is_waited_for(machine, proxy, s3_client, bucket_prefix):
    """
    It may yet arrive, and must not overtake what the next worker sends.
    """
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 1}}
        w:saveText('note', 'old')
        io.read()
        w:saveText('note', 'new')
        print(w:close())
        """
    )
    with proxy.fault(stall, method="PUT", key="*/note") as stalled:
        until(lambda: stalled.hits)
        (spool,) = machine.spools
        os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)
        process.communicate("\n", timeout=300)
        worker = ["sh", str(spool / ".lab-workbook/deliver")]
        second = subprocess.Popen(worker, env=machine.environment, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        started = len(events(spool, "started"))
    second.communicate(timeout=300)

    assert (started, second.returncode) == (1, 0)
    found = objects(s3_client, bucket_prefix)
    assert check_end(found)["outcome"] == "finished"
    assert found["note"] == b"new"


@pytest.mark.soak
def test_a_server_that_does_not_answer_is_said_and_does_not_hold_the_script(machine, proxy, bucket_prefix):
    """
    aws alone would be silent for minutes.
    """
    with proxy.fault(stall, method="PUT", key="*/note"):
        done = machine.run(
            f"""
            local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T', exitTimeout = 25}}
            w:saveText('note', 'x')
            print(w:close())
            """
        )
        (spool,) = machine.spools
        os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)

    assert done.stdout.endswith("\nfalse\n")
    assert "not everything is in the bucket (the server has not answered for 15 s)" in done.stderr


@pytest.fixture
def elsewhere(machine, bucket_prefix):
    """The spool of a script with a row and a text, both it and its worker killed, as if on another host."""
    process = machine.start(
        f"""
        local w = lab:newExperiment{{bucketPrefix = '{bucket_prefix}', tag = 'T'}}
        w:newTimeSeriesLog('loss', {{'step'}}){{step = 1}}
        w:saveText('note', 'x')
        print 'on' io.stdout:flush() io.read()
        """
    )
    until(lambda: "on" in process.stdout.readline())
    (spool,) = machine.spools
    os.kill(events(spool, "started")[0]["pid"], signal.SIGKILL)
    process.kill()
    process.communicate()
    worklist = spool / ".lab-workbook/worklist"
    worklist.write_text(re.sub("process .*", "process 1 2 3 4", worklist.read_text()))
    for path in spool.rglob("*"):
        os.utime(path, (1e9, 1e9))
    return spool


def deliver(machine, spool, *arguments):
    return subprocess.run(
        ["sh", str(spool / ".lab-workbook/deliver"), *arguments],
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_silent_script_of_another_host_is_sealed_on_a_persons_word_alone(
    machine, elsewhere, s3_client, bucket_prefix
):
    """
    Then its spool is kept, because the person may be wrong.
    """
    asked = deliver(machine, elsewhere)
    before = objects(s3_client, bucket_prefix)
    told = deliver(machine, elsewhere, "seal")

    assert asked.returncode == told.returncode == 1
    assert f"if that is dead: sh {elsewhere}/.lab-workbook/deliver seal" in asked.stderr
    assert ".lab-workbook/end.json" not in before
    end = check_end(objects(s3_client, bucket_prefix))
    assert (end["outcome"], end["ended"]) == ("interrupted", "2001-09-09T01:46:40Z")
    assert f"what its script records later stays in {elsewhere}" in told.stderr
    assert [event["by"] for event in events(elsewhere, "sealed")] == ["sh deliver seal"]
    assert (elsewhere / "loss.csv").exists()
    assert (elsewhere / ".lab-workbook/sealed").exists()
    assert not (elsewhere / ".lab-workbook/queue").exists()


def test_a_spool_that_another_process_has_sealed_is_kept(machine, elsewhere, s3_client, bucket_prefix):
    """
    A backup may have brought it back, so nothing in the bucket is replaced by what it holds.
    """
    bucket = bucket_prefix.split("/")[2]
    s3_client.put_object(Bucket=bucket, Key="exp/T/.lab-workbook/end.json", Body=b'{"outcome": "finished"}')
    before = objects(s3_client, bucket_prefix)

    done = deliver(machine, elsewhere, "seal")

    assert done.returncode == 1
    after = objects(s3_client, bucket_prefix)
    # The first heartbeat of the worker that was killed may have been under way.
    for each in (before, after):
        each.pop(".lab-workbook/heartbeat.json", None)
    assert after == before
    assert [event["by"] for event in events(elsewhere, "sealed")] == ["another process"]
    assert (elsewhere / "loss.csv").exists()


HOLD = """
import sys
with locks.locked(sys.argv[1]) as lock:
    print(*locks.owners(lock.folder), flush=True)
    input()
"""


@pytest.mark.soak
def test_the_lock_of_the_uploader_keeps_the_worker_out(machine, elsewhere, no_flock):
    """
    They share one lock, which works without flock.
    """
    hold = [sys.executable, "-c", HOLD, str(elsewhere / ".lab-workbook/lock")]
    with subprocess.Popen(
        hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **no_flock()}
    ) as holder:
        owner = holder.stdout.readline().strip()
        done = deliver(machine, elsewhere, "seal")
        holder.communicate("\n")

    assert done.returncode == 1
    assert f"is being delivered by another process ({owner})" in done.stderr


@pytest.mark.parametrize(
    "shell",
    ["dash", pytest.param("bash", marks=pytest.mark.soak), pytest.param("busybox", marks=pytest.mark.soak)],
)
def test_the_worker_delivers_where_there_is_no_flock(machine, elsewhere, no_flock, shell):
    """
    The command says that the file system lacks it, which is not that another process holds it.
    """
    command = ["busybox", "sh"] if shell == "busybox" else [shell]
    done = subprocess.run(
        [*command, str(elsewhere / ".lab-workbook/deliver"), "seal"],
        env={**machine.environment, **no_flock()},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert "was sealed by sh deliver seal" in done.stderr


@pytest.mark.soak
def test_the_kit_finds_nothing_but_what_is_known(machine, s3, monkeypatch):
    """
    At level s3, as of any other writer; rows may come late, because each request is a process.
    """
    monkeypatch.setenv("PATH", machine.environment["PATH"])
    known = {entry["name"] for entry in json.loads(KNOWN.read_text())}

    cases = [case for case in level.cases() if case.name in CASES]

    report = certify.run(
        [machine.interpreter, str(ADAPTER)], cases=cases, levels=["s3"], timeout=120, s3_endpoint=s3
    )

    assert len(report.results) == len(CASES)
    assert {result.verdict for result in report.results} <= {"passed", "failed"}
    assert report.broken <= known
