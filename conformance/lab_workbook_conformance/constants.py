"""
What the kit knows of the spec: the constants of spec.json, and the JSON Schemas.

Both lie beside this file as copies that ``spec/generate.py`` makes, so an installed kit needs no
checkout and imports nothing of the packages that it judges.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def _read(name: str) -> Any:
    return json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


SPEC: dict[str, Any] = _read("spec/spec.json")


@cache
def cases() -> list[dict[str, Any]]:
    """Return the cases of SPEC.md: rule, expect, subject, text and the line where they stand."""
    cases: list[dict[str, Any]] = _read("cases.json")
    return cases


@cache
def rules() -> dict[str, str]:
    """Return the sentence of each rule, by its id."""
    rules: dict[str, str] = _read("rules.json")
    return rules


@cache
def untested() -> dict[str, str]:
    """Return what SPEC.md says about the rules that no example can show, by their ids."""
    reasons: dict[str, str] = _read("untested.json")
    return reasons


@cache
def schema(name: str) -> Draft202012Validator:
    """Return the schema ``begin``, ``end``, ``note``, ``spec`` or ``cases``."""
    # It takes longer to import than a small adapter to do all of its work.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_read(f"spec/schemas/{name}.schema.json"))
