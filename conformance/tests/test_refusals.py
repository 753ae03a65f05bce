"""
A script goes on after a refusal, and the kit sees which traces a writer has left.
"""

import sys

import pytest
from lab_workbook_conformance import certify, levels
from lab_workbook_conformance.adapter import AdapterNonsense
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.levels import depth, refusals
from lab_workbook_conformance.wrong import table

RIGHT = [sys.executable, "-m", "lab_workbook_conformance.wrong"]
WRONG = [name for name, wrong in table.load().items() if wrong.rule == "misuse.trace"]
CASES = [case for case in levels.cases() if case.level == "core" and case.name.startswith("misuse.trace")]

STOPS = """
import json, sys
hello = {"name": "stops", "version": "1", "language": "Python", "spec": "1.1", "levels": ["core"],
         "verbs": ["newExperiment", "saveText", "close"], "integers": True}
for line in sys.stdin:
    asked = json.loads(line)
    said = {"refused": {"step": 1, "rule": "name.parts", "message": "no"}}
    print(json.dumps({"id": asked["id"], **({"hello": hello} if "hello" in asked else said)}), flush=True)
"""


def test_a_script_goes_on_after_a_refusal():
    """
    The steps after it are played, and the recording has what was refused.
    """
    steps = [["newExperiment", {}], ["saveText", "a/..", "x"], ["saveText", "a", "x"], ["close"]]

    with Bench(RIGHT) as bench:
        found = bench.record(steps, continues=True)

    assert [(each["step"], each["rule"]) for each in found.refusals] == [(1, "name.parts")]
    assert found.is_done
    assert found.files["a"] == b"x"
    assert found.without([1]).steps == [steps[0], *steps[2:]]


def test_an_adapter_that_stops_is_told_which_page_to_read(tmp_path):
    path = tmp_path / "stops.py"
    path.write_text(STOPS)

    with Bench([sys.executable, str(path)]) as bench, pytest.raises(AdapterNonsense, match=r"ADAPTER\.md"):
        bench.record([["newExperiment", {}], ["saveText", "..", ""], ["close"]], continues=True)


@pytest.mark.parametrize("name", ["misuse.trace", "misuse.trace-5"])
def test_chance_finds_traces_as_well(name, monkeypatch):
    """
    A script that is made up goes on after misuse; half a row, and an end that comes too early, are found.
    """
    monkeypatch.setattr(depth, "_SHRINK_SECONDS", 1)
    cases = [case for case in depth.cases(100) if case.name == "depth.continued"]

    report = certify.run([*RIGHT, name], cases=cases, levels=["core"])

    assert report.broken == {"misuse.trace"}


def test_the_faults_of_other_rules_keep_their_names():
    """
    What a writer does wrong without any refusal is not blamed on one.
    """
    report = certify.run([*RIGHT, "series.date-2"], cases=CASES, levels=["core"])

    assert report.broken == {"series.date"}


def test_a_name_that_was_refused_can_be_used():
    """
    The steps that go on use it, unless another artifact has it.
    """
    refused = ["saveJSON", "options", {"loss": {"$function": 1}}]

    assert ["saveJSON", "options", {"after": 1}] in refusals.after([["newExperiment", {}], refused])
    assert refusals.after([["close"], refused]) == [["flush"], ["close"]]
