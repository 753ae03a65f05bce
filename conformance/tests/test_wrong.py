"""
Who tests the tests: of each writer and reader that is wrong in one thing the kit names that thing alone.

Here each is asked the cases of its own rules and a few others; `make certify-wrong` asks it all of them.
"""

import gc
import json
import os
import random

import pytest
from lab_workbook_conformance import certify, constants
from lab_workbook_conformance.adapter import Adapter
from lab_workbook_conformance.wrong import table, untold, wrong_bucket

from conformance import certify_wrong
from conformance.forked import forking

WRONG = table.load()
CASES = certify_wrong.in_folders()
# The others are found in a bucket alone: by certify_wrong, but for those that are quick.
IN_FOLDERS = [name for name in WRONG if name not in wrong_bucket.PLAYED and WRONG[name].rule != "live.read"]
IN_A_BUCKET = [name for name in WRONG if WRONG[name].rule == "live.read"]

# What their own cases do not show, these do: a text is quoted where integers are logged, for one.
SHOWN_BY = {
    "layout.place": "name.parts-1.1",
    "layout.place-2": "name.parts-1.1",
    "series.csv": "series.integer-3",
    "series.csv-2": "series.integer-3",
    "series.csv-3": "series.text-4",
    "series.text-2": "series.integer-3",
    "series.text-3": "series.special-3",
    "end.document-2": "end.outcome-failed",
    "end.files-2": "end.lost-nothing",
    "end.last": "json.value-1",
    "end.last-2": "series.append-seen",
    "json.numbers-4": "json.keys-numbers",
}


def own_cases(wrong):
    """The cases of its role which prove one of its rules, and the one that shows it where they do not."""
    rules = {wrong.rule, *wrong.also}
    mine = [case for case in CASES if case.role == wrong.role]
    return [case for case in mine if rules & set(case.rules) or case.name == SHOWN_BY.get(wrong.name)]


def some_cases(wrong):
    """Those, and a few others that are the same each time."""
    others = [case for case in CASES if case.role == wrong.role and case not in own_cases(wrong)]
    return own_cases(wrong) + random.Random(wrong.name).sample(others, 3)


@pytest.fixture(scope="module", autouse=True)
def _frozen():
    """What is there now need not be copied for each fork."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_right_one_is_right():
    """
    The example that everybody copies breaks no rule of any level that it has; as a program, as others are.
    """
    report = certify.run(certify_wrong.COMMAND, cases=CASES)

    assert {result.verdict for result in report.results} == {"passed"}


@pytest.mark.parametrize("name", IN_FOLDERS)
def test_the_kit_names_the_rule_that_a_wrong_one_breaks(name):
    """
    The cases of a rule find whoever breaks it, and a few others find nothing.
    """
    found = certify_wrong.seen(name, some_cases(WRONG[name]))

    assert found.trouble == ""
    assert {WRONG[name].rule} <= found.named <= certify_wrong.allowed(name)


@pytest.mark.parametrize("name", IN_A_BUCKET)
def test_the_kit_names_the_rule_that_a_reader_of_a_bucket_breaks(name, s3):
    """
    The pieces of a series that grows lie in a bucket and nowhere else.
    """
    found = certify_wrong.seen(name, certify_wrong.in_a_bucket(name)[:1], s3_endpoint=s3)

    assert found == certify_wrong.Seen(name, certify_wrong.expected(name))


def test_a_fork_is_another_process_in_the_world_that_it_is_given(tmp_path):
    """
    So what is found out about it is true of the program that it stands for.
    """
    environment = {"HOME": str(tmp_path), "TZ": "Asia/Kathmandu"}

    with Adapter(["unused"], folder=str(tmp_path), environment=environment, start=forking(None)) as adapter:
        adapter.ask("record", {"prefix": "~/runs", "tag": "T", "steps": [["newExperiment", {}], ["close"]]})
        pid = adapter.pid
        adapter.end()
    begin = json.loads((tmp_path / "runs/T/.lab-workbook/begin.json").read_text())

    assert begin["pid"] == pid != os.getpid()


def test_each_rule_has_a_wrong_one_or_a_reason():
    """
    No rule is forgotten, and no reason outlives the wrong one that was missing.
    """
    broken = {wrong.rule for wrong in WRONG.values()}

    assert broken | set(untold.UNTOLD) == set(constants.rules())
    assert broken & set(untold.UNTOLD) == set()


def test_each_wrong_one_says_what_it_does():
    """
    The table of wrong ones can be read: a sentence for each, and two of one rule are not the same.
    """
    sentences = [(wrong.rule, wrong.what) for wrong in WRONG.values()]

    assert all(sentence.endswith(".") and "\n" not in sentence for _, sentence in sentences)
    assert len(set(sentences)) == len(sentences)
