"""
"Certify your writer in ten minutes" keeps its word: all its blocks work, in an empty folder.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance import action_steps

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
# ```python adapter.py: what kind of text, and the file that it goes to.
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SESSIONS = [text for kind, _, text in BLOCKS if kind == "console"]
(WORKFLOW,) = [yaml.safe_load(text)["steps"] for kind, _, text in BLOCKS if kind == "yaml"]


@pytest.fixture
def folder(tmp_path):
    """
    A folder with nothing in it but the files that the page has its readers write.
    """
    for _, name, text in BLOCKS:
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(command, folder):
    """Run a command as in the virtual environment that the page has its readers activate."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.splitlines()[0].strip("$ "))
def test_what_the_page_shows_of_a_terminal_is_what_happens(session, folder):
    """
    Each command is run as it stands, and prints what stands below it; `…` is what may differ.
    """
    command, _, expected = session.removeprefix("$ ").partition("\n")

    printed = run(command, folder).stdout

    pattern = re.escape(expected.strip()).replace("…", ".*")
    assert re.fullmatch(pattern, printed.strip(), re.DOTALL), printed


def test_the_workflow_is_green_and_leaves_both_reports(folder):
    """
    The action certifies the page's adapter by the inputs of the page.
    """
    *_, step = WORKFLOW

    ran = action_steps.run(folder, **step["with"])

    assert step["uses"].rpartition("@")[0].endswith("/conformance")
    assert ran.code == 0, ran.said
    assert ran.outputs["status"] == "certified"
    assert {"certify-junit.xml", "certify.json"} <= {path.name for path in folder.iterdir()}


def test_every_link_of_the_page_leads_somewhere():
    """
    A file, and where the link names a heading of it, that heading too.
    """
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    for target, heading in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", prose):
        path = Path(__file__).parents[1] / target
        assert path.exists(), target
        if heading:
            title = heading.replace("-", " ")
            assert f"## {title}\n" in path.read_text(encoding="utf-8").lower(), heading


def test_no_kind_of_block_is_left_out():
    """
    Files are written, terminals replayed, the snippet for CI run; only to install needs a package index.
    """
    unnamed = [(kind, text) for kind, name, text in BLOCKS if not name and kind != "console"]

    assert [kind for kind, _ in unnamed] == ["sh", "yaml"]
    assert "pip install 'lab-workbook[conformance]'" in unnamed[0][1]
