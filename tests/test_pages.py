"""
docs/cli.md shows every verb, and docs/reader.md all that is public; both run.

Whoever adds a verb, a function or a method fails here until it has an example.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook import cli, kinds

from tests import pages

CLI, READER, FILTERS = "docs/cli.md", "docs/reader.md", "docs/filters.md"

# The experiments that the pages call by name, and when they began.
TAGS = {"201602122149-PMJ8a76csB": 0.1, "201602152241-sQkhvvsj4J": 0.05}
TEXT = {page: (pages.ROOT / page).read_text(encoding="utf-8") for page in (CLI, READER)}

# Pages whose Python other tests run, because it needs more than a folder.
FURTHER = ("docs/models.md", "docs/dask.md", "docs/bare-loop.md")
# Verbs that other pages show.
ELSEWHERE = {"certify": "conformance/README.md"}


@pytest.fixture
def work(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two experiments, and in it a git repository to work in."""
    folder = isolation / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(isolation))
    monkeypatch.setattr(sys, "argv", ["train.py"])
    # A page teaches the reader a kind, which the tests that come later must not know.
    monkeypatch.setattr(kinds, "_processors", [])
    (folder / "train.py").write_text("rate = 0.1\n")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", "First steps"],
        ["remote", "add", "origin", "https://github.com/ada/digits.git"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run(["git", *who, *words], check=True)
    previous = None
    for tag, rate in TAGS.items():
        (folder / "train.py").write_text(f"rate = {rate}  # of {tag[:8]}\n")
        note = "half the learning rate" if previous else None
        with lab_workbook.new_experiment(tag=tag, note=note, resumes=previous) as workbook:
            workbook.save_json("options", {"learningRate": rate, "momentum": 0.9})
            workbook.save_git_status()
            log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
            for epoch in range(1, 51) if previous is None else range(41, 61):
                log(epoch=epoch, loss=round(rate * 10 / epoch, 4))
        previous = tag
    return folder


@pytest.mark.usefixtures("work")
def test_the_commands_print_what_is_shown() -> None:
    """
    One after the other, from top to bottom.
    """
    pages.run_commands(pages.commands(pages.read(CLI, "console")))


@pytest.mark.usefixtures("work")
def test_the_python_examples_run() -> None:
    """
    One after the other, and print what they say they print.
    """
    pages.run_python(READER, pages.read(READER, "python", "pycon"), {})


@pytest.mark.usefixtures("work")
def test_the_page_of_filters_runs() -> None:
    """
    Its examples, and each filter of its grammar, which finds an experiment.
    """
    pages.run_commands(pages.commands(pages.read(FILTERS, "console")))
    pages.run_python(FILTERS, pages.read(FILTERS, "pycon"), {})
    repository = lab_workbook.ExperimentRepository("~/lab-workbook/")
    grammar = re.findall(r"\| (?:`` (.*) ``|`([^`]*)`) \|$", (pages.ROOT / FILTERS).read_text(), re.MULTILINE)
    filters = ["".join(each) for each in grammar]

    assert len(filters) >= 19
    assert [each for each in filters if not repository.find(each)] == []


@pytest.mark.parametrize("page", [CLI, READER])
def test_every_block_is_run(page: str) -> None:
    allowed = {"console"} if page == CLI else {"python", "pycon"}

    assert {block.language for block in pages.read(page)} == allowed
    assert TEXT[page].count("```") == 2 * len(pages.read(page))


@pytest.mark.parametrize("verb", sorted(cli._VERBS))
def test_every_verb_has_an_example(verb: str) -> None:
    """
    Under its own heading, and run.
    """
    if verb in ELSEWHERE:
        assert f"lab-workbook {verb}" in (pages.ROOT / ELSEWHERE[verb]).read_text(encoding="utf-8")
        return
    run = [command.line for command in pages.commands(pages.read(CLI, "console"))]

    assert f"\n## {verb}\n" in TEXT[CLI], f"give `{verb}` a section in {CLI}"
    assert any(re.search(rf"\blab-workbook {verb}\b", line) for line in run), f"show `{verb}` in {CLI}"


def public() -> Iterator[str]:
    """Yield every function, and every method and property of a class, that users may call."""
    for name in lab_workbook.__all__:
        value = getattr(lab_workbook, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            continue
        yield name
        if inspect.isclass(value):
            ours = [base for base in value.__mro__ if base.__module__.startswith("lab_workbook")]
            yield from (
                f"{name}.{each}"
                for each, member in {key: found for base in ours for key, found in vars(base).items()}.items()
                if not each.startswith("_") and isinstance(member, (types.FunctionType, property))
            )


@pytest.mark.parametrize("name", sorted(public()))
def test_everything_public_has_an_example(name: str) -> None:
    """
    Methods are looked for after a dot, as they are called.
    """
    run = [block for page in (READER, *FURTHER) for block in pages.read(page, "python", "pycon")]
    code = "".join(block.text for block in run)
    called = name.rpartition(".")[2]

    found = re.search(rf"(?:\.|^|\b){called}\b", code, re.MULTILINE)

    assert found, f"show {name} in {READER}, or in a page of FURTHER"


@pytest.mark.parametrize("page", [CLI, READER])
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT[page]):
        assert link.startswith("https://") or (pages.ROOT / page).parent.joinpath(link).exists(), link


def test_the_exit_codes_of_the_page_are_those_of_the_command(work: Path) -> None:
    """
    0, 1 and 2, as the table says.
    """
    for words, code in (("ls", 0), ("show nothing", 1), ("show", 2)):
        done = subprocess.run(["lab-workbook", *words.split()], cwd=work, capture_output=True, check=False)
        assert done.returncode == code
        assert f"| {code} |" in TEXT[CLI]
