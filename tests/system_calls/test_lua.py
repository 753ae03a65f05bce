"""
System calls fail, one after the other, inside of every public verb of the Lua writer; see `test_python`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system_calls.test_python import DEEP, ROOT

ATTACK = ROOT / "tests/system_calls/attack.lua"
VERBS = re.findall(r"^function VERBS\.(\w+)", ATTACK.read_text(), re.MULTILINE)
SLOW = ("saveGitStatus", "saveEnvironment")
LUAS = ("luajit", "lua5.1", "lua5.4", *(("lua5.2", "lua5.3") if DEEP else ()))


class Call(NamedTuple):
    """What a call of a verb has done; the fields are columns of the script's output."""

    verb: str
    case: str
    failed: str
    raised: str
    missing_rows: str
    missing_artifacts: str
    counted_rows: str
    counted_artifacts: str
    missing_ends: str
    root: str


@pytest.fixture(params=LUAS)
def lua(request: pytest.FixtureRequest) -> str:
    """An interpreter."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def start(
    command: list[str], folder: Path, limit: tuple[int, int] | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; ``limit`` is a resource and how much of it there is."""
    return subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
            "LAB_WORKBOOK_BUCKET_PREFIX": f"{folder.parent}/runs",
            # Without our own command: what Lua does by itself.
            "PATH": "/usr/bin:/bin",
            **settings,
        },
        preexec_fn=limit and (lambda: resource.setrlimit(limit[0], (limit[1], limit[1]))),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def run(lua: str, folder: Path, *arguments: str, descriptors: int = 0, **settings: str) -> list[Call]:
    """Attack verbs in a process of its own, which ends as if nothing had failed; returns what was seen."""
    limit = (resource.RLIMIT_NOFILE, descriptors) if descriptors else None
    done = start([lua, str(ATTACK), *arguments], folder, limit, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [
        line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == len(Call._fields) - 1
    ]
    return [Call(*line) for line in lines]


def is_documented(call: Call) -> bool:
    """Return whether it is the source of saveFile that could not be opened because of its path."""
    return call.verb.startswith("saveFile") and call.raised.endswith("Permission denied")


def assert_it_adds_up(calls: list[Call]) -> None:
    for call in calls:
        missing, counted = (
            (call.missing_rows, call.missing_artifacts),
            (call.counted_rows, call.counted_artifacts),
        )
        if call.raised:
            assert is_documented(call), call
            assert counted == ("0", "0"), call
        elif call.verb == "saveGitStatus":
            assert counted >= missing, call
        else:
            assert missing == counted, call


def assert_it_is_in_end_json(calls: list[Call]) -> None:
    lost: dict[str, Counter[str]] = {}
    for call in calls:
        counted = Counter(rows=int(call.counted_rows), artifacts=int(call.counted_artifacts))
        lost.setdefault(call.root, Counter()).update(counted)
    for root, counted in lost.items():
        end = json.loads(Path(root, ".lab-workbook/end.json").read_text())
        assert (end["lost"]["rows"], end["lost"]["artifacts"]) == (counted["rows"], counted["artifacts"])


def test_a_failing_call_never_leaves_a_verb(lua, failing_calls, repository):
    """
    What a verb could not store is counted, in the word that it belongs to, and no more than that.
    """
    verbs = [verb for verb in VERBS if verb not in {"close", "rowOfASecond", "flush", *SLOW}]
    places = "60" if DEEP else "2"

    # In an experiment of its own, because it syncs every file that was saved.
    calls = run(lua, repository, places, "flush", LD_PRELOAD=str(failing_calls))
    calls += run(lua, repository, places, *verbs, LD_PRELOAD=str(failing_calls))

    assert {call.verb for call in calls if call.failed != "0"} == {*verbs, "flush"} - {"shown"}
    assert_it_adds_up(calls)
    assert_it_is_in_end_json(calls)


def test_a_failing_call_never_leaves_a_verb_that_asks_the_system(lua, failing_calls, repository):
    """
    These start processes, so they are tried with one Lua only.
    """
    if lua != "luajit" and not DEEP:
        pytest.skip("LuaJIT is tried; with LAB_WORKBOOK_DEEP_CALLS=1 the others too")

    calls = run(lua, repository, "60" if DEEP else "1", *SLOW, LD_PRELOAD=str(failing_calls))

    assert {call.verb for call in calls if call.failed != "0"} == {*SLOW}
    assert_it_adds_up(calls)
    assert_it_is_in_end_json(calls)


def test_a_failing_call_never_leaves_a_verb_that_writes_to_a_spool(lua, failing_calls, repository, isolation):
    """
    Without an uploader: the queue has a line for each artifact that was not counted as lost.
    """
    verbs = ("saveJSON", "saveText", "saveFileMoved", "newTimeSeriesLog", "firstRow", "row", "rowOfASecond")

    calls = run(
        lua,
        repository,
        "60" if DEEP else "2",
        *verbs,
        LD_PRELOAD=str(failing_calls),
        LAB_WORKBOOK_BUCKET_PREFIX="s3://bucket/exp/",
    )

    assert_it_adds_up(calls)
    (queue,) = isolation.glob(".local/state/lab-workbook/*/.lab-workbook/queue")
    end = json.loads(queue.read_text().splitlines()[-1])
    assert end["verb"] == "end"
    for kind, counted in (("rows", "counted_rows"), ("artifacts", "counted_artifacts")):
        assert end["lost"][kind] == sum(int(getattr(call, counted)) for call in calls)


def test_a_failing_call_does_not_cost_the_end(lua, failing_calls, repository):
    """
    Only if the call goes on failing is there no end.json; and files that cannot be read again are counted.
    """
    calls = run(lua, repository, "60" if DEEP else "4", "close", LD_PRELOAD=str(failing_calls))

    there = {"loss.csv", "text", ".lab-workbook/begin.json"}
    assert {call.raised for call in calls} == {""}
    assert {call.case.split()[3] for call in calls if call.missing_ends == "1"} <= {"-1"}
    for call in calls:
        if call.missing_ends == "0":
            end = json.loads(Path(call.root, ".lab-workbook/end.json").read_text())
            assert end["files"].keys() <= there
            assert end["lost"]["artifacts"] == len(there - end["files"].keys())


def test_no_verb_needs_a_descriptor(lua, repository):
    """
    Not by a library that pretends it: all are in use while each verb is called, and when the script ends.
    """
    calls = run(lua, repository, "descriptors", *VERBS, descriptors=64)

    assert [call.verb for call in calls] == VERBS
    assert [call for call in calls if call.raised or call.missing_ends != "0"] == []
    assert_it_adds_up(calls)
    assert_it_is_in_end_json(calls)


def test_a_verb_that_runs_out_of_memory_does_not_raise(lua, repository):
    """
    A small table whose JSON is large: the next verb has memory again.
    """
    script = """
    local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
    local numbers, list = {}, {}
    for index = 1, 10000 do numbers[index] = index / 3 end
    for index = 1, 500 do list[index] = numbers end
    workbook:saveJSON('large', list)
    workbook:saveText('small', 'x')
    print('closed', workbook:close())
    """

    done = start([lua, "-e", script], repository, (resource.RLIMIT_AS, 64 * 1024 * 1024))

    end = json.loads((repository.parent / "runs/T/.lab-workbook/end.json").read_text())
    assert done.stdout.endswith("closed\tfalse\n"), done.stderr
    assert "saveJSON: not enough memory" in done.stderr
    assert end["lost"]["artifacts"] == 1
    assert "small" in end["files"]
