"""The steps of action.yml, run as GitHub's runner runs those of a composite action."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ACTION: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ *([a-z.-]+) *\}\}")


class Ran(NamedTuple):
    """A job: its exit code, what its steps printed, its outputs, and its summary."""

    code: int
    said: str
    outputs: dict[str, str]
    summary: str


def run(folder: Path, **inputs: str) -> Ran:
    """Run the steps in a folder with these inputs; an underscore stands for a hyphen in their names."""
    given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    context = {f"inputs.{name}": value for name, value in given.items()}
    code, said = 0, ""
    for step in STEPS:
        if code == 0 and _is_chosen(step, context):
            code, printed = _run(step, context, folder)
            said += printed
    outputs = {name: _filled(each["value"], context) for name, each in ACTION["outputs"].items()}
    summary = folder / "summary"
    return Ran(code, said, outputs, summary.read_text() if summary.exists() else "")


def _is_chosen(step: dict[str, Any], context: dict[str, str]) -> bool:
    """Return whether the condition of a step holds; ours are all of one form."""
    if "if" not in step:
        return True
    found = re.fullmatch(r"([a-z.-]+) != '(.*)'", step["if"])
    if not found:
        raise ValueError(f"the condition {step['if']!r} is of a form that is not known here")
    return context[found[1]] != found[2]


def _filled(text: str, context: dict[str, str]) -> str:
    """Put values in place of expressions; what is not known is empty, as on GitHub."""
    return EXPRESSION.sub(lambda found: context.get(found[1], ""), text)


def _run(step: dict[str, Any], context: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a step; add its outputs to the context, and return its exit code and its output."""
    script, output = folder / "step.sh", folder / "output"
    script.write_text(step["run"])
    output.write_text("")
    environment = {
        **os.environ,
        **{name: _filled(text, context) for name, text in step.get("env", {}).items()},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RUNNER_TEMP": str(folder),
        # The package is installed already, and pip has to find that without an index.
        "PIP_NO_INDEX": "1",
    }
    done = subprocess.run(  # noqa: S603 - the steps are those of this repository
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],  # noqa: S607 - found by PATH
        cwd=folder / _filled(step.get("working-directory", "."), context),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    for name, value in (line.split("=", 1) for line in output.read_text().splitlines()):
        context[f"steps.{step['id']}.outputs.{name}"] = value
    return done.returncode, done.stdout + done.stderr
