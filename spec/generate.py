"""
Write what is generated from the spec, or check that it is up to date.

    python spec/generate.py            write the files
    python spec/generate.py --check    exit 1 and name each file that differs

``spec/v1/spec.json`` is the one home of every constant, and ``spec/v1/SPEC.md`` of every rule and its
cases. The Python package, the rock and the conformance kit each carry a copy made here, so that
nothing in ``spec/`` is read at run time.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "spec" / "v1" / "spec.json"
TEXT = SOURCE.with_name("SPEC.md")
SCHEMAS = SOURCE.with_name("schemas")
KIT = ROOT / "conformance" / "lab_workbook_conformance"
PYTHON = ROOT / "reader" / "lab_workbook" / "protocol" / "_spec.py"
LUA = ROOT / "lua" / "lab-workbook" / "spec.lua"

# These tables are looked up by their keys, so they stay tables; all others become one constant a leaf.
TABLES = {"CONFIG_DEFAULTS"}
# Code names a rule where it keeps it, so a training script need not load them all.
NOT_CONSTANTS = {"$schema", "rules"}


def constants(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten spec.json into ``("SERIES_DATE_FIELD", "Date")`` pairs, in the order of the file."""
    for key, value in node.items():
        name = f"{prefix}{key}".upper()
        if key in NOT_CONSTANTS:
            continue
        if isinstance(value, dict) and name not in TABLES:
            yield from constants(value, f"{name}_")
        else:
            yield name, value


def python_module(spec: dict[str, Any]) -> str:
    lines = [
        '"""',
        "The constants of the spec.",
        "",
        "Generated from spec/v1/spec.json by spec/generate.py: edit that file, then run `make spec`.",
        '"""',
        "",
        "from typing import Final",
        "",
    ]
    for name, value in constants(spec):
        if isinstance(value, dict):
            lines.append(f"{name}: Final[dict[str, {_python_type(value)}]] = {{")
            lines += [f"    {_python(key)}: {_python(item)}," for key, item in value.items()]
            lines.append("}")
        else:
            lines.append(f"{name}: Final = {_python(value)}")
    return "\n".join(lines) + "\n"


def _python_type(table: dict[str, Any]) -> str:
    names = {"None" if item is None else type(item).__name__ for item in table.values()}
    return " | ".join(sorted(names, key=lambda name: (name == "None", name)))


def _python(value: object) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(map(_python, value)) + ",)"
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value)


def lua_module(spec: dict[str, Any]) -> str:
    lines = [
        "--- The constants of the spec.",
        "-- Generated from spec/v1/spec.json by spec/generate.py: edit that file, then run `make spec`.",
        "-- @module lab-workbook.spec",
        "",
        "return {",
    ]
    for name, value in constants(spec):
        if isinstance(value, dict):
            lines.append(f"   {name} = {{")
            lines += [f"      [{_lua(key)}] = {_lua(item)}," for key, item in value.items()]
            lines.append("   },")
        else:
            lines.append(f"   {name} = {_lua(value)},")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _lua(value: object) -> str:
    if value is None or isinstance(value, bool):
        # A nil would drop the key from its table.
        return "true" if value else "false"
    if isinstance(value, list):
        return "{" + ", ".join(map(_lua, value)) + "}"
    if isinstance(value, str):
        # Decimal escapes are the only ones that Lua 5.1 to 5.4 and LuaJIT share.
        plain = (chr(b) if 32 <= b < 127 and b not in b'\\"' else f"\\{b:03d}" for b in value.encode())
        return '"' + "".join(plain) + '"'
    return repr(value)


class Section(NamedTuple):
    """A rule as SPEC.md has it: its one sentence, its cases, and why some are missing, if they are."""

    rule: str
    line: int
    sentence: str
    cases: list[dict[str, Any]]
    untested: str
    says_why: bool


