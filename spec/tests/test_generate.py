"""
What is generated from the spec is what the spec says, in every language.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lab_workbook.protocol import _spec

ROOT = Path(__file__).resolve().parents[2]
GENERATED = (
    "reader/lab_workbook/protocol/_spec.py",
    "lua/lab-workbook/spec.lua",
    "conformance/lab_workbook_conformance/cases.json",
    "conformance/lab_workbook_conformance/rules.json",
    "conformance/lab_workbook_conformance/spec/spec.json",
    "conformance/lab_workbook_conformance/spec/schemas/begin.schema.json",
)


def check(root):
    """Run ``generate.py --check`` as CI does; returns its exit code and what it says."""
    command = [sys.executable, str(root / "spec" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """A copy of the spec and of all that is generated from it, to break."""
    shutil.copytree(ROOT / "spec", tmp_path / "spec", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    kit = "conformance/lab_workbook_conformance"
    shutil.copytree(ROOT / kit, tmp_path / kit, dirs_exist_ok=True)
    for name in GENERATED[:2]:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_everything_generated_is_up_to_date():
    """
    Nobody has edited a generated file, or forgotten to run `make spec`.
    """
    assert check(ROOT) == (0, "")


@pytest.mark.parametrize("name", GENERATED)
def test_an_edited_copy_is_noticed(copy, name):
    """
    The message names the file that differs, the files to edit, and the command to run.
    """
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("\n")

    code, message = check(copy)

    assert code == 1
    assert message == (
        f"{name} is not what spec/ says."
        " Edit spec/v1/spec.json, spec/v1/SPEC.md or spec/v1/schemas/, then run: make spec\n"
    )


def test_a_changed_constant_is_noticed(copy):
    """
    A constant is not changed in one language only.
    """
    edit(copy / "spec/v1/spec.json", '"missing": "nil"', '"missing": "NA"')

    code, message = check(copy)

    assert code == 1
    assert "reader/lab_workbook/protocol/_spec.py is not what spec/ says" in message
    assert "lua/lab-workbook/spec.lua is not what spec/ says" in message


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("### tag.shape", "### tag.form", "SPEC.md has 0 headings `### tag.shape`: spec.json lists it"),
        ("### tag.shape", "### tag.form", "tag.form: add this id to the rules in spec.json"),
        (
            "A tag that a writer makes MUST be",
            "A tag is",
            "tag.shape: the first paragraph must be one sentence",
        ),
        ("*Why:* people copy tags", "People copy tags", "tag.shape: add a line that begins with *Why:*"),
        (
            "*Untested:* no file shows where a",
            "No file shows where a",
            "tag.random: add a case to accept and to",
        ),
        ("```case tag.shape accept", "```case tag.shap accept", "write ```case tag.shape accept SUBJECT"),
        ("```case tag.shape refuse", "```text tag.shape refuse", "tag.shape: add a case to refuse, or say"),
    ],
)
def test_an_incomplete_rule_is_noticed(copy, old, new, complaint):
    """
    A rule has an id, a sentence, cases and a reason, and the message says which one is missing where.
    """
    edit(copy / "spec/v1/SPEC.md", old, new)

    code, message = check(copy)

    assert code == 1
    assert complaint in message


def constants():
    return {name: value for name, value in vars(_spec).items() if name.isupper()}


@pytest.mark.parametrize("version", ["lua51", "lua52", "lua53", "lua54", "luajit20", "luajit21"])
def test_both_languages_have_the_same_constants(version):
    """
    _spec.py and spec.lua agree, constant by constant.
    """
    lupa = pytest.importorskip(f"lupa.{version}")
    lua = lupa.LuaRuntime()

    table = lua.execute((ROOT / "lua/lab-workbook/spec.lua").read_text(encoding="utf-8"))

    found = {name: plain(value, lupa) for name, value in table.items()}
    # Lua has no null in a table, and its doubles hold the limits of 64 bits as near as they can.
    expected = {name: as_in_lua(value, lua) for name, value in constants().items()}
    assert found == expected


def plain(value, lupa):
    if lupa.lua_type(value) != "table":
        return value
    return {key: plain(item, lupa) for key, item in value.items()}


def as_in_lua(value, lua):
    if isinstance(value, dict):
        return {key: as_in_lua(item, lua) for key, item in value.items()}
    if isinstance(value, tuple):
        return {index: as_in_lua(item, lua) for index, item in enumerate(value, 1)}
    if isinstance(value, int) and not lua.eval("math.type ~= nil"):
        return float(value)
    return False if value is None else value
