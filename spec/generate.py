"""
Write what is generated from the spec, or check that it is up to date.

    python spec/generate.py            write the files
    python spec/generate.py --check    exit 1 and name each file that differs

``spec/v1/spec.json`` is the one home of every constant. The Python package and the rock each carry
a copy made here, so that nothing in ``spec/`` is read at run time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "spec" / "v1" / "spec.json"
PYTHON = ROOT / "reader" / "lab_workbook" / "protocol" / "_spec.py"
LUA = ROOT / "lua" / "lab-workbook" / "spec.lua"

# These tables are looked up by their keys, so they stay tables; all others become one constant a leaf.
TABLES = {"CONFIG_DEFAULTS", "RULES"}


def constants(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten spec.json into ``("SERIES_DATE_FIELD", "Date")`` pairs, in the order of the file."""
    for key, value in node.items():
        name = f"{prefix}{key}".upper()
        if key.startswith("$"):
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


def outputs() -> dict[Path, str]:
    """Return every generated file with the text it should have."""
    spec = json.loads(SOURCE.read_text(encoding="utf-8"))
    return {PYTHON: python_module(spec), LUA: lua_module(spec)}


def main(arguments: list[str]) -> int:
    stale = [
        (path, text)
        for path, text in outputs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path, _ in stale:
            print(
                f"{path.relative_to(ROOT)} is not what spec/ says."
                " Edit spec/v1/spec.json or spec/v1/SPEC.md, then run: make spec",
                file=sys.stderr,
            )
        return 1 if stale else 0
    for path, text in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
