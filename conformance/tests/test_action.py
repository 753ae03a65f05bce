"""
The GitHub Action: its steps are run here as GitHub's runner runs them.
"""

import json
import shlex
import sys
from functools import partial

import pytest

from conformance import action_steps
from conformance.action_steps import ACTION, EXPRESSION, STEPS

RIGHT = shlex.join([sys.executable, "-m", "lab_workbook_conformance.wrong"])


@pytest.fixture
def run(tmp_path):
    """Run the steps of the action with some inputs, in an empty folder."""
    return partial(action_steps.run, tmp_path)


def test_a_right_program_makes_the_job_green(run, tmp_path):
    """
    It leaves the verdict, a badge, a summary and both reports. The page of the kit has a whole run.
    """
    ran = run(command=RIGHT, levels="git core", options="--rule git.commit --rule end.files")

    assert ran.code == 0, ran.said
    assert ran.outputs["status"] == "selection"
    assert ran.outputs["badge"].startswith("![lab-workbook 1.1: selection](https://")
    assert ran.outputs["badge"] in ran.summary
    cases = json.loads((tmp_path / "certify.json").read_text())["cases"]
    assert {case["level"] for case in cases} == {"core", "git"}
    assert (tmp_path / "certify-junit.xml").exists()


def test_a_wrong_program_makes_the_job_red(run):
    """
    Its log and its summary name the rule.
    """
    ran = run(command=f"{RIGHT} series.save-every", options="--case series.save-every-2", package="")

    assert ran.code == 1
    assert ran.outputs["status"] == "failed"
    assert "series.save-every: saveEvery MUST be a whole number" in ran.said
    assert "FAILED series.save-every-2" in ran.summary


def test_files_are_those_of_the_working_directory(run, tmp_path):
    """
    The adapter, whose name may have a space, and the known failures.
    """
    folder = tmp_path / "my writer"
    folder.mkdir()
    (folder / "an adapter.py").write_text(
        "from lab_workbook_conformance.wrong import __main__ as program\nprogram.main('series.save-every')\n"
    )
    known = [{"name": "series.save-every", "issue": "https://example.org/7", "reason": "later"}]
    (folder / "known.json").write_text(json.dumps(known))

    ran = run(
        command=f"{shlex.quote(sys.executable)} 'an adapter.py'",
        options="--case series.save-every-2",
        known="known.json",
        working_directory="my writer",
        package="",
    )

    assert ran.code == 0, ran.said
    assert ran.outputs["status"] == "selection"
    assert (folder / "certify.json").exists()


def test_a_program_that_cannot_be_used_makes_the_job_red(run):
    """
    Without a verdict there is no badge.
    """
    ran = run(command="no-such-program", package="")

    assert ran.code == 3
    assert "cannot be started" in ran.said
    assert ran.outputs == {"status": "", "badge": ""}


def test_no_input_becomes_a_part_of_a_script(run, tmp_path):
    """
    Only the command is read by a shell.
    """
    hostile = '"; touch hostile; "$(touch hostile)'

    ran = run(command=RIGHT, levels="$(touch${IFS}hostile)", known=hostile, junit=hostile, package="")

    assert ran.code == 2
    assert not (tmp_path / "hostile").exists()
    assert not any("${{" in step["run"] for step in STEPS)


def test_each_input_is_described_and_used():
    """
    None is forgotten where a step should have it.
    """
    used = set(EXPRESSION.findall(json.dumps(STEPS)))

    assert {f"inputs.{name}" for name in ACTION["inputs"]} == used
    assert all(each["description"].endswith(".") for each in ACTION["inputs"].values())
    assert [name for name, each in ACTION["inputs"].items() if each.get("required")] == ["command"]
