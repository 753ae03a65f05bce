"""
What the kit says of a writer or a reader, and how it says it: verdicts, exit codes, files.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from lab_workbook_conformance import certify, levels, report
from lab_workbook_conformance.certification import REQUIRED_VERBS
from lab_workbook_conformance.constants import schema

RIGHT = [sys.executable, "-m", "lab_workbook_conformance.wrong"]
# One case of a wrong writer that is found out quickly, and one of a wrong reader.
WRONG = {"series.row": ("series.row-2", "writer"), "status.answer": ("status.answer-1", "reader")}

# An adapter that says hello, and then does what it was told when it was started.
SCRIPT = """
import json, os, sys, time
verbs = ["newExperiment", "newTimeSeriesLog", "log", "saveJSON", "saveText", "saveFile", "close", "read"]
hello = {"name": "odd", "version": "1", "language": "Python", "spec": "1.1", "levels": ["core"],
         "verbs": verbs, "integers": True}
for line in sys.stdin:
    asked = json.loads(line)
    if "hello" in asked:
        print(json.dumps({"id": asked["id"], "hello": hello}), flush=True)
        continue
    DO
"""
FAILS = "print(json.dumps({'id': asked['id'], 'failed': {'message': 'I cannot'}}), flush=True)"
TROUBLES = {
    "died": "print('help!', file=sys.stderr); sys.exit(7)",
    "silent": "time.sleep(60)",
    "nonsense": "print('done', flush=True)",
}


def run(*arguments, timeout=120):
    """Run the command line; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "lab_workbook_conformance", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def odd(tmp_path):
    """Make the command of an adapter that answers every question but hello in its own way."""

    def make(do):
        path = tmp_path / "odd.py"
        path.write_text(SCRIPT.replace("DO", do))
        return [sys.executable, str(path)]

    return make


def test_a_right_one_gets_one_line():
    """
    All cases of level core, for a writer and a reader, without a word but the verdict.
    """
    code, said = run("--level", "core", "--", *RIGHT)

    assert code == 0, said
    assert len(said.splitlines()) == 1
    assert "is certified for level core (lab-workbook 1.1)" in said


def test_a_badge_has_the_verdict():
    """
    Its levels, if it is certified, and else what it is instead.
    """
    cases = [case for case in levels.cases() if case.name == "series.row-2"]
    certified = certify.run(RIGHT, cases=cases, levels=["core"], is_whole=True)
    failed = certify.run([*RIGHT, "series.row"], cases=cases, is_whole=True)
    # It has no saveTorch.
    incomplete = certify.run(RIGHT, levels=["models"])

    address = "https://img.shields.io/badge/lab--workbook%201.1"
    assert report.badge(certified) == f"![lab-workbook 1.1: core]({address}-core-brightgreen)"
    assert report.badge(failed) == f"![lab-workbook 1.1: failed]({address}-failed-red)"
    assert report.badge(incomplete) == f"![lab-workbook 1.1: incomplete]({address}-incomplete-lightgrey)"


def test_the_badge_is_the_last_line():
    """
    After the verdict, and only where it is asked for.
    """
    _, said = run("--badge", "--case", "series.row-2", "--", *RIGHT)

    assert said.splitlines()[-1].startswith("![lab-workbook 1.1: selection](https://")


@pytest.mark.parametrize("rule", WRONG)
def test_a_wrong_one_is_told_what_and_how_to_see_it_again(rule):
    """
    The rule with its sentence, and a command that plays this case alone.
    """
    name, _ = WRONG[rule]
    command = [*RIGHT, rule]

    code, said = run("--case", name, "--", *command)

    assert code == 1, said
    assert f"FAILED {name}" in said
    assert f"{rule}: A " in said
    assert f"again: lab-workbook certify --case {name} -- {shlex.join(command)}" in said


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_the_adapter_is_no_broken_rule(odd, trouble):
    """
    After three in a row it is left alone, and the exit code says that nobody was judged.
    """
    report = certify.run(odd(TROUBLES[trouble]), timeout=2 if trouble == "silent" else 30)

    assert report.counts == {trouble: 3}
    assert report.stopped
    assert report.broken == set()
    assert report.exit_code == 3


def test_the_last_words_of_an_adapter_are_shown(odd):
    code, said = run("--case", "series.row-1", "--", *odd(TROUBLES["died"]))

    assert code == 3
    assert "exited with status 7" in said
    assert "help!" in said


def test_an_adapter_that_does_not_exit_is_silent():
    """
    It is killed in the end, and what that leaves behind is not held against it.
    """
    command = ["sh", "-c", f"{shlex.join(RIGHT)}; sleep 60"]
    cases = [case for case in levels.cases() if case.name == "end.outcome-left"]

    report = certify.run(command, cases=cases, timeout=5)

    assert [result.verdict for result in report.results] == ["silent"]
    assert "did not exit" in report.results[0].message


