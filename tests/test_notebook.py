"""
examples/analysis.ipynb, run by a real kernel from its first cell to its last.

What it shows is what comes out, but for tags, times, sizes and what a training has measured. With
``LAB_WORKBOOK_WRITE_NOTEBOOK=1``, as in ``make notebook``, what comes out is kept.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

# Looked up now, because a test is given an environment of its own.
WRITES = "LAB_WORKBOOK_WRITE_NOTEBOOK" in os.environ

PATH = Path(__file__).resolve().parent.parent / "examples" / "analysis.ipynb"
PROJECT = "/home/ada/digits"
PROGRAMS = Path(sys.executable).parent
MAX_BYTES = 250_000

# What is another one each time: tags, times, commits, what was measured, and how wide a table is for it.
VARYING = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b\d{12}-[0-9A-Za-z]{10}\b", "TAG"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00|Z)?", "TIME"),
    (r"\b[0-9a-f]{7,40}\b", "COMMIT"),
    (r"-?\d+\.\d+(e[+-]\d+)?|\d+ bytes", "NUMBER"),
    (r"[ \t]+", " "),
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after it has run, in a home folder and a folder for temporary files of its own."""
    home = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(PATH, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None) if cell.cell_type == "markdown" else cell.update(outputs=[])
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith(("AWS_", "LAB_WORKBOOK_", "XDG_"))]:
            patch.delenv(name)
        for name in ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(home))
        patch.setenv("GIT_CEILING_DIRECTORIES", str(home))
        # Where its packages are installed, so is the command that the Lua writer asks what the source is.
        patch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(PATH.parent)}}).execute()
    told = re.sub(rf"{re.escape(str(home))}/[^/\s]+/digits", PROJECT, json.dumps(notebook))
    told = told.replace(str(PROGRAMS), f"{PROJECT}/.venv/bin")
    return nbformat.from_dict(_tidied(json.loads(told)))


def _tidied(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without what says how long it took, and a text that came in pieces in one."""
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        pieces: list[dict[str, Any]] = []
        for output in cell.get("outputs", []):
            # Where bars and fonts take their time, they say so.
            if output.get("name") == "stderr":
                continue
            if pieces and output["output_type"] == pieces[-1]["output_type"] == "stream":
                pieces[-1]["text"] += output["text"]
            else:
                pieces.append(output)
        if "outputs" in cell:
            cell["outputs"] = pieces
    notebook["metadata"]["language_info"] = {"name": "python"}
    return notebook


def shown(notebook: Any) -> Iterator[tuple[str, str]]:
    """Yield the source of each cell with code, and what it shows as text, without what varies."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs = cell.outputs
            texts = [each.get("text") or each.get("data", {}).get("text/plain") for each in outputs]
            text = "\n".join(map(str, texts))
            for pattern, name in VARYING:
                text = re.sub(pattern, name, text)
            yield cell.source, text.strip()


def test_the_notebook_shows_what_comes_out(ran: Any) -> None:
    """
    No cell fails, and none shows anything else than a reader of the page has seen.
    """
    if WRITES:
        nbformat.write(ran, PATH)

    assert list(shown(nbformat.read(PATH, as_version=4))) == list(shown(ran)), "run `make notebook`"


def test_its_story_is_told(ran: Any) -> None:
    """
    Three experiments were recorded, in two languages, and what was done with them came to something.
    """
    told = dict(shown(ran))
    ends = {source.splitlines()[-1]: text for source, text in told.items()}

    assert ends['table[columns].sort_values(["parameters.learningRate", "language"])'].count("finished") == 3
    assert "0.2" in "".join(json.dumps(cell.outputs) for cell in ran.cells if "slow.diff" in cell.source)
    assert "(24, 65)" in told[next(source for source in told if "model.t7" in source and "load" in source)]
    assert "sound" in ends["fast.verify()"]
    assert "'train.py'" in ends["restored.changed"]
    assert any("image/png" in each.get("data", {}) for cell in ran.cells for each in cell.get("outputs", []))


def test_the_page_that_is_kept_is_small_and_names_no_machine() -> None:
    text = PATH.read_text(encoding="utf-8")

    assert len(text) < MAX_BYTES
    assert not re.search(r"/(?:tmp|root|work|Users)/|/home/(?!ada)", text)
    assert all(cell.execution_count for cell in nbformat.reads(text, 4).cells if cell.cell_type == "code")


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PATH.read_text(encoding="utf-8"))

    assert links
    assert all(PATH.parent.joinpath(link).exists() for link in links)
