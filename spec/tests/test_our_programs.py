"""
Our own code gives the answers of SPEC.md: names, tags, prefixes, configuration, cells, JSON, tables.
"""

import json
import math
import os
from pathlib import Path

import lab_workbook
import pandas as pd
import pytest
from lab_workbook import config
from lab_workbook.errors import ConfigurationError, Unreadable
from lab_workbook.protocol import cells, documents, jsontext, layout, prefix
from lab_workbook_conformance import constants, judges, notation
from lab_workbook_writer.uploader.segments import Trail

ROOT = Path(__file__).resolve().parents[2]
BEGIN = {
    "protocol": "lab-workbook 1.1",
    "tag": "baseline",
    "writer": "test 1",
    "runtime": "none",
    "started": "2016-02-12T21:49:00Z",
}


def cases(subject, expect=None):
    return [
        case for case in constants.cases() if case["subject"] == subject and expect in (None, case["expect"])
    ]


def answers(question, expect="accept"):
    """Every answer to a question, as (what it is about..., answer), with the rule it belongs to."""
    lines = [
        (case["rule"], *json.loads(line))
        for case in cases("answer", expect)
        for line in case["text"].splitlines()
    ]
    return [(rule, *rest) for rule, asked, *rest in lines if asked == question]


def name_of(value):
    return f"{value['rule']}-line{value['line']}" if isinstance(value, dict) else None


@pytest.fixture
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")


# Prefixes and configuration.


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("_rule", "given", "read"), answers("prefix"))
def test_a_prefix_is_read_as_the_spec_says(_rule, given, read):
    assert str(prefix.parse(given)) == read


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("case", cases("prefix"), ids=name_of)
def test_prefixes_are_judged_alike(case):
    """
    The prefixes of the examples, and no others, are prefixes.
    """
    for line in case["text"].splitlines():
        given = json.loads(line)
        if case["expect"] == "accept":
            prefix.parse(given)
        else:
            with pytest.raises(ConfigurationError):
                prefix.parse(given)


@pytest.mark.parametrize("case", cases("config"), ids=name_of)
def test_configurations_are_judged_alike(case):
    text = notation.to_bytes(case["text"]).decode()

    if case["expect"] == "accept":
        assert config.parse(text, "here")
    else:
        with pytest.raises(ConfigurationError, match="here, line"):
            config.parse(text, "here")


@pytest.mark.parametrize("version", ["lua51", "lua54", "luajit20", "luajit21"])
def test_lua_reads_prefixes_and_configurations_alike(version):
    """
    What Python takes for a prefix or a configuration, Lua does, and nothing else, with the same values.
    """
    lua = pytest.importorskip(f"lupa.{version}").LuaRuntime(encoding=None)
    lua.execute(f"package.path = '{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua'".encode())
    parse = lua.eval(b"function(text) return (require 'lab-workbook.config'.parse(text, 'here')) end")
    lua.execute(b"prefix = require 'lab-workbook.prefix'")
    as_text = lua.eval(b"function(text) local read = prefix.parse(text) return read and tostring(read) end")

    for case in cases("config"):
        data = notation.to_bytes(case["text"])
        found = parse(data)
        expected = config.parse(data.decode(), "here") if case["expect"] == "accept" else None
        assert (found and {k.decode(): v.decode() for k, v in found.items()}) == expected
    for case in cases("prefix"):
        # A relative path asks the system where it is, and lupa's plain Luas have no io.popen.
        for given in (json.loads(line) for line in case["text"].splitlines() if line != '"experiments"'):
            found = as_text(given.encode())
            expected = str(prefix.parse(given)) if case["expect"] == "accept" else None
            assert (found and found.decode()) == expected


@pytest.mark.parametrize(("_rule", "argument", "variable", "line", "expected"), answers("setting"))
def test_the_nearest_setting_counts(monkeypatch, _rule, argument, variable, line, expected):
    if variable is not None:
        monkeypatch.setenv("LAB_WORKBOOK_UPLOAD_EVERY", variable)
    if line is not None:
        Path(os.environ["HOME"], ".lab-workbook-config").write_text(f"uploadEvery = {line}\n")

    assert config.load({"upload_every": argument}).upload_every == float(expected)


# What is written.


@pytest.mark.parametrize(("rule", "value", "text"), answers("cell"))
def test_a_cell_of_ours_is_right(rule, value, text):
    """
    What Python writes for the values of the examples breaks no rule.
    """
    value = notation.value(value)
    formats = cells.Formats(report=lambda _: None)

    cell = formats[type(value)](value)

    assert judges.series.broken_by(value, cell, integers=True) == []
    if not isinstance(value, float) and rule not in ("series.beyond", "series.integral", "text.mended"):
        assert cell == text