def test_after_trouble_the_next_case_gets_a_fresh_adapter(odd):
    """
    One that dies of a single case is judged by all others.
    """
    dies = f"sys.exit(1) if 'baseline' in line else {FAILS}"
    cases = [case for case in levels.cases() if case.name in ("tag.claim-1", "kind.replace-1")]

    report = certify.run(odd(dies), cases=cases)

    assert [result.verdict for result in report.results] == ["died", "failed"]
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "which command"),
        (["--case", "no.such-1", "--", "true"], 2, "no case no.such-1"),
        (["--level", "gold", "--", "true"], 2, "gold"),
        (["--", "/no/such/program"], 3, "cannot be started"),
        (["--", "true"], 3, "exited"),
        (["--level", "s3", "--s3-endpoint", "http://127.0.0.1:1", "--", *RIGHT], 2, "127.0.0.1:1 makes no"),
        (["--rule", "no.such", "--", "true"], 2, "no case for the rule no.such"),
        (["--json", "/no/such/folder/r.json", "--", *RIGHT], 2, "the report cannot be written"),
        (["--junit", "/no/such/folder/r.xml", "--", *RIGHT], 2, "the report cannot be written"),
    ],
)
def test_what_cannot_be_run_is_said(arguments, code, word):
    found, said = run(*arguments)

    assert found == code
    assert word in said


def test_without_moto_it_says_what_to_install(tmp_path, monkeypatch):
    """
    Level s3 takes a server, and a plain installation has none: one sentence says what to do.
    """
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto/__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    code, said = run("--level", "s3", "--", *RIGHT)

    assert code == 2
    assert said.count("\n") == 1
    assert "pip install 'lab-workbook[conformance]'" in said


def test_results_are_written_for_programs(tmp_path):
    """
    The JSON is as its schema says, and JUnit counts the same.
    """
    command = [*RIGHT, "series.row"]
    names = [f"--case={case.name}" for case in levels.cases() if case.name.startswith("series.row-")]

    run(*names, "--json", f"{tmp_path}/r.json", "--junit", f"{tmp_path}/r.xml", "--", *command)

    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    schema("results").validate(found)
    assert found["rules"]["series.row"] == "failed"
    assert found["command"] == command
    suite = ET.parse(tmp_path / "r.xml").getroot()
    assert suite.get("failures") == str(found["counts"]["failed"])
    assert len(suite.findall("testcase")) == len(names) == len(found["cases"])


def test_it_stops_at_the_first_failure_when_asked():
    cases = [case for case in levels.cases() if case.rules[0] == "series.row" and case.role == "writer"]

    report = certify.run([*RIGHT, "series.row"], cases=cases, fail_fast=True)

    assert [result.verdict for result in report.results][-1] == "failed"
    assert report.counts["failed"] == 1


# Known failures.


@pytest.fixture
def known(tmp_path):
    """Write a list of known failures; return its path."""

    def write(*entries):
        path = tmp_path / "known.json"
        path.write_text(json.dumps(entries))
        return str(path)

    return write


@pytest.mark.parametrize("name", ["series.row", "series.row-2"])
def test_a_known_failure_may_fail(known, name):
    """
    By its case or by its rule.
    """
    file = known({"name": name, "issue": "https://example.org/7", "reason": "soon"})

    code, said = run("--known", file, "--case", "series.row-2", "--", *RIGHT, "series.row")

    assert code == 0, said
    assert "KNOWN series.row-2: https://example.org/7" in said


@pytest.mark.parametrize("name", ["series.row", "series.row-2"])
def test_a_known_failure_must_fail(known, name):
    """
    A list that nobody has to shorten would grow for ever.
    """
    file = known({"name": name, "issue": "https://example.org/7", "reason": "soon"})

    code, said = run("--known", file, "--case", "series.row-2", "--", *RIGHT)

    assert code == 1
    assert "UNEXPECTED series.row-2" in said


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"name": "series.row", "reason": "soon"}, "no issue"),
        ({"name": "series.row", "issue": "soon", "reason": "soon"}, "no link"),
        ({"name": "series.row", "issue": "https://example.org/7"}, "no reason"),
        ({"name": "series.rows", "issue": "https://example.org/7", "reason": "soon"}, "no case and no rule"),
        ("series.row", "no name"),
    ],
)
def test_a_known_failure_needs_an_issue_and_a_reason(known, entry, word):
    code, said = run("--known", known(entry), "--", *RIGHT)

    assert code == 2
    assert word in said


# The world of an adapter.


