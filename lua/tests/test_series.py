"""Series: each row is one system call, whole, and the caller's tables stay as they were."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lab_workbook.protocol.rows import end_of_rows

ROCK = Path(__file__).resolve().parent.parent


def rows(prefix, name="loss.csv"):
    """Return the lines of a series without their dates."""
    text = (prefix / "T" / name).read_bytes().decode()
    return re.sub(r",\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "", text, flags=re.MULTILINE).splitlines()


def test_a_row_names_its_cells_in_any_order(run, prefix):
    """
    A field left out is nil, and the header ends with Date.
    """
    run(
        "local log = w:newTimeSeriesLog('loss', {'epoch', 'a,b'}) log{['a,b'] = 0.5, epoch = 1}"
        " log{epoch = 'x'}"
    )

    assert rows(prefix) == ['epoch,"a,b",Date', "1,0.5", '"x",nil']


def test_a_row_has_the_time_in_utc(run, prefix):
    """
    Whatever the time zone of the machine.
    """
    run("w:newTimeSeriesLog('loss', {'epoch'}){epoch = 1} print(os.date('!%Y-%m-%dT%H'))", TZ="Asia/Tokyo")

    assert re.search(
        r"^1,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\Z", (prefix / "T/loss.csv").read_text(), re.MULTILINE
    )


def test_fields_that_are_numbers_take_rows_that_are_lists(run, prefix):
    """
    As the ancestor had them.
    """
    run("w:newTimeSeriesLog('loss', {1, 2}){10, 20}")

    assert rows(prefix) == ["1,2,Date", "10,20"]


def test_the_tables_of_the_caller_are_left_alone(run, prefix):
    """
    One list of fields serves two logs, and may change later; a row keeps its keys.
    """
    run(
        "local fields, row = {'step', 'loss'}, {step = 1, loss = 2}"
        " local first, second = w:newTimeSeriesLog('loss', fields), w:newTimeSeriesLog('other', fields)"
        " first(row) fields[3] = 'late' second(row) first(row)"
        " assert(#fields == 3) for key in pairs(row) do assert(key ~= 'Date') end"
    )

    assert rows(prefix) == ["step,loss,Date", "1,2", "1,2"]
    assert rows(prefix, "other.csv") == ["step,loss,Date", "1,2"]


def test_an_object_with_fields_behind_a_metatable_is_a_row(run, prefix):
    """
    A read-only table, for example; but what is in it and no field is refused.
    """
    done = run(
        "local log = w:newTimeSeriesLog('loss', {'a'}) log(setmetatable({}, {__index = {a = 1}}))"
        " print(pcall(log, setmetatable({b = 1}, {__index = {a = 1}})))"
    )

    assert rows(prefix) == ["a,Date", "1"]
    assert "'loss' has no field 'b'; it has: a (rule series.row)" in done.stdout


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ("w:newTimeSeriesLog('n', {})", "series.fields"),
        ("w:newTimeSeriesLog('n', {'a', 'a'})", "series.fields"),
        ("w:newTimeSeriesLog('n', {'Date'})", "series.fields"),
        ("w:newTimeSeriesLog('n', {''})", "series.fields"),
        ("w:newTimeSeriesLog('n', {true})", "series.fields"),
        ("w:newTimeSeriesLog('n', {'a\\255'})", "series.fields"),
        ("w:newTimeSeriesLog('n', {a = 1})", "series.fields"),
        ("w:newTimeSeriesLog('n', 'a')", "series.fields"),
        ("w:newTimeSeriesLog('n', {'a'}, 0)", "series.save-every"),
        ("w:newTimeSeriesLog('n', {'a'}, 2.5)", "series.save-every"),
        ("w:newTimeSeriesLog('n', {'a'}, -1)", "series.save-every"),
        ("w:newTimeSeriesLog('n', {'a'}, 'x')", "series.save-every"),
        ("w:newTimeSeriesLog('n', {'a'}, true)", "series.save-every"),
        ("w:newTimeSeriesLog('loss', {'a'})", "series.once"),
        ("w:saveText('loss.csv', 'x')", "series.once"),
        ("w:newTimeSeriesLog('../n', {'a'})", "name.parts"),
        ("w:newTimeSeriesLog('LOSS', {'a'})", "name.unique"),
        ("log()", "series.row"),
        ("log('x')", "series.row"),
        ("log{typo = 1}", "series.row"),
        ("log{1}", "series.row"),
        ("log{a = {}}", "series.value"),
    ],
)
def test_misuse_raises_the_id_of_its_rule(run, prefix, call, rule):
    """
    At once, and nothing of it is written.
    """
    done = run(
        f"local log = w:newTimeSeriesLog('loss', {{'a'}}) print(pcall(function() {call} end))"
        " w:newTimeSeriesLog('fine', {'a'}, '2')"
    )

    assert re.search(rf"^false\tlab-workbook: .*\(rule {re.escape(rule)}\)$", done.stdout, re.MULTILINE)
    assert rows(prefix) == ["a,Date"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_row_is_one_system_call(interpreter, tmp_path, prefix):
    """
    Nothing is left in a buffer for a SIGKILL to take.
    """
    script = tmp_path / "script.lua"
    script.write_text(
        "local w = require('lab-workbook'):newExperiment{}"
        " local log = w:newTimeSeriesLog('loss', {'epoch', 'text'})"
        " io.stderr:write('start\\n') for i = 1, 100 do log{epoch = i / 3, text = ('x'):rep(100)} end"
        " io.stderr:write('stop\\n')"
    )
    trace = tmp_path / "trace"

    subprocess.run(
        ["strace", "-s", "300", "-o", trace, interpreter, script],
        env={
            **os.environ,
            "LUA_PATH": f"{ROCK}/?.lua;{ROCK}/?/init.lua;;",
            "LAB_WORKBOOK_BUCKET_PREFIX": str(prefix),
        },
        check=True,
        capture_output=True,
    )

    calls = trace.read_text().split('"start\\n"')[1].split('"stop\\n"')[0].splitlines()[1:-1]
    calls = [
        call
        for call in calls
        if not call.startswith(("brk", "mmap", "munmap", "mremap", "mprotect", "futex"))
    ]
    rows = [call for call in calls if re.match(r'write\(\d+, ".*Z\\n", \d+\) = \d+$', call)]
    assert len(rows) == 100
    # With the first row of a second it looks whether the files are still there, and as long as they were.
    seconds = {re.search(r"\d{4}-\d\d-\d\dT[\d:]+Z", row)[0] for row in rows}
    assert len(calls) - 100 <= 30 * len(seconds)


@pytest.fixture(scope="session")
def comma_locale(tmp_path_factory):
    """A folder with a locale that writes 0,5."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not installed")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("the locale de_DE cannot be made here: apt-get install locales")
    return folder