def sections(text: str) -> Iterator[Section]:
    """Cut SPEC.md into its rules: each begins at a heading ``### rule.id``."""
    headings = list(re.finditer(r"^### ([a-z]+\.[a-z0-9-]+)$", text, re.MULTILINE))
    any_heading = re.compile(r"^##+ ", re.MULTILINE)
    for heading in headings:
        next_heading = any_heading.search(text, heading.end())
        body = text[heading.end() : next_heading.start() if next_heading else len(text)]
        line = text.count("\n", 0, heading.start()) + 1
        yield Section(
            rule=heading[1],
            line=line,
            sentence=_sentence(body),
            cases=list(_cases(body, line)),
            untested=_untested(body),
            says_why="\n*Why:* " in body,
        )


def _sentence(body: str) -> str:
    """Return the first paragraph on one line, without its marks of code."""
    return " ".join(body.strip().partition("\n\n")[0].replace("`", "").split())


def _untested(body: str) -> str:
    """Return why a rule has no case, on one line."""
    found = re.search(r"^\*Untested:\* (.*?)\n\n", body, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].replace("`", "").split()) if found else ""


def _cases(body: str, first_line: int) -> Iterator[dict[str, Any]]:
    for block in re.finditer(r"^```case (.*)\n((?:(?!```).*\n)*)```$", body, re.MULTILINE):
        rule, expect, subject = (*block[1].split(), "", "", "")[:3]
        line = first_line + body.count("\n", 0, block.start())
        yield {"rule": rule, "expect": expect, "subject": subject, "text": block[2], "line": line}


def problems(spec: dict[str, Any], text: str) -> Iterator[str]:
    """Say what is missing where: each rule has its section, its sentence, its cases and its reason."""
    found = list(sections(text))
    rules = [section.rule for section in found]
    for rule in spec["rules"]:
        if rules.count(rule) != 1:
            yield f"SPEC.md has {rules.count(rule)} headings `### {rule}`: spec.json lists it, so write one"
    for section in found:
        where = f"SPEC.md, line {section.line}, {section.rule}"
        if section.rule not in spec["rules"]:
            yield f"{where}: add this id to the rules in spec.json"
        if not re.search(r"\bMUST\b.*\.$", section.sentence):
            yield f"{where}: the first paragraph must be one sentence with MUST"
        if not section.says_why:
            yield f"{where}: add a line that begins with *Why:*"
        yield from _case_problems(section, where)


def _case_problems(section: Section, where: str) -> Iterator[str]:
    for case in section.cases:
        is_known = case["rule"] == section.rule and case["expect"] in ("accept", "refuse")
        if not is_known or not case["subject"]:
            yield f"SPEC.md, line {case['line']}: write ```case {section.rule} accept SUBJECT, or refuse"
    missing = {"accept", "refuse"} - {case["expect"] for case in section.cases}
    if missing and not section.untested:
        lacks = " and to ".join(sorted(missing))
        yield f"{where}: add a case to {lacks}, or say *Untested:* why there is none"


def outputs(spec: dict[str, Any], text: str) -> dict[Path, str]:
    """Return every generated file with the text it should have."""
    found = list(sections(text))
    rules = {section.rule: section.sentence for section in found}
    cases = [case for section in found for case in section.cases]
    copies = {KIT / "spec" / SOURCE.name: SOURCE}
    copies |= {KIT / "spec" / "schemas" / path.name: path for path in sorted(SCHEMAS.glob("*.json"))}
    return {
        PYTHON: python_module(spec),
        LUA: lua_module(spec),
        KIT / "rules.json": _json(rules),
        KIT / "untested.json": _json(
            {section.rule: section.untested for section in found if section.untested}
        ),
        KIT / "cases.json": _json(cases),
        **{copy: path.read_text(encoding="utf-8") for copy, path in copies.items()},
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    spec = json.loads(SOURCE.read_text(encoding="utf-8"))
    text = TEXT.read_text(encoding="utf-8")
    found = list(problems(spec, text))
    for problem in found:
        print(f"spec/v1/{problem}.", file=sys.stderr)
    stale = [
        (path, content)
        for path, content in outputs(spec, text).items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    if "--check" in arguments:
        for path, _ in stale:
            print(
                f"{path.relative_to(ROOT)} is not what spec/ says."
                " Edit spec/v1/spec.json, spec/v1/SPEC.md or spec/v1/schemas/, then run: make spec",
                file=sys.stderr,
            )
        return 1 if found or stale else 0
    for path, content in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
