"""
Bad input gets the same answer in both languages: an error at once that quotes the rule and names
what to change, or, where the data and not the program is at fault, a row that is as near as the
rules allow, one warning, and a count.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

ROOT = Path(__file__).resolve().parent.parent

RUNTIMES = ("lua51", "lua52", "lua53", "lua54", "luajit20", "luajit21")


def lua_runtime(name: str):
    module = importlib.import_module(f"lupa.{name}")
    runtime = module.LuaRuntime(unpack_returned_tuples=True, encoding=None)
    runtime.execute(f"package.path = '{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;' .. package.path".encode())
    return runtime


# What the program asked for, in Python and in Lua; the rule it breaks; what the message must name.
MISUSE = {
    "a tag with a slash": ("new(tag='a/b')", "new{tag = 'a/b'}", "tag.explicit", "a/b"),
    "an empty tag": ("new(tag='')", "new{tag = ''}", "tag.explicit", "empty"),
    "a tag of 129 bytes": ("new(tag='x' * 129)", "new{tag = ('x'):rep(129)}", "tag.explicit", "128"),
    "a name that climbs out": ("w.save_text('../x', '')", "w:saveText('../x', '')", "name.parts", "../x"),
    "an absolute name": ("w.save_text('/x', '')", "w:saveText('/x', '')", "name.parts", "/x"),
    "an empty name": ("w.save_text('', '')", "w:saveText('', '')", "name.parts", "empty"),
    "a control character": (
        "w.save_text('a\\tb', '')",
        "w:saveText('a\\tb', '')",
        "name.characters",
        "control characters",
    ),
    "a C1 control character": (
        "w.save_text('a\\x85b', '')",
        "w:saveText('a\\194\\133b', '')",
        "name.characters",
        "control characters",
    ),
    "a backslash": ("w.save_text('a\\\\b', '')", "w:saveText('a\\\\b', '')", "name.characters", "backslash"),
    "a name that ends with a dot": ("w.save_text('a.', '')", "w:saveText('a.', '')", "name.edges", "dot"),
    "a part that is too long": (
        "w.save_text('x' * 256, '')",
        "w:saveText(('x'):rep(256), '')",
        "name.length",
        "255",
    ),
    "a name that is too long": (
        "w.save_text('/'.join(['x' * 200] * 3), '')",
        "w:saveText(('x'):rep(200) .. '/' .. ('x'):rep(200) .. '/' .. ('x'):rep(200), '')",
        "name.length",
        "500",
    ),
    "a name that is not UTF-8": (
        "w.save_text('a\\udc80', '')",
        "w:saveText('a\\128', '')",
        "name.utf8",
        "UTF-8",
    ),
    "our own folder": (
        "w.save_text('.Lab-Workbook/end.json', '')",
        "w:saveText('.Lab-Workbook/end.json', '')",
        "name.reserved",
        ".lab-workbook",
    ),
    "names that differ in case": (
        "w.save_text('Notes', ''); w.save_text('notes', '')",
        "w:saveText('Notes', ''); w:saveText('notes', '')",
        "name.unique",
        "'Notes'",
    ),
    "a folder of another": (
        "w.save_text('a', ''); w.save_text('a/b', '')",
        "w:saveText('a', ''); w:saveText('a/b', '')",
        "name.unique",
        "'a/b'",
    ),
    "a series opened twice": (
        "w.new_time_series_log('loss', ['epoch']); w.new_time_series_log('loss', ['epoch'])",
        "w:newTimeSeriesLog('loss', {'epoch'}); w:newTimeSeriesLog('loss', {'epoch'})",
        "series.once",
        "loss",
    ),
    "a field named Date": (
        "w.new_time_series_log('loss', ['epoch', 'Date'])",
        "w:newTimeSeriesLog('loss', {'epoch', 'Date'})",
        "series.fields",
        "Date",
    ),
    "no fields": (
        "w.new_time_series_log('loss', [])",
        "w:newTimeSeriesLog('loss', {})",
        "series.fields",
        "at least one",
    ),
    "a field twice": (
        "w.new_time_series_log('loss', ['a', 'a'])",
        "w:newTimeSeriesLog('loss', {'a', 'a'})",
        "series.fields",
        "'a'",
    ),
    "saveEvery 0": (
        "w.new_time_series_log('loss', ['epoch'], save_every=0)",
        "w:newTimeSeriesLog('loss', {'epoch'}, 0)",
        "series.save-every",
        "0",
    ),
    "saveEvery 2.5": (
        "w.new_time_series_log('loss', ['epoch'], save_every=2.5)",
        "w:newTimeSeriesLog('loss', {'epoch'}, 2.5)",
        "series.save-every",
        "2.5",
    ),
    "an unknown field": (
        "w.new_time_series_log('loss', ['epoch', 'loss'])(epoch=1, los=2)",
        "w:newTimeSeriesLog('loss', {'epoch', 'loss'}){epoch = 1, los = 2}",
        "series.row",
        "'los'",
    ),
    "a row that is none": (
        "w.new_time_series_log('loss', ['epoch'])(5)",
        "w:newTimeSeriesLog('loss', {'epoch'})(5)",
        "series.row",
        "epoch",
    ),
    "a value without a rule": (
        "w.new_time_series_log('loss', ['epoch'])(epoch=[1])",
        "w:newTimeSeriesLog('loss', {'epoch'}){epoch = {1}}",
        "series.value",
        "cell",
    ),
    "a function in JSON": ("w.save_json('o', print)", "w:saveJSON('o', print)", "json.value", "function"),
    "a cycle in JSON": (
        "loop = []; loop.append(loop); w.save_json('o', loop)",
        "local loop = {}; loop[1] = loop; w:saveJSON('o', loop)",
        "json.depth",
        "itself",
    ),
    "two keys with one text": (
        "w.save_json('o', {1: 'n', '1': 's'})",
        "w:saveJSON('o', {[1] = 'n', ['1'] = 's'})",
        "json.keys",
        "1",
    ),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_raises_at_once_in_python(case, tmp_path):
    """
    The error quotes the rule and names what is wrong, and what was saved before stays.
    """
    code, _, rule, named = MISUSE[case]
    prefix = str(tmp_path)
    workbook = lab_workbook.new_experiment(bucket_prefix=prefix, tag="good")
    workbook.save_json("before", [1])

    def new(**options):
        return lab_workbook.new_experiment(bucket_prefix=prefix, **options)

    with pytest.raises(lab_workbook.LabWorkbookError) as caught:
        exec(code, {"new": new, "w": workbook})
    workbook.close()

    assert rule in str(caught.value)
    assert named in str(caught.value)
    assert json.loads((tmp_path / "good/before.json").read_bytes()) == [1]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("case", MISUSE)
def test_misuse_raises_at_once_in_lua(case, runtime, tmp_path):
    """
    The same misuse breaks the same rule, on every Lua.
    """
    _, code, rule, named = MISUSE[case]
    lua = lua_runtime(runtime)
    lua.globals()[b"prefix"] = str(tmp_path).encode()

    ok, message = lua.execute(
        b"""
        local labWorkbook = require 'lab-workbook'
        local function new(options)
           options.bucketPrefix = prefix
           return labWorkbook:newExperiment(options)
        end
        local w = new{tag = 'good'}
        w:saveJSON('before', {1})
        local ok, message = pcall(function() %s end)
        w:close()
        return ok, tostring(message)
        """
        % code.encode("utf-8", "surrogateescape")
    )

    assert not ok
    assert rule in message.decode("utf-8", "replace")
    assert named in message.decode("utf-8", "replace")
    assert json.loads((tmp_path / "good/before.json").read_bytes()) == [1]


LUAS = [lua for lua in ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4") if shutil.which(lua)]
LANGUAGES = ["python", *LUAS]

START = {
    "python": "import lab_workbook\nworkbook = lab_workbook.new_experiment(tag='t')\n",
    "lua": "local workbook = require('lab-workbook'):newExperiment{tag = 't'}\n",
}


def run(language: str, python: str, lua: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of one of the languages, in a process of its own."""
    command = [sys.executable, "-c", python] if language == "python" else [language, "-e", lua]
    paths = {
        "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;",
        # Where the rock finds the command `lab-workbook`.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | paths | environment,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_folder_without_permission_is_named_with_the_setting_to_change(language, tmp_path):
    """
    The experiment does not start, and the message names the folder and how to choose another.
    """
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    # Root may write anywhere but where the file system itself refuses.
    folder = "/proc/closed" if os.geteuid() == 0 else str(closed)

    done = run(language, START["python"], START["lua"], LAB_WORKBOOK_BUCKET_PREFIX=folder)

    assert done.returncode != 0
    assert folder in done.stderr
    assert "LAB_WORKBOOK_BUCKET_PREFIX" in done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("s3")
def test_a_wrong_bucket_is_refused_at_the_start(language):
    """
    The experiment does not start, and the message names the bucket.
    """
    prefix = "s3://there-is-no-such-bucket/exp/"

    done = run(language, START["python"], START["lua"], LAB_WORKBOOK_BUCKET_PREFIX=prefix)

    assert done.returncode != 0
    assert "there-is-no-such-bucket" in done.stderr
    assert not list(Path(os.environ["HOME"]).glob(".local/state/lab-workbook/*"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("[general]", "[general]"),
        ("bucketPrefix: s3://b/", "bucketPrefix: s3://b/"),
        ("bucketPrefix = 's3://b/'", "quotes"),
        ("region = a\nregion = b", "line 3"),
        ("bucketPrefix = ftp://b/", "ftp://"),
        ("uploadEvery = often", "often"),
    ],
)
def test_a_broken_line_of_the_configuration_is_named(language, line, named):
    """
    The message names the file and the line, and nothing is guessed.
    """
    home = Path(os.environ["HOME"])
    (home / ".lab-workbook-config").write_text(f"# where experiments go\n{line}\n")

    done = run(language, START["python"], START["lua"])

    assert done.returncode != 0
    assert named in done.stderr
    assert not (home / "lab-workbook").exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_key_of_the_configuration_is_warned_of_and_sets_nothing(language):
    """
    The ancestor let any key of the file land on the workbook, even the tag.
    """
    home = Path(os.environ["HOME"])
    (home / ".lab-workbook-config").write_text("tag = 2016\nbucketPrefix = ~/runs\n")

    done = run(language, START["python"], START["lua"])

    assert done.returncode == 0, done.stderr
    assert [path.name for path in (home / "runs").iterdir()] == ["t"]
    assert done.stderr.count("'tag'") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_faulty_text_is_mended_counted_and_said_once(language, tmp_path):
    """
    Invalid UTF-8 and NUL become U+FFFD, in series, texts and JSON; training goes on.
    """
    python = START["python"] + (
        "log = workbook.new_time_series_log('texts', ['n', 'text'])\n"
        "log(n=1, text='half \\udcc3'); log(n=2, text='nul \\0'); log(n=3, text='good é')\n"
        "workbook.save_text('note', 'half \\udcc3')\n"
        "workbook.save_json('options', {'half \\udcc3': 'nul \\0'})\n"
        "workbook.close()\n"
    )
    lua = START["lua"] + (
        "local log = workbook:newTimeSeriesLog('texts', {'n', 'text'})\n"
        "log{n = 1, text = 'half \\195'} log{n = 2, text = 'nul \\0'} log{n = 3, text = 'good é'}\n"
        "workbook:saveText('note', 'half \\195')\n"
        "workbook:saveJSON('options', {['half \\195'] = 'nul \\0'})\n"
        "workbook:close()\n"
    )

    done = run(language, python, lua, LAB_WORKBOOK_BUCKET_PREFIX=str(tmp_path))

    experiment = lab_workbook.ExperimentRepository(str(tmp_path))["t"]
    assert done.returncode == 0, done.stderr
    assert list(experiment["texts.csv"]["text"]) == ["half \ufffd", "nul \ufffd", "good é"]
    assert experiment["note"] == "half \ufffd"
    assert experiment["options.json"] == {"half \ufffd": "nul \0"}
    assert json.loads((tmp_path / "t/.lab-workbook/end.json").read_text())["lost"]["texts"] == 4
    assert done.stderr.count("U+FFFD") == 1


@pytest.fixture(scope="module")
def comma_locale(tmp_path_factory):
    """A locale that writes 0,5, compiled for this test."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("localedef is not installed")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")],
        capture_output=True,
        check=False,
    )
    if not (folder / "de_DE.UTF-8" / "LC_NUMERIC").exists():
        pytest.skip(f"the source of de_DE is not installed: {made.stderr.decode()}")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_comma_locale_changes_no_number(language, comma_locale, tmp_path):
    """
    In Germany, 0.5 is written 0,5, which would be two cells.
    """
    python = (
        "import locale; locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')\n"
        + START["python"]
        + (
            "log = workbook.new_time_series_log('loss', ['epoch', 'loss'])\n"
            "log(epoch=0.5, loss=1e-300); workbook.save_json('options', {'rate': 0.25}); workbook.close()\n"
        )
    )
    lua = (
        "assert(os.setlocale('de_DE.UTF-8'))\n"
        + START["lua"]
        + (
            "local log = workbook:newTimeSeriesLog('loss', {'epoch', 'loss'})\n"
            "log{epoch = 0.5, loss = 1e-300} workbook:saveJSON('options', {rate = 0.25}) workbook:close()\n"
        )
    )

    done = run(language, python, lua, LAB_WORKBOOK_BUCKET_PREFIX=str(tmp_path), **comma_locale)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t/loss.csv").read_text().splitlines()[1].startswith("0.5,1e-300,2")
    assert json.loads((tmp_path / "t/options.json").read_text()) == {"rate": 0.25}