def test_a_comma_locale_changes_nothing(run, prefix, comma_locale):
    """
    Also when the script changes the locale between two rows.
    """
    run(
        "local log = w:newTimeSeriesLog('loss', {'a', 'b'}) log{a = 0.5, b = 1e-9}"
        " if not os.setlocale('de_DE.UTF-8') then error('no locale') end"
        " log{a = 0.5, b = 1e-9} log{a = 1 / 3, b = 2 ^ 60} w:saveJSON('j', {0.5, 1e-9})"
        " os.setlocale('C') log{a = 0.5, b = 1e-9}",
        LOCPATH=str(comma_locale),
    )

    assert rows(prefix) == [
        "a,b,Date",
        "0.5,1e-09",
        "0.5,1e-09",
        "0.33333333333333331,1.152921504606847e+18",
        "0.5,1e-09",
    ]
    assert (prefix / "T/j.json").read_text() == "[0.5, 1e-09]"


FULL_DISK = """
local lab = require 'lab-workbook'
local w = lab:newExperiment{tag = 'T', bucketPrefix = arg[1]}
local log = w:newTimeSeriesLog('loss', {'epoch', 'text'})
local late = function() w:newTimeSeriesLog('late', {'a'}){a = 1} end
local count = 0
-- Line feeds in the text: what is torn off must not look like the end of a row.
for i = 1, 60 do log{epoch = i, text = ('a\\n"b'):rep(200 + 37 * i)} end
w:saveText('big.txt', ('x'):rep(200000))
late()
os.remove(arg[1] .. '/ballast')
for i = 61, 70 do log{epoch = i, text = 'short'} end
local live, copy = io.open(arg[1] .. '/T/loss.csv', 'rb'), io.open(arg[2], 'wb')
copy:write(live:read('*a'))
copy:close()
w:close()
"""


def test_a_full_disk_leaves_whole_rows_and_a_count(interpreter, tmp_path):
    """
    What was torn is never read, training goes on, and later rows are written again.
    """
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can mount a small disk")
    disk, kept, script = tmp_path / "disk", tmp_path / "kept", tmp_path / "script.lua"
    disk.mkdir()
    script.write_text(FULL_DISK)
    command = (
        'mount -t tmpfs -o size=300k none "$1" || exit 77; head -c 65536 /dev/zero > "$1/ballast";'
        ' "$2" "$3" "$1" "$4.live" && cp -r "$1/T" "$4"'
    )

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", disk, interpreter, script, kept],
        env={**os.environ, "LUA_PATH": f"{ROCK}/?.lua;{ROCK}/?/init.lua;;"},
        capture_output=True,
        text=True,
        check=False,
    )

    if done.returncode == 77 or "unshare: " in done.stderr:
        pytest.skip("this container may not mount")
    assert done.returncode == 0, done.stderr
    data = (kept / "loss.csv").read_bytes()
    live = (tmp_path / "kept.live").read_bytes()
    lost = json.loads((kept / ".lab-workbook/end.json").read_text())["lost"]
    _, *found = csv.reader(io.StringIO(data.decode(), newline=""))
    assert end_of_rows(data) == len(data)
    assert live[: end_of_rows(live)] == data
    assert all(text in ("short", 'a\n"b' * (200 + 37 * int(epoch))) for epoch, text, _ in found)
    assert lost["rows"] >= 60 - len(found) > 0
    assert lost["artifacts"] == 1
    assert [int(row[0]) for row in found][-10:] == list(range(61, 71))
    assert done.stderr.count("a row was lost") == 1
    assert done.stderr.count("an artifact was lost") == 1
