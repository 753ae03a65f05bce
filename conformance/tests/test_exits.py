"""
Scripts that end without closing: what an adapter is asked, and whom only these cases find.
"""

import sys

import pytest
from lab_workbook_conformance import certify
from lab_workbook_conformance.adapter import AdapterDied, AdapterNonsense, AdapterSilent
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.wrong import table

from conformance import certify_wrong
from conformance.forked import forking

NEW = ["newExperiment", {}]
# Each wrong writer, and the case that it is found by.
FOUND_BY = {
    "end.outcome-5": "end.outcome-exit",
    "end.outcome-6": "end.outcome-status",
    "end.outcome-7": "end.outcome-status",
    "end.outcome-8": "end.outcome-raised",
    "end.document-7": "end.outcome-raised",
    "end.outcome-9": "end.outcome-signals",
    "end.outcome-10": "end.outcome-signals",
    "end.outcome-11": "end.outcome-closed",
}
# The cases that look at end.json, but for the kills of a long series.
ENDS = [
    case
    for case in certify_wrong.in_folders()
    if case.role == "writer"
    and {"end.outcome", "end.document", "end.last"} & set(case.rules)
    and case.name != "series.kept-killed"
]

# It says hello, and acknowledges and ends as it was told when it was started.
ODD = """
import json, sys, time
hello = {"name": "odd", "version": "1", "language": "Python", "spec": "1.1", "levels": ["core"],
         "verbs": ["newExperiment", "exit"], "integers": True}
for line in sys.stdin:
    asked = json.loads(line)
    def say(**said):
        print(json.dumps({"id": asked["id"], **said}), flush=True)
    if "hello" in asked:
        say(hello=hello)
        continue
    DO
"""


@pytest.fixture
def odd(tmp_path):
    """Return the command of an adapter that does this with a record."""

    def command(do):
        path = tmp_path / "odd.py"
        path.write_text(ODD.replace("DO", do))
        return [sys.executable, str(path)]

    return command


@pytest.mark.parametrize("name", FOUND_BY)
def test_only_its_own_case_finds_a_wrong_end(name):
    """
    Without the new case the kit would certify it.
    """
    report = certify.run([*certify_wrong.COMMAND, name], cases=ENDS, start=forking(name))

    found = {result.case.name: result.findings for result in report.results if result.verdict != "passed"}
    assert set(found) == {FOUND_BY[name]}
    assert {finding.rule for finding in found[FOUND_BY[name]]} == {table.load()[name].rule}


def test_the_status_of_a_script_is_seen():
    """
    The process has ended when the kit looks, by the status that it was asked for.
    """
    with Bench(certify_wrong.COMMAND) as bench:
        found = [bench.record([NEW, how]) for how in (["exit"], ["exit", 3], ["raise", "x"])]

    assert [each.answer for each in found] == ["exited"] * 3
    assert [each.said["status"] for each in found] == [0, 3, 1]
    assert all(each.files for each in found)


@pytest.mark.parametrize(
    ("do", "trouble", "words"),
    [
        pytest.param("sys.exit(7)", AdapterDied, "status 7", id="dies before the step"),
        pytest.param("say(ack=0); say(done={'tag': ''})", AdapterNonsense, "exits instead", id="answers"),
        pytest.param("say(ack=0); time.sleep(60)", AdapterSilent, "2 seconds", id="lives on"),
        pytest.param(
            "say(ack=0); import os; os.close(1); time.sleep(60)", AdapterSilent, "2 seconds", id="only closes"
        ),
    ],
)
def test_an_adapter_that_does_not_exit_as_asked_is_trouble(odd, do, trouble, words):
    """
    That it cannot end says nothing about its writer.
    """
    with Bench(odd(do), timeout=2) as bench, pytest.raises(trouble, match=words):
        bench.record([NEW, ["exit"]])


def test_what_happens_before_the_exit_is_an_answer(odd):
    """
    A step that is refused keeps its answer.
    """
    refused = {"step": 0, "rule": "tag.claim", "message": "taken"}
    with Bench(odd(f"say(refused={refused!r})")) as bench:
        found = bench.record([NEW, ["exit"]])

    assert (found.answer, found.said) == ("refused", refused)


def test_a_writer_can_be_unable_to_tell_failures(tmp_path):
    """
    Its hello says so, and then what it cannot know is not asked of it.
    """
    path = tmp_path / "deaf.py"
    path.write_text(
        "import sys\n"
        "from lab_workbook_conformance.wrong import player\n"
        "hello = player.hello\n"
        "player.hello = lambda: {**hello(), 'failures': FAILURES}\n"
        "from lab_workbook_conformance.wrong import exits\n"
        "exits.of_status = exits.of_error = lambda *_: 'ended'\n"
        "player.main()\n"
    )
    text = path.read_text()
    cases = [case for case in ENDS if case.name in ("end.outcome-status", "end.outcome-raised")]

    verdicts = []
    for failures in ([], ["exit"], ["raise"], ["exit", "raise"]):
        path.write_text(text.replace("FAILURES", repr(failures)))
        report = certify.run([sys.executable, str(path)], cases=cases)
        verdicts.append([result.verdict for result in report.results])

    assert verdicts == [["passed"] * 2, ["failed", "passed"], ["passed", "failed"], ["failed"] * 2]