@pytest.mark.parametrize(("_rule", "value", "_text"), answers("json"))
def test_json_of_ours_is_right(_rule, value, _text):
    value = notation.value(value)

    data = jsontext.encode(value, report=lambda _: None)

    assert judges.jsontext.broken_by(value, data) == []


@pytest.mark.parametrize(("_rule", "name", "expected"), answers("content-type"))
def test_the_content_type_is_that_of_the_kind(_rule, name, expected):
    assert layout.content_type(name) == expected


# What is read.


@pytest.mark.parametrize("case", cases("begin"), ids=name_of)
def test_the_reader_refuses_only_other_major_versions(case):
    """
    A reader is forgiving with a begin.json, but for a version that it cannot know.
    """
    data = case["text"].encode()
    is_other = case["rule"] == "begin.version" and case["expect"] == "refuse"
    is_object = isinstance(json.loads(data), dict)

    if is_other or not is_object:
        with pytest.raises(Unreadable):
            documents.read_begin(data)
    else:
        assert documents.read_begin(data) == json.loads(data)


@pytest.mark.parametrize("case", cases("end", "accept"), ids=name_of)
def test_the_reader_takes_every_right_end(case):
    assert documents.read_end(case["text"].encode()) == json.loads(case["text"])


@pytest.mark.parametrize(("_rule", "text", "expected"), answers("value"))
def test_any_json_is_read(_rule, text, expected):
    found = jsontext.decode(text.encode())

    assert repr(found) == repr(notation.value(expected))


@pytest.fixture
def experiment(tmp_path):
    """Make an experiment of the given files, and open it."""

    def make(files):
        for name, data in files.items():
            path = tmp_path / "baseline" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return lab_workbook.ExperimentRepository(str(tmp_path))["baseline"]

    return make


@pytest.mark.parametrize(("rule", "text", "expected"), answers("rows"))
def test_a_series_is_read_as_the_spec_says(experiment, rule, text, expected):
    """
    The reader gives the rows, values and types of the examples, those of 1.0 included.
    """
    begin = {} if rule == "series.duplicates" else {".lab-workbook/begin.json": json.dumps(BEGIN).encode()}
    opened = experiment({"x.csv": text.encode(), "y.json": b"{}", **begin})

    table = opened["x.csv"]

    if expected is None:
        # A plain table: pandas decides, and no field becomes a date.
        assert "Date" not in table
    else:
        header, *rows = notation.value(expected)
        table = table.reset_index()
        assert list(table.columns) == header
        found = [[as_value(cell) for cell in row] for row in table.astype(object).to_numpy().tolist()]
        assert repr(found) == repr([[as_value(cell) for cell in row] for row in rows])


def as_value(cell):
    """Return a cell of a table as the examples spell it."""
    if isinstance(cell, pd.Timestamp):
        return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
    # A column of one missing value has no type, so pandas may say that in several ways.
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return cell


@pytest.mark.parametrize(("_rule", "name", "is_listed"), answers("listed"))
def test_only_artifacts_are_listed(experiment, _rule, name, is_listed):
    opened = experiment({".lab-workbook/begin.json": json.dumps(BEGIN).encode(), name: b"{}"})

    assert (name in opened.list_artifacts()) == is_listed


@pytest.mark.parametrize(("_rule", "ends", "answer"), answers("segment"))
def test_a_publication_becomes_the_segment_that_the_spec_says(_rule, ends, answer):
    trail = Trail("loss.csv")
    for end in ends:
        segment = trail.publish(end)
        trail.delivered(segment)

    assert [segment.start, segment.end] == answer


@pytest.mark.parametrize(("_rule", "there", "answer"), answers("live"))
def test_our_reader_puts_together_the_segments_that_the_spec_says(experiment, _rule, there, answer):
    """
    Those that it should not need hold other bytes, and would show.
    """
    truth = b"epoch,Date\n" + b"1,2016-02-12T22:17:34Z\n" * 30
    files = {".lab-workbook/begin.json": json.dumps(BEGIN).encode()}
    if there["artifact"] is not None:
        files["loss.csv"] = truth[: there["artifact"]]
    for start, end in there["segments"]:
        is_needed = [start, end] in (answer or [])
        rows = truth[start:end] if is_needed else b"?" * (end - start)
        files[f".lab-workbook/segments/loss.csv/{end:015d}-{start:015d}"] = rows
    opened = experiment(files)

    if answer is None:
        with pytest.raises(Unreadable, match="byte"):
            opened.read_bytes("loss.csv")
    else:
        reach = answer[-1][1] if answer else there["artifact"]
        assert opened.read_bytes("loss.csv") == truth[:reach]
        assert opened[:] == ["loss.csv"]
