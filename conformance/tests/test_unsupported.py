"""
What a program cannot do hides nothing of what it does wrong.
"""

import json
import subprocess
import sys

import pytest
from lab_workbook_conformance import certify, known, levels, notation
from lab_workbook_conformance.bench import Bench, Unsupported
from lab_workbook_conformance.case import Case, Finding

RIGHT = [sys.executable, "-m", "lab_workbook_conformance.wrong"]
CASES = {case.name: case for case in levels.cases()}

# It passes everything on to the right writer but what holds the word.
WITHOUT = """
import json, subprocess, sys
inner = subprocess.Popen(RIGHT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for line in sys.stdin:
    asked = json.loads(line)
    steps = asked.get("record", {}).get("steps", [])
    found = [at for at, step in enumerate(steps) if WORD in json.dumps(step)]
    if found:
        said = {"id": asked["id"], "unsupported": {"step": found[0], "message": "not here"}}
        print(json.dumps(said), flush=True)
        continue
    inner.stdin.write(line)
    inner.stdin.flush()
    print(inner.stdout.readline(), end="", flush=True)
"""


@pytest.fixture
def without(tmp_path):
    """Return the command of the right writer, or a wrong one, that calls steps with a word unsupported."""

    def command(word, *name):
        path = tmp_path / f"without-{len(list(tmp_path.iterdir()))}.py"
        path.write_text(WITHOUT.replace("RIGHT", repr([*RIGHT, *name])).replace("WORD", repr(word)))
        return [sys.executable, str(path)]

    return command


def result(command, name):
    """What comes of one case."""
    report = certify.run(command, cases=[CASES[name]], levels=certify.LEVELS, roles=certify.ROLES)
    return report.results[0]


def test_findings_before_an_unsupported_part_are_kept():
    """
    A case that finds something and then comes to a part that the adapter cannot play has failed.
    """

    def play(_):
        yield Finding("series.row", "something")
        raise Unsupported("not here")

    with Bench(RIGHT) as bench:
        found = certify.judge(Case("series.row-0", ("series.row",), "core", "writer", play), bench)

    assert (found.verdict, [each.rule for each in found.findings]) == ("failed", ["series.row"])
    assert found.message == "not here"


def test_a_step_that_is_unsupported_is_left_out_and_the_others_are_judged(without):
    """
    A language without such bytes is still judged by the other rows of the example.
    """
    assert result(without("$bytes"), "text.mended-5").verdict == "unsupported"
    assert result(without("$bytes", "text.mended-3"), "text.mended-5").verdict == "failed"


@pytest.mark.parametrize(
    ("word", "name", "verdict"),
    [
        ("$int", "series.integer-1.3", "unsupported"),
        ("nan", "series.special-1.1", "failed"),
        ("-17", "series.integer-1.2", "failed"),
        ("saveFile", "end.last-1", "failed"),
    ],
)
def test_only_what_some_languages_lack_may_be_unsupported(without, word, name, verdict):
    """
    Every language has text, floats, small integers and the bytes of a file.
    """
    assert result(without(word), name).verdict == verdict


@pytest.mark.parametrize(
    ("spelled", "is_rare"),
    [
        ([{"$float": "nan"}, "x", {"a": None}], False),
        (["log", "n", {"n": {"$int": "9007199254740993"}}], True),
        ({"$pairs": [[1, 2]]}, True),
        ({"$x": 1}, False),
    ],
)
def test_rare_values_are_those_with_a_spelling_of_their_own(spelled, is_rare):
    assert notation.has_rare_value(spelled) is is_rare


def test_an_example_with_many_lines_is_chosen_and_known_by_its_name(tmp_path):
    """
    The name that the example had before its lines became cases still means all of them.
    """
    command = [sys.executable, "-m", "lab_workbook_conformance", "--list", "--case", "prefix.form-2"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    path = tmp_path / "known.json"
    path.write_text(
        json.dumps([{"name": "prefix.form-2", "issue": "https://example.org/1", "reason": "later"}])
    )

    report = certify.run([*RIGHT, "prefix.form"], cases=[CASES["prefix.form-2.4"], CASES["prefix.form-2.5"]])
    report.results = known.applied(report.results, known.load(str(path), {"prefix.form-2"}))

    assert [line.split("\t")[0] for line in listed] == [f"prefix.form-2.{at}" for at in range(1, 12)]
    assert report.counts == {"known": 2}
