"""
The judges of a whole experiment find what was tampered with, and what was not kept.
"""

import hashlib
import json

import pytest
from lab_workbook_conformance import judges, plays

BEGIN = {
    "protocol": "lab-workbook 1.1",
    "tag": "baseline",
    "writer": "mine 0.1",
    "runtime": "Lua 5.4",
    "started": "2016-02-12T21:49:00Z",
}
SERIES = b'epoch,note,Date\n1,"x",2016-02-12T22:17:34Z\n2,nil,2016-02-12T22:17:35Z\n'
STEPS = [
    ["newExperiment", {"tag": "baseline"}],
    ["newTimeSeriesLog", "loss", ["epoch", "note"]],
    ["log", "loss", {"epoch": 1, "note": "x"}],
    ["log", "loss", {"epoch": 2}],
    ["saveJSON", "options", {"rate": 0.5}],
    ["saveText", "notes", "done"],
]


@pytest.fixture
def files():
    """A finished experiment without a fault."""
    own = {
        ".lab-workbook/begin.json": json.dumps(BEGIN).encode(),
        "loss.csv": SERIES,
        "options.json": b'{"rate": 0.5}',
        "notes": b"done",
    }
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in own.items()
    }
    end = {"ended": "2016-02-12T22:49:00Z", "outcome": "finished", "error": None, "lost": {}, "files": listed}
    return {**own, ".lab-workbook/end.json": json.dumps(end).encode()}


def test_a_sound_experiment_breaks_nothing(files):
    assert judges.experiment(files) == []
    assert plays.broken_by(STEPS, files, integers=True) == []


@pytest.mark.parametrize(
    ("name", "data", "broken"),
    [
        ("notes", b"gone", ("notes", "end.last")),
        ("notes", b"done!", ("notes", "end.last")),
        ("notes", None, ("notes", "end.files")),
        ("more.txt", b"later", ("more.txt", "end.files")),
        ("Notes", b"done", ("", "name.unique")),
        ("loss.csv", SERIES + b"3,x,2016-02-12T22:17:36Z\n", ("loss.csv", "series.text")),
        ("options.json", b"{'rate': 0.5}", ("options.json", "json.strict")),
        (".lab-workbook/begin.json", None, ("", "begin.first")),
        (".lab-workbook/begin.json", b"{}", (".lab-workbook/begin.json", "begin.document")),
        (".lab-workbook/end.json", b"{}", (".lab-workbook/end.json", "end.document")),
        (".lab-workbook/queue", b"", ("", "layout.working")),
        (".lab-workbook/notes/20160213T081500Z-x7Rk2a.json", b"{}", None),
    ],
)
def test_a_changed_experiment_is_found_out(files, name, data, broken):
    """
    A byte that changed, a file that is gone or was added, and a broken rule are each found.
    """
    files.pop(name, None)
    if data is not None:
        files[name] = data

    assert (broken or (name, "notes.document")) in judges.experiment(files)


@pytest.mark.parametrize(
    ("name", "data", "broken"),
    [
        ("loss.csv", SERIES.replace(b"\n2,nil", b"\n3,nil"), ("loss.csv", "series.integer")),
        ("loss.csv", SERIES.replace(b'"x"', b'"y"'), ("loss.csv", "series.text")),
        ("loss.csv", SERIES[: SERIES.index(b"2,")], ("loss.csv", "series.append")),
        ("loss.csv", SERIES.replace(b"epoch", b"epochs"), ("loss.csv", "series.header")),
        ("options.json", b'{"rate": 0.25}', ("options.json", "json.numbers")),
        ("options.json", b'{"rate": 0.5, "more": 1}', ("options.json", "json.value")),
        ("notes", b"don", ("notes", "kind.content")),
        ("notes", None, ("notes", "kind.content")),
    ],
)
def test_what_was_not_kept_is_found_out(files, name, data, broken):
    """
    Well-made files that do not hold what was given are found by comparing them with the steps.
    """
    files.pop(name)
    if data is not None:
        files[name] = data

    assert broken in plays.broken_by(STEPS, files, integers=True)


def test_a_table_of_the_user_is_no_series(files):
    """
    A .csv that somebody saved as a file owes nothing to the rules of series.
    """
    files.pop(".lab-workbook/end.json")
    files["cities.csv"] = b"city;people\r\nBerlin;3769000\r\n"

    assert judges.experiment(files) == []


@pytest.mark.parametrize(
    ("rows", "broken"),
    [(SERIES[:16], []), (SERIES[:15], ["segments.rows"]), (SERIES[:15] + b"1", ["segments.rows"])],
)
def test_a_segment_holds_whole_rows_and_as_many_bytes_as_its_key_says(files, rows, broken):
    path = ".lab-workbook/segments/loss.csv/000000000000016-000000000000000"

    assert judges.experiment({**files, path: rows}) == [(path, rule) for rule in broken]


@pytest.mark.parametrize(
    ("document", "change", "found"),
    [
        ("begin", {"protocol": "lab-workbook 2.0"}, ("begin.document", "['protocol']")),
        ("begin", {"protocol": "lab-workbook 1.7"}, ("begin.document", "it is 'lab-workbook 1.7', not")),
        ("begin", {"pid": "4711"}, ("begin.optional", "['pid']: '4711' is not of type 'integer'")),
        ("end", {"lost": {"rows": "some"}}, ("end.lost", "['lost']['rows']")),
        ("end", {"files": {".lab-workbook/begin.json": {"bytes": -1}}}, ("end.files", "['bytes']")),
        ("end", {"outcome": "crashed"}, ("end.outcome", "['outcome']: 'crashed'")),
    ],
)
def test_a_document_is_blamed_by_its_member(files, document, change, found):
    """
    The rule is one of writers, and the message names the member and what is wrong with it.
    """
    name = f".lab-workbook/{document}.json"
    files[name] = json.dumps({**json.loads(files[name]), **change}).encode()

    rule, why = found
    named = [each for each in judges.violations(files) if each.name == name]

    assert (named[0].rule, why in named[0].why) == (rule, True), named


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        (
            "loss.csv",
            SERIES.replace(b"\n2,nil", b"\n2,nan"),
            ("series.special", "row 2, field 'note': nan for None"),
        ),
        ("loss.csv", SERIES[: SERIES.index(b"2,")], ("series.append", "it has 1 rows, not 2")),
        ("loss.csv", None, ("series.birth", "it is not there")),
        ("notes", b"done\n", ("kind.content", "")),
    ],
)
def test_what_differs_is_shown(files, name, data, found):
    """
    The cell, and not two tables; a text that was changed is no matter of replacing it.
    """
    files.pop(name)
    if data is not None:
        files[name] = data

    violations = list(plays.violations(STEPS, files, integers=True))

    assert [(each.rule, each.why) for each in violations] == [found]


def test_an_artifact_under_another_name_is_a_matter_of_names(files):
    files["notes.txt"] = files.pop("notes")

    assert plays.broken_by(STEPS, files, integers=True) == [("notes", "kind.suffix")]


def test_an_older_version_of_a_text_is_a_matter_of_replacing(files):
    steps = [*STEPS[:-1], ["saveText", "notes", "done"], ["saveText", "notes", "all done"]]

    assert plays.broken_by(steps, files, integers=True) == [("notes", "kind.replace")]
