"""The workbook from the first line to the last, on every real interpreter."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess

import pytest
from lab_workbook.protocol import process


def document(prefix, name, tag="T"):
    """Return begin.json or end.json of an experiment."""
    return json.loads((prefix / tag / ".lab-workbook" / f"{name}.json").read_text())


def test_the_script_of_the_ancestors_readme_runs_unchanged(run, prefix):
    """
    Without close, so the outcome is `ended`; torch is whatever the script has.
    """
    done = run(
        """
        torch = {save = function(path, object) local f = io.open(path, 'wb') f:write(object) f:close() end}
        local workbook = require('lab-workbook'):newExperiment{}
        workbook:saveGitStatus()
        workbook:saveJSON("parameters", {learningRate = 0.001, momentum = 0.9, etc = "your stuff here"})
        local lossLog = workbook:newTimeSeriesLog("Training loss", {"epoch", "loss", "gradientNorm"}, 100)
        for i = 1, 10 do lossLog{epoch = i, loss = 1 / i, gradientNorm = 0} end
        workbook:saveTorch("model", "weights")
        print(workbook.tag)
        """,
        bare=True,
    )

    tag = done.stdout.split()[-1]
    assert (prefix / tag / "model.t7").read_bytes() == b"weights"
    assert json.loads((prefix / tag / "parameters.json").read_text())["learningRate"] == 0.001
    assert len((prefix / tag / "Training loss.csv").read_text().splitlines()) == 11
    assert document(prefix, "end", tag)["outcome"] == "ended"


def test_the_tag_and_the_place_are_printed_at_once(run, prefix):
    """
    Without colour where nobody looks, and before the script can be killed.
    """
    done = run("os.execute('kill -9 $PPID')", check=False)

    assert done.stdout == f"lab-workbook: experiment T in file://{prefix}/T/\n"


def test_the_tag_is_coloured_on_a_terminal_only(interpreter, prefix, tmp_path):
    """
    And not there either with NO_COLOR.
    """
    import pty

    from_rock = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    script = tmp_path / "script.lua"
    script.write_text("require('lab-workbook'):newExperiment{}")
    shown = []
    for no_color in ("", "1"):
        ours, theirs = pty.openpty()
        subprocess.run(
            [interpreter, script],
            stdout=theirs,
            check=True,
            env={
                **os.environ,
                "TERM": "xterm",
                "NO_COLOR": no_color,
                "LUA_PATH": f"{from_rock}/?.lua;{from_rock}/?/init.lua;;",
                "LAB_WORKBOOK_BUCKET_PREFIX": str(prefix),
            },
        )
        shown.append(os.read(ours, 4096))
        os.close(ours)
        os.close(theirs)

    assert [b"\x1b[" in text for text in shown] == [True, False]


def test_begin_says_who_writes(run, prefix):
    """
    So that a reader on this machine can tell whether the script still runs.
    """
    run("io.open('stat', 'w'):write((io.open('/proc/self/stat'):read('*l')):match('^%d+'))")

    begin = document(prefix, "begin")
    assert begin["protocol"] == "lab-workbook 1.1"
    assert begin["writer"] == "lab-workbook-lua 1.1.0"
    assert re.match(r"Lua(JIT)? [0-9]", begin["runtime"])
    assert re.fullmatch(r"[0-9A-Za-z]{8}", begin["nonce"])
    here = process.identity()
    assert {key: begin[key] for key in ("host", "bootId", "pidNamespace")} == {
        key: here[key] for key in ("host", "bootId", "pidNamespace")
    }
    assert isinstance(begin["pid"], int)
    assert begin["pidStarted"].isdigit()
    assert process.is_alive(begin) is False


def test_close_lists_every_file_with_its_checksum(run, prefix):
    """
    The outcome of a script that closes is `finished`.
    """
    run(
        "w:saveText('a b/note.txt', 'hello') w:saveJSON('p', {}) w:saveText('-rf', 'x')"
        " w:newTimeSeriesLog('loss', {'a'}){a = 1} assert(w:close() == true) assert(w:close() == true)"
    )

    end = document(prefix, "end")
    assert end["outcome"] == "finished"
    assert end["error"] is None
    assert end["lost"] == {"rows": 0, "artifacts": 0, "texts": 0, "integers": 0, "secrets": 0}
    assert end["files"] == {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name in (".lab-workbook/begin.json", "a b/note.txt", "p.json", "-rf", "loss.csv")
        for data in [(prefix / "T" / name).read_bytes()]
    }
    assert os.listdir(prefix / "T/.lab-workbook/tmp") == []


@pytest.mark.parametrize(
    ("ending", "outcome"), [("", "ended"), ("error('boom')", "ended"), ("os.exit(0)", None)]
)
def test_a_script_that_never_closes(run, prefix, ending, outcome):
    """
    Has `ended`, well or not: Lua cannot tell. After os.exit nothing of ours runs.
    """
    run(f"local log = w:newTimeSeriesLog('loss', {{'a'}}) log{{a = 1}} {ending}", check=False)

    if outcome is None:
        assert not (prefix / "T/.lab-workbook/end.json").exists()
    else:
        end = document(prefix, "end")
        assert end["outcome"] == outcome
        assert end["files"]["loss.csv"]["bytes"] == (prefix / "T/loss.csv").stat().st_size


def test_an_experiment_that_was_forgotten_is_warned_of_once(run, prefix):
    """
    When the next one of the same script starts; the warning names the first and says how to close.
    """
    done = run("for i = 1, 2 do lab:newExperiment{tag = 'T' .. i} end")

    (line,) = done.stderr.splitlines()
    assert line.startswith("lab-workbook: the experiment T is still open in this process")
    assert "workbook:close()" in line
    assert [document(prefix, "end", tag)["outcome"] for tag in ("T", "T1", "T2")] == ["ended"] * 3


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("w:close() lab:newExperiment{}", {}),
        # As a program does that runs several scripts in one process.
        ("arg = {[0] = 'other.lua'} lab:newExperiment{}", {}),
        ("lab:newExperiment{} lab:newExperiment{}", {"LAB_WORKBOOK_DISABLED": "1"}),
    ],
)
def test_nothing_is_warned_of_where_nothing_was_forgotten(run, script, more):
    """
    Closed, of other arguments, or switched off. Of a forked child test_fork has the test.
    """
    assert run(script, **more).stderr == ""


def test_a_collected_workbook_does_not_end_its_log(run, prefix):
    """
    Whoever keeps only the log can still log.
    """
    run(
        "local log = w:newTimeSeriesLog('l', {'a'}) w, lab = nil, nil"
        " for name in pairs(package.loaded) do"
        " if name:find('^lab%-workbook') then package.loaded[name] = nil end end"
        " for i = 1, 3 do collectgarbage() log{a = i} end"
        " assert(not io.open('experiments/T/.lab-workbook/end.json'))"
    )

    assert document(prefix, "end")["outcome"] == "ended"
    assert len((prefix / "T/l.csv").read_text().splitlines()) == 4


def test_after_close_every_verb_raises(run):
    """
    With a rule, because what end.json lists must not change.
    """
    done = run(
        "local log = w:newTimeSeriesLog('l', {'a'}) w:close()"
        " print(pcall(log, {a = 1}))"
        " for _, verb in ipairs{'saveJSON', 'saveText', 'saveFile', 'saveTorch', 'saveGitStatus',"
        " 'newTimeSeriesLog'} do print(pcall(w[verb], w, 'a', {'b'})) end"
    )

    assert done.stdout.count("is closed") == 7
    assert done.stdout.count("(rule end.last)") == 7


def test_flush_and_close_after_close_answer_as_close_did(run, prefix):
    """
    They do nothing, and do not turn an end that could not be written into one that was.
    """
    done = run("print(w:close(), w:close(), w:flush(), w:flush(1))")
    assert done.stdout.split()[-4:] == ["true"] * 4

    done = run(
        "local lab = require 'lab-workbook'; local w = lab:newExperiment{tag = 'U'}"
        f" os.execute('mkdir -p {prefix}/U/.lab-workbook/end.json/full')"
        " print(w:close(), w:close(), w:flush(), w:flush(1))",
        bare=True,
    )

    assert done.stdout.split()[-4:] == ["false"] * 4


def test_what_is_refused_counts_nothing(run, prefix):
    """
    A text that was mended or redacted in a row or a value which is refused afterwards was never written.
    """
    run(
        "local log = w:newTimeSeriesLog('l', {'note', 'password', 'loss'})"
        " local secret = 'correct horse battery'"
        " assert(not pcall(log, {note = 'caf\\233', password = secret, loss = {}}))"
        " assert(not pcall(log, {note = 'caf\\233', password = secret, los = 1}))"
        " assert(not pcall(w.saveJSON, w, 'j', {a = 'caf\\233', password = secret, b = print}))"
        " log{note = 'caf\\233', password = secret, loss = 1}"
        " w:saveJSON('j', {a = 'caf\\233', password = secret}) w:close()"
    )

    lost = json.loads((prefix / "T/.lab-workbook/end.json").read_text())["lost"]
    assert (lost["texts"], lost["secrets"]) == (2, 2)
    assert len((prefix / "T/l.csv").read_bytes().splitlines()) == 2


def test_saving_again_replaces(run, prefix):
    """
    In one step; names of all kinds may lie in folders.
    """
    run(
        "w:saveJSON('x/p', {a = 1}) w:saveJSON('x/p', {a = 2}) w:saveFile('x/copy', 'script.lua')"
        " w:saveText('e', '')"
    )

    assert (prefix / "T/x/p.json").read_text() == '{"a": 2}'
    assert (prefix / "T/x/copy").read_bytes().startswith(b"local lab")
    assert (prefix / "T/e").read_bytes() == b""


def test_a_value_without_a_rule_leaves_what_was_saved_before(run, prefix):
    """
    And no working file.
    """
    done = run("w:saveJSON('p', {1}) print(pcall(w.saveJSON, w, 'p', {print}))")

    assert "rule json.value" in done.stdout
    assert (prefix / "T/p.json").read_text() == "[1]"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("w.saveJSON('a', 1)", "call it with a colon: workbook:saveJSON(...)"),
        ("w:saveJSON(nil, 1)", "a name is a text, not nil: nil (rule name.utf8)"),
        ("w:saveText('a', 5)", "saveText takes a text, not number"),
        ("w:saveFile('a', 'nowhere')", "'a' cannot be saved: nowhere: No such file or directory"),
        ("w:saveFile('a', '.')", "'a' cannot be saved: .: Is a directory"),
        ("w:saveTorch('a', 1)", "saveTorch needs torch: require 'torch' first"),
        ("w:flush('x')", "flush takes a number of seconds, 0 or more, not 'x'"),
        (
            "lab:newExperiment{bucketprefix = 'x'}",
            "newExperiment has no option 'bucketprefix'; it has: ",
        ),
        ("lab:newExperiment{tag = 'a/b'}", "(rule tag.explicit)"),
        ("lab:newExperiment{resumes = 'a/b'}", "(rule tag.explicit)"),
        (
            "lab:newExperiment{tag = 'T'}",
            "exists and is not empty: choose another tag, or leave it out (rule tag.claim)",
        ),
        ("lab:newExperiment{note = 5}", "note = 5: it must be a text in UTF-8 (rule begin.optional)"),
        ("lab:newExperiment('x')", "newExperiment takes a table of options"),
        ("lab:newExperiment{bucketPrefix = '/dev/null/x'}", "/dev/null/x/"),
    ],
)
def test_misuse_says_what_to_do(run, call, message):
    """
    In one line.
    """
    done = run(f"print(pcall(function() {call} end))")

    assert message in done.stdout
    assert "false\tlab-workbook: " in done.stdout


def test_a_folder_with_other_things_in_it_is_refused(run, prefix):
    """
    Nobody's files get mixed with an experiment's.
    """
    (prefix / "T").mkdir(parents=True)
    (prefix / "T" / "thesis.tex").write_text("precious")

    done = run("", check=False)

    assert "exists and is not empty" in done.stderr
    assert os.listdir(prefix / "T") == ["thesis.tex"]


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_claims_of_one_tag_one_wins(interpreter, prefix, tmp_path, has_links):
    """
    However close together they come, and also where the file system has no hard links.
    """
    if not has_links:
        (tmp_path / "ln").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "ln").chmod(0o755)
    script = tmp_path / "claim.lua"
    script.write_text("require('lab-workbook'):newExperiment{tag = 'one'}:close()")
    rock = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LUA_PATH": f"{rock}/?.lua;{rock}/?/init.lua;;",
        "LAB_WORKBOOK_BUCKET_PREFIX": str(prefix),
    }

    racers = [
        subprocess.Popen(
            [interpreter, script], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(10)
    ]
    results = [(racer.communicate()[1], racer.returncode) for racer in racers]

    assert [code for _, code in results].count(0) == 1
    assert all(b"(rule tag.claim)" in said for said, code in results if code)


def test_calls_without_options_or_with_a_dot_work(run, prefix):
    """
    The ancestor raised "bad argument to pairs".
    """
    run("lab:newExperiment() lab.newExperiment() lab.newExperiment{tag = 'dot'}")

    assert len(os.listdir(prefix)) == 4
    assert (prefix / "dot").is_dir()


def test_disabled_makes_every_verb_do_nothing(run, prefix):
    """
    But a tag there is, for whoever prints it.
    """
    done = run(
        "w:saveJSON('a', 1) w:saveText('b', 'c') local log = w:newTimeSeriesLog('l', {'a'}) log{a = 1}"
        " print(w.tag, w.where, w:flush(), w:close())",
        LAB_WORKBOOK_DISABLED="1",
    )

    assert done.stdout == "T\tdisabled:\ttrue\ttrue\n"
    assert not prefix.exists()


def test_odd_texts_are_counted_and_warned_of_once(run, prefix):
    """
    A fault in the data never stops the training.
    """
    done = run("local log = w:newTimeSeriesLog('l', {'a'}) for i = 1, 3 do log{a = '\\255'} end w:close()")

    assert document(prefix, "end")["lost"]["texts"] == 3
    assert done.stderr.count("written with U+FFFD") == 1


def test_a_closed_stdout_and_stderr_stop_nothing(run, prefix):
    """
    As under a daemon.
    """
    run(
        "io.stdout:close() io.stderr:close() require('lab-workbook'):newExperiment{}:saveText('a', '\\0')",
        bare=True,
    )

    assert len(os.listdir(prefix)) == 1


def test_a_relative_prefix_is_fixed_when_the_experiment_starts(run, tmp_path):
    """
    Also where PWD tells something else.
    """
    run("", LAB_WORKBOOK_BUCKET_PREFIX="runs", PWD="/nonexistent")

    assert (tmp_path / "runs/T/.lab-workbook/end.json").exists()


def test_flush_says_whether_all_is_on_the_disk(run):
    """
    On a folder there is nothing to wait for.
    """
    done = run("w:newTimeSeriesLog('x/l', {'a'}){a = 1} w:saveText('t', 'x') print(w:flush(), w:flush(1))")

    assert "true\ttrue" in done.stdout


def test_newexperiment_is_quick(run):
    """
    Few processes are started, so a script that makes many experiments is not held up.
    """
    done = run(
        "local t = os.clock() for i = 1, 5 do lab:newExperiment{} end print('cpu', (os.clock() - t) / 5)"
    )

    assert float(done.stdout.split()[-1]) < 0.05


@pytest.fixture
def syncs(tmp_path):
    """Return a log with the arguments of each sync(1), and what a script needs; SLOW=yes makes it endless."""
    folder = tmp_path / "programs"
    folder.mkdir()
    log = tmp_path / "syncs"
    log.touch()
    program = folder / "sync"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {log}\ncase $SLOW,$* in yes,*text*) sleep 600;; esac\nexec /bin/sync "$@"\n'
    )
    program.chmod(0o755)
    return log, {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_many_artifacts_are_synced_by_few_processes_and_once(run, syncs):
    """
    What was synced before is not synced again, except for series, which grow.
    """
    log, settings = syncs

    run(
        """
        local log = w:newTimeSeriesLog('loss', {'step'})
        log{step = 1}
        for i = 1, 100 do w:saveText('group/text-' .. i, 'x') end
        print(w:flush())
        log{step = 2}
        print(w:flush())
        print(w:close())
        """,
        **settings,
    )

    first, second, *ends = log.read_text().splitlines()
    names = first.removeprefix("-- ").split()
    assert names[0] == "./loss.csv"
    assert len(set(names)) == len(names)
    assert {f"./group/text-{number}" for number in range(1, 101)} < set(names)
    assert {"./", "./group/", "./.lab-workbook/", "../"} < set(names)
    assert second == "-- ./loss.csv"
    assert [line.split()[1] for line in ends] == ["./loss.csv", "./.lab-workbook/end.json"]


def test_the_end_syncs_no_longer_than_exit_max(run, prefix, syncs):
    """
    What was not synced is reported once, and the experiment is complete.
    """
    _, settings = syncs

    done = run(
        """
        for i = 1, 10 do w:saveText('text-' .. i, 'x') end
        w:close()
        """,
        LAB_WORKBOOK_EXIT_MAX="1",
        SLOW="yes",
        **settings,
    )

    assert done.stderr.count("might not survive a power loss") == 1
    assert "take longer than exitMax, which is 1 s" in done.stderr
    assert len(document(prefix, "end")["files"]) == 11
