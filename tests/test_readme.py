"""
Every code block of README.md runs.

What a block is, is said by its language. ``python`` and ``pycon`` blocks run in order in one namespace,
and ``lua`` blocks in order in one script; ``sh`` blocks run in a shell, and ``console`` blocks too, with
their output compared; ``ini`` blocks are read as a configuration; the one ``text`` block lists the files
of an experiment.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import types
import venv
from pathlib import Path

import lab_workbook
import lupa.luajit21
import pytest
from lab_workbook import ExperimentRepository, config
from lab_workbook.protocol import _spec

from tests import pages

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/report.md",
    "docs/s3.md",
    "examples/data/README.md",
]
LANGUAGES = {"python", "pycon", "lua", "sh", "console", "ini", "text"}

# Looked up now, because the home of a test is empty, and pip should not download everything again.
PIP_CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

# The experiments that the README calls by name.
OLD_TAG = "201601141709-56THQt7"
TAGS = ["201602122149-PMJ8a76csB", "201602152241-sQkhvvsj4J"]


BLOCKS = pages.read("README.md")


def blocks(*languages: str) -> list[pages.Block]:
    return [block for block in BLOCKS if block.language in languages]


def one_script(parts: list[pages.Block]) -> str:
    """Join blocks so that each line keeps the number that it has in the README."""
    script = ""
    for block in parts:
        script += "\n" * (block.line - 1 - script.count("\n")) + block.text
    return script


@pytest.fixture
def work(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty git repository to work in, with the files that the README saves."""
    folder = isolation / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LUA_PATH", f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    for name in ("train.py", "train.lua"):
        (folder / name).write_text("the training script\n")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", "First steps"],
        ["remote", "add", "origin", "https://github.com/ada/digits.git"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *command], check=True)
    (folder / "train.py").write_text("the training script, changed\n")
    return folder


@pytest.fixture
def prepared(work: Path) -> Path:
    """A repository with the experiments that the README calls by name."""
    old = Path.home() / "lab-workbook" / OLD_TAG
    old.mkdir(parents=True)
    (old / "options.json").write_text('{"learningRate": 0.1}')
    for tag, rate in zip(TAGS, (0.1, 0.05), strict=True):
        with lab_workbook.new_experiment(tag=tag) as workbook:
            workbook.save_json("options", {"learningRate": rate, "momentum": 0.9})
            workbook.save_git_status()
            fields = ["epoch", "loss", "gradientNorm"]
            loss_log = workbook.new_time_series_log("Training loss", fields)
            for epoch in range(1, 51):
                loss_log(epoch=epoch, loss=1 / epoch, gradientNorm=rate / epoch)
    return work


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's one function that the README uses, where there is no torch."""
    if importlib.util.find_spec("torch") is None:
        stand_in = types.ModuleType("torch")
        stand_in.save = lambda _, file: file.write(b"a model")
        monkeypatch.setitem(sys.modules, "torch", stand_in)


# The same for Lua, with the model that is saved there.
LUA_PRELUDE = """
model = {}
package.preload.torch = package.preload.torch or function()
   return {save = function(path) local file = io.open(path, 'wb'); file:write('a model'); file:close() end}
end
"""


def newest() -> lab_workbook.Experiment:
    return ExperimentRepository()[-1]


def listing(experiment: lab_workbook.Experiment) -> list[str]:
    """Return all files of an experiment in a folder, as the README lists them."""
    root = Path.home() / "lab-workbook"
    files = (path for path in (root / experiment.tag).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(root)) for path in files)


def run_python(parts: list[pages.Block]) -> None:
    pages.run_python("README.md", parts, {"model": {}})


def test_every_block_is_of_a_language_that_is_run():
    """
    A new kind of block has to say how it is tested.
    """
    assert {block.language for block in BLOCKS} == LANGUAGES
    assert (ROOT / "README.md").read_text().count("```") == 2 * len(BLOCKS)


@pytest.mark.usefixtures("prepared", "torch")
def test_the_python_examples_run(capsys):
    """
    All Python of the README runs from top to bottom, and prints what it says it prints.
    """
    run_python(blocks("python", "pycon"))

    assert "0.9 finished" in capsys.readouterr().out