def test_an_adapter_finds_none_of_our_own_world(monkeypatch):
    """
    Neither the user's settings nor the time zone of the machine reach a writer that is certified.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")
    monkeypatch.setenv("TZ", "UTC")
    cases = [case for case in levels.cases() if case.name == "series.row-1"]

    assert certify.run(RIGHT, cases=cases).exit_code == 0


def test_a_command_with_a_relative_file_is_found(odd, monkeypatch):
    """
    The adapter starts in another folder than the one where the command was typed.
    """
    command = odd(FAILS)
    monkeypatch.chdir(os.path.dirname(command[1]))
    cases = [case for case in levels.cases() if case.name == "series.row-1"]

    report = certify.run([command[0], "odd.py"], cases=cases)

    assert report.counts == {"failed": 1}


ALL_VERBS = ["newExperiment", "newTimeSeriesLog", "log", "saveJSON", "saveText", "saveFile", "flush", "close"]


@pytest.mark.parametrize(
    ("spec", "of_levels", "verbs", "reason"),
    [
        ("1.1", ["core"], [*ALL_VERBS, "read"], "level core, writer: no case passed for "),
        ("1.1", ["core"], ALL_VERBS[:-1], "level core, writer: the adapter has no verb close"),
        ("1.1", ["core"], [], "neither newExperiment (a writer) nor read (a reader)"),
        ("1.1", [], [*ALL_VERBS, "read"], "has no levels"),
        ("1.1", ["git"], [*ALL_VERBS, "saveGitStatus"], "has no level core"),
        ("9.9", ["core"], ["read"], "has spec '9.9'; this kit certifies '1.1'"),
    ],
)
def test_a_program_that_supports_too_little_is_incomplete(tmp_path, spec, of_levels, verbs, reason):
    """
    An adapter that answers `unsupported` to everything is not certified, whatever its hello claims.
    """
    hello = {"spec": spec, "levels": of_levels, "verbs": verbs}
    path = tmp_path / "nothing.py"
    path.write_text(
        SCRIPT.replace("    DO\n", UNSUPPORTED).replace("for line in", f"hello |= {hello!r}\nfor line in")
    )

    # Values that a language may lack, so that the answer is allowed.
    few = [case for case in levels.cases() if case.name in ("series.integer-1.3", "series.integer-1.4")]
    report = certify.run([sys.executable, str(path)], cases=few, is_whole=True)

    found = report.certification
    assert report.exit_code == 1
    assert (found.status, found.levels) == ("incomplete", ())
    assert any(reason in each for each in found.reasons)


UNSUPPORTED = "    print(json.dumps({'id': asked['id'], 'unsupported': {'message': 'no'}}), flush=True)\n"


def test_a_rule_with_an_unsupported_case_and_others_that_passed_has_passed(tmp_path):
    """
    A language that cannot hold one of the values of a rule keeps the rule; the report names the case.
    """
    # It passes everything on to the right writer but texts that are not valid UTF-8.
    path = tmp_path / "javascript.py"
    path.write_text(WITHOUT_BYTES.replace("RIGHT", repr(RIGHT)))
    cases = [case for case in levels.cases() if "name.utf8" in case.rules and case.role == "writer"]

    report = certify.run([sys.executable, str(path)], cases=cases)

    assert report.by_rule()["name.utf8"] == "passed"
    assert report.unsupported()["name.utf8"]


WITHOUT_BYTES = """
import json, subprocess, sys
inner = subprocess.Popen(RIGHT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for line in sys.stdin:
    if "$bytes" in line:
        answer = json.dumps({"id": json.loads(line)["id"], "unsupported": {"message": "no such text"}})
        print(answer, flush=True)
        continue
    inner.stdin.write(line)
    inner.stdin.flush()
    print(inner.stdout.readline(), end="", flush=True)
"""


def test_a_selection_of_cases_certifies_nothing():
    code, said = run("--rule", "series.row", "--", *RIGHT)

    assert code == 0, said
    assert "so it is not certified" in said


def test_cases_are_listed_with_level_role_and_rules():
    """
    The list is what the other options choose, and needs no adapter.
    """
    code, said = run("--list", "--rule", "series.row", "--role", "writer")

    lines = [line.split("\t") for line in said.splitlines()]
    assert code == 0
    assert ["series.row-2", "core", "writer", "series.row"] in lines
    assert all("series.row" in rules.split() for _, _, _, rules in lines)
    assert {role for _, _, role, _ in lines} == {"writer"}


def test_the_required_verbs_are_those_of_the_page():
    """
    ADAPTER.md has the table of levels that the kit goes by.
    """
    page = (Path(__file__).parents[1] / "ADAPTER.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    found = {}
    for cells in rows:
        if cells[0].strip("`") in certify.LEVELS and len(cells) >= 3:
            for role, cell in zip(("writer", "reader"), cells[2:], strict=False):
                verbs = tuple(re.findall("`([A-Za-z]+)`", cell))
                core = REQUIRED_VERBS["core", "writer"] if "those of `core`" in cell else ()
                if core or verbs:
                    found[cells[0].strip("`"), role] = core or verbs

    assert found == dict(REQUIRED_VERBS)
