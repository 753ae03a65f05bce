"""
Known failures: what may fail, for a reason that somebody has written down, and must still fail.

A file of them is a JSON list, such as::

    [{"name": "series.locale", "issue": "https://example.org/issues/7", "reason": "waits for a new printf"}]

``name`` is a case or a rule. A list that nobody has to shorten would grow for ever, so an entry whose case
passes makes a run red.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from lab_workbook_conformance.constants import rules
from lab_workbook_conformance.report import FAILED, KNOWN, PASSED, UNEXPECTED, Result

Known = Mapping[str, str]


class BadKnownFile(ValueError):
    """A list of known failures cannot be used; the message says why."""


def load(path: str, cases: set[str]) -> dict[str, str]:
    """
    Return the issue of each known failure, by the name of its case or rule.

    Raises:
        BadKnownFile: it is no such list, an entry has no issue, or its name is no case and no rule.
    """
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
    except (OSError, ValueError) as error:
        raise BadKnownFile(f"{path} cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise BadKnownFile(f"{path} is no list")
    return dict(_entry(path, entry, cases) for entry in entries)


def _entry(path: str, entry: object, cases: set[str]) -> tuple[str, str]:
    texts = dict(entry) if isinstance(entry, dict) else {}
    for key in ("name", "issue", "reason"):
        if not isinstance(texts.get(key), str) or not texts[key].strip():
            raise BadKnownFile(f"{path}: {json.dumps(entry)} has no {key}")
    if "://" not in texts["issue"]:
        raise BadKnownFile(f"{path}: {texts['issue']!r} is no link to an issue")
    if texts["name"] not in cases and texts["name"] not in rules():
        raise BadKnownFile(f"{path}: {texts['name']!r} is no case and no rule")
    return texts["name"], texts["issue"]


def applied(results: list[Result], known: Known) -> list[Result]:
    """Return the results with the verdicts that known failures get."""
    results = [_expected(result, known) for result in results]
    failing = {rule for result in results if result.verdict == KNOWN for rule in _about(result)}
    return [_unexpected(result, known, failing) for result in results]


def _expected(result: Result, known: Known) -> Result:
    """Take a failure for known where each finding is, or where its whole case is."""
    case = result.case
    issue = (
        known.get(case.name)
        or known.get(case.example)
        or " ".join(sorted({known.get(finding.rule, "") for finding in result.findings}))
    )
    is_known = {case.name, case.example} & known.keys() or all(
        finding.rule in known for finding in result.findings
    )
    if result.verdict == FAILED and is_known:
        return replace(result, verdict=KNOWN, message=issue)
    return result


def _about(result: Result) -> set[str]:
    return {result.case.name, result.case.example, *(finding.rule for finding in result.findings)}


def _unexpected(result: Result, known: Known, failing: set[str]) -> Result:
    """Turn a case that passes red where it, or a rule of which nothing fails any more, is on the list."""
    if result.verdict != PASSED:
        return result
    named = {result.case.name, result.case.example, *result.case.rules} & known.keys() - failing
    if not named:
        return result
    return replace(
        result,
        verdict=UNEXPECTED,
        message=f"is a known failure, and passes: strike {', '.join(sorted(named))}",
    )