@pytest.mark.usefixtures("work")
def test_the_two_scripts_at_the_top_leave_the_files_that_are_listed():
    """
    The listing is what the first Lua script and the first Python script write.
    """
    listed = blocks("text")[0].text

    run_python(blocks("python")[:1])
    from_python = newest()
    run_lua(one_script(blocks("lua")[:1]), luas()[0])
    from_lua = (set(ExperimentRepository()) - {from_python}).pop()

    for experiment in (from_python, from_lua):
        assert listing(experiment) == listed.replace(TAGS[0], experiment.tag).split("\n")[:-1]
        assert len(experiment["Training loss.csv"]) == 200


def luas() -> list[str]:
    """Return the Lua interpreters of this machine, and ``lupa``."""
    names = ("luajit", "lua5.1", "lua5.2", "lua5.3", "lua5.4")
    return [*filter(shutil.which, names), "lupa"]


def run_lua(script: str, lua: str) -> None:
    source = LUA_PRELUDE.replace("\n", " ") + script
    if lua == "lupa":
        lupa.luajit21.LuaRuntime().execute(source)
    else:
        Path("readme.lua").write_text(source, encoding="utf-8")
        done = subprocess.run([lua, "readme.lua"], capture_output=True, text=True, timeout=60, check=False)
        Path("readme.lua").unlink()
        assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("lua", luas())
def test_the_lua_examples_run(lua):
    """
    All Lua of the README runs, and the reader finds what it says it saves.
    """
    run_lua(one_script(blocks("lua")), lua)

    artifacts = {name for experiment in ExperimentRepository() for name in experiment}
    assert {"model.t7", "notes/first.txt", "train.lua", "Testing error.csv"} <= artifacts


@pytest.mark.usefixtures("prepared")
def test_the_commands_print_what_is_shown():
    """
    Each console block prints what stands below its prompt.
    """
    pages.run_commands(pages.commands(blocks("console")))


def test_the_configuration_is_valid():
    """
    Each line of the example sets a known key.
    """
    for block in blocks("ini"):
        values = config.parse(block.text, "README.md")

        assert values.keys() <= {"bucketPrefix", "uploadEvery"}


def test_the_settings_have_the_defaults_that_are_named():
    """
    The table of settings says what spec.json says.
    """
    rows = re.findall(r"^\| (`.*`) \| (.*?) \| .* \|$", (ROOT / "README.md").read_text(), re.MULTILINE)

    named = {key: default.strip("`") for keys, default in rows for key in re.findall(r"`(\w+)`", keys)}
    assert named
    for key, default in named.items():
        assert default == str(_spec.CONFIG_DEFAULTS[key] or "none"), key


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """
    A relative link names a file of this repository.
    """
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text())

    for link in links:
        assert link.startswith("https://") or (ROOT / page).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("block", blocks("sh"), ids=lambda block: block.text.replace("\n", "; "))
def test_the_shell_commands_work(block, work, monkeypatch):
    """
    ``make`` knows its targets, ``pip`` installs the packages, and ``luarocks`` the rock.
    """
    if "luarocks" in block.text and not shutil.which("luarocks"):
        pytest.skip("no luarocks on this machine")
    environment = work / "environment"
    (work / "bin").mkdir()
    # `make test` inside of `make test` would not end, so make only says what it would do.
    (work / "bin" / "make").write_text(f'#!/bin/sh\nexec {shutil.which("make")} --dry-run "$@"\n')
    (work / "bin" / "make").chmod(0o755)
    if "pip" in block.text:
        venv.create(environment, with_pip=True)
    monkeypatch.setenv("PATH", f"{work}/bin:{environment}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", PIP_CACHE)
    checkout = work / "checkout"
    shutil.copytree(
        ROOT, checkout, ignore=shutil.ignore_patterns(".git", ".*_cache", ".venv*", "__pycache__")
    )

    done = subprocess.run(
        ["sh", "-e", "-c", block.text], cwd=checkout, capture_output=True, text=True, timeout=600, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    if "pip" in block.text:
        names = "lab_workbook, lab_workbook_writer, lab_workbook_conformance"
        subprocess.run([environment / "bin" / "python", "-c", f"import {names}"], cwd=work, check=True)
        assert (environment / "bin" / "lab-workbook").exists()
