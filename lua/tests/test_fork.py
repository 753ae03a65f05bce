"""A forked child has a copy of the workbook, and must not touch the experiment of its parent."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

WARNING = "this process was forked from the one that writes T: what it logs is not recorded"

# Rows of a child are recognised once a second, so it waits for the next second before it logs.
SCRIPT = """
package.cpath = '{folder}/?.so;' .. package.cpath
local forker = require 'forker'
local log = w:newTimeSeriesLog('loss', {{'who'}})
local function nextSecond()
   local now = os.time()
   while os.time() == now do end
end
log{{who = 'parent'}}
if forker.fork() == 0 then
   {child}
   do return end
end
{parent}
"""

PARENT = """
forker.wait()
assert(not io.open('experiments/T/.lab-workbook/end.json'))
for _ = 1, 4 do log{who = 'parent'} end
w:close()
"""

FILES = {".lab-workbook/begin.json", "loss.csv"}


@pytest.fixture
def fork(run, forker):
    """Run a script whose child and parent do what is given."""

    def fork(child, parent=PARENT, **more):
        return run(SCRIPT.format(folder=forker, child=child, parent=parent), **more)

    return fork


def end_of(prefix):
    return json.loads((prefix / "T/.lab-workbook/end.json").read_bytes())


def rows_of(prefix):
    return [line.split(",")[0].strip('"') for line in (prefix / "T/loss.csv").read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "w:close()",
        "os.exit(0)",
        "os.exit(0, true)",
        "error('no such batch')",
        "w, log = nil, nil; collectgarbage(); collectgarbage()",
    ],
)
def test_a_child_that_ends_does_not_end_the_experiment(fork, prefix, ending):
    """
    However it ends. The rows that the parent logs afterwards are recorded and listed.
    """
    done = fork(ending)

    assert rows_of(prefix) == ["parent"] * 5
    end = end_of(prefix)
    assert (end["outcome"], set(end["files"])) == ("finished", FILES)
    assert end["files"]["loss.csv"]["bytes"] == (prefix / "T/loss.csv").stat().st_size
    assert WARNING not in done.stderr


def test_a_child_that_ends_first_leaves_the_end_to_its_parent(fork, prefix):
    """
    Also where the parent never calls close: the experiment ends with the parent, once.
    """
    fork("w:close()", "forker.wait() assert(not io.open('experiments/T/.lab-workbook/end.json'))")

    assert end_of(prefix)["outcome"] == "ended"


def test_what_a_child_logs_is_not_recorded_and_said_once(fork, prefix):
    """
    All verbs go on working there, and record nothing.
    """
    done = fork("""
        nextSecond()
        for _ = 1, 3 do log{who = 'child'} end
        w:saveText('child.txt', 'x')
        w:saveJSON('child', {})
        w:saveGitStatus()
        w:saveEnvironment()
        w:newTimeSeriesLog('child', {'x'}){x = 1}
        w:optimLogger('logger'):add{x = 1}
        assert(w:flush() == true and w:flush(1) == true)
        assert(w:close() == true and w:close() == true)
    """)

    assert done.stderr.count(WARNING) == 1
    assert rows_of(prefix) == ["parent"] * 5
    assert set(end_of(prefix)["files"]) == FILES
    assert os.listdir(prefix / "T/.lab-workbook/tmp") == []


def test_each_child_warns_for_itself(fork, prefix):
    """
    Also the child of a child, whose experiment it is as little.
    """
    done = fork("""
        nextSecond()
        log{who = 'child'}
        if forker.fork() == 0 then
            nextSecond()
            log{who = 'grandchild'}
            do return end
        end
        forker.wait()
    """)

    assert done.stderr.count(WARNING) == 2
    assert rows_of(prefix) == ["parent"] * 5


def test_misuse_raises_in_a_child_as_well(fork):
    """
    So that a program is not right or wrong by the process that runs it.
    """
    done = fork("""
        nextSecond()
        print('row', pcall(log, {other = 1}))
        w:close()
        print('closed', pcall(log, {who = 'child'}))
        print('verb', pcall(w.saveText, w, 'a', 'b'))
    """)

    assert "row\tfalse\tlab-workbook: " in done.stdout
    assert "(rule series.row)" in done.stdout
    assert done.stdout.count("(rule end.last)") == 2


def test_a_child_may_have_an_experiment_of_its_own(fork, prefix):
    """
    Its end is its own as well, and it is warned of nothing: the other one is its parent's.
    """
    done = fork("""
        local own = lab:newExperiment{tag = 'child'}
        own:saveText('a', 'x')
    """)

    child = json.loads((prefix / "child/.lab-workbook/end.json").read_bytes())
    assert (child["outcome"], set(child["files"])) == ("ended", {".lab-workbook/begin.json", "a"})
    assert end_of(prefix)["outcome"] == "finished"
    assert done.stderr == ""


def test_a_process_name_of_two_lines_is_no_fork(run, forker, prefix):
    """
    prctl(2) takes any text, at any time; a row reads the file with the name once a second.
    """
    run(f"""
        package.cpath = '{forker}/?.so;' .. package.cpath
        local log = w:newTimeSeriesLog('loss', {{'step'}})
        log{{step = 1}}
        require 'forker'.take_name_of_two_lines()
        local now = os.time()
        while os.time() == now do end
        log{{step = 2}}
        local other = require 'lab-workbook':newExperiment{{tag = 'OTHER'}}
        other:close()
        w:close()
    """)

    assert rows_of(prefix) == ["1", "2"]
    assert end_of(prefix)["outcome"] == "finished"
    begun = [json.loads((prefix / tag / ".lab-workbook/begin.json").read_bytes()) for tag in ("T", "OTHER")]
    assert begun[0]["pidStarted"] == begun[1]["pidStarted"]
    assert begun[0]["pidImage"] == begun[1]["pidImage"]


def test_a_fork_by_the_ffi_is_seen_too(run, prefix):
    """
    As Torch's LuaJIT does it, without any module.
    """
    if shutil.which("luajit") is None:
        pytest.skip("luajit is not installed")
    run("""
        local known, ffi = pcall(require, 'ffi')
        if not known then w:saveText('no ffi', '') w:close() return end
        ffi.cdef 'int fork(void); int waitpid(int pid, int *status, int options);'
        local log = w:newTimeSeriesLog('loss', {'who'})
        log{who = 'parent'}
        local child = ffi.C.fork()
        if child == 0 then
            w:close()
            os.exit(0)
        end
        ffi.C.waitpid(child, nil, 0)
        for _ = 1, 4 do log{who = 'parent'} end
        w:close()
    """)

    if not (prefix / "T/no ffi").exists():
        assert rows_of(prefix) == ["parent"] * 5
        assert end_of(prefix)["files"]["loss.csv"]["bytes"] == (prefix / "T/loss.csv").stat().st_size


@pytest.mark.parametrize("ending", ["", "w:close()", "error('no such batch')"])
def test_a_child_ends_nothing_on_the_way_to_s3(fork, s3_client, bucket_prefix, ending):
    """
    The queue hears nothing of it, and the uploader goes on.
    """
    variables = {
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix,
    }

    fork(f"nextSecond() log{{who = 'child'}} {ending}", **variables)

    bucket = bucket_prefix.split("/")[2]
    end, loss = (
        s3_client.get_object(Bucket=bucket, Key=f"exp/T/{name}")["Body"].read()
        for name in (".lab-workbook/end.json", "loss.csv")
    )
    assert json.loads(end)["outcome"] == "finished"
    assert json.loads(end)["files"]["loss.csv"]["bytes"] == len(loss)
    assert loss.count(b"parent") == 5
    assert b"child" not in loss
    assert os.listdir(Path(os.environ["HOME"]) / ".local/state/lab-workbook") == []


@pytest.mark.parametrize("interpreter", ["luajit", "lua5.4"], indirect=True)
def test_rows_of_a_child_are_never_overwritten(fork, prefix):
    """
    A child shares the offset of the file and logs until its first look; the parent keeps all rows.
    """
    fork(
        "for _ = 1, 3 do log{who = 'a child with a long name'} end os.exit(0)",
        parent="""
        forker.wait()
        for _ = 1, 5 do log{who = 'parent'} end
        for _ = 1, 2 do
           nextSecond()
           log{who = 'parent'}
        end
        assert(w:flush() and w:close())
        """,
    )

    rows = rows_of(prefix)
    assert rows.count("parent") == 8
    assert set(rows) <= {"parent", "a child with a long name"}
    assert end_of(prefix)["files"]["loss.csv"]["bytes"] == (prefix / "T/loss.csv").stat().st_size
