"""
The kit as tests of pytest, in a project of its own.
"""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

PROJECT = """
import sys
from lab_workbook_conformance.testing import Conformance


class TestMyWriter(Conformance):
    command = (sys.executable, "-m", "lab_workbook_conformance.wrong", *{name!r}.split())
    examples = 0
    known_failures = {known!r}
    levels = {levels!r}
"""
SAVE_EVERY = {"name": "series.save-every", "issue": "https://example.org/7", "reason": "not checked yet"}
# Of rule series.save-every.
CASES = ("series.save-every-1", "series.save-every-2", "test_is_certified")


@pytest.fixture
def project(tmp_path):
    """Run pytest in a folder with nothing but one module of tests; return code, output and verdicts."""

    def run(*options, name="", known=None, levels=("core",)):
        if known:
            (tmp_path / "known.json").write_text(json.dumps(known))
        (tmp_path / "test_conformance.py").write_text(
            PROJECT.format(name=name, known="known.json" if known else None, levels=levels)
        )
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=junit.xml", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        tests = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")
        return done.returncode, done.stdout, {test.get("name"): _verdict(test) for test in tests}

    return run


def _verdict(test):
    return next((child.get("type", child.tag) for child in test), "passed")


def few(*names):
    """Choose tests by their names."""
    return "-k", " or ".join(names or CASES)


def test_each_case_is_a_test(project):
    """
    A right writer is green; what is chosen alone certifies nothing.
    """
    code, said, tests = project(*few())

    assert code == 0, said
    assert tests == {
        "test_case[series.save-every-1]": "passed",
        "test_case[series.save-every-2]": "passed",
        "test_case[series.save-every-2-continued]": "passed",
        "test_is_certified": "pytest.skip",
    }


def test_a_broken_rule_is_a_failed_test(project):
    """
    It says what the kit says, without a traceback.
    """
    code, said, tests = project(*few(), name="series.save-every")

    assert code == 1
    assert tests["test_case[series.save-every-2]"] == "failure"
    assert "series.save-every: saveEvery MUST be a whole number" in said
    assert "again: lab-workbook certify --case series.save-every-2" in said
    assert "Traceback" not in said


def test_a_known_failure_is_expected(project):
    """
    The same file as for the command line.
    """
    code, _, tests = project(*few(), name="series.save-every", known=[SAVE_EVERY])

    assert code == 0
    assert tests["test_case[series.save-every-2]"] == "pytest.xfail"


def test_a_program_with_every_case_of_a_level_is_certified(project):
    """
    All cases of level git, by a program that also has level core.
    """
    code, said, tests = project(levels=("git",))

    assert code == 0, said
    assert tests["test_is_certified"] == "passed"
    assert len(tests) > 5


def test_a_rule_without_a_case_that_passed_is_missed(project):
    """
    An incomplete program is red, although no case has failed.
    """
    code, said, tests = project(levels=("models",))

    assert code == 1
    assert tests["test_is_certified"] == "failure"
    assert "it is incomplete" in said
    assert "saveTorch" in said


def test_an_adapter_that_cannot_be_used_is_an_error_of_the_project(project):
    """
    No test runs, and pytest says why.
    """
    code, said, _ = project(name="no-such-one")

    assert code != 0
    assert "the adapter of TestMyWriter cannot be used" in said
