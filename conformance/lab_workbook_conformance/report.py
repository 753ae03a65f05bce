"""What came of all cases: a verdict for each, and for each rule; for people, as JSON and as JUnit."""

from __future__ import annotations

import json
import shlex
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import quote

from lab_workbook_conformance import certification
from lab_workbook_conformance.case import Case, Finding
from lab_workbook_conformance.certification import Certification, Requirements
from lab_workbook_conformance.constants import SPEC, rules

PASSED, FAILED, UNSUPPORTED = "passed", "failed", "unsupported"
# What an adapter may do instead of answering; it says nothing about the writer.
TROUBLES = ("silent", "died", "nonsense")
# A known failure that fails, and one that does not any more.
KNOWN, UNEXPECTED = "known", "unexpected"

GREEN, RED, TROUBLE = 0, 1, 3


@dataclass(frozen=True)
class Result:
    """What came of one case; ``message`` is why it could not be judged, or the issue of a known failure."""

    case: Case
    verdict: str
    findings: tuple[Finding, ...] = ()
    message: str = ""
    seconds: float = 0


@dataclass
class Report:
    """
    The results of one adapter; ``again`` are the options that a replay needs.

    ``requirements`` are None where only a selection of cases was run.
    """

    command: list[str]
    hello: dict[str, Any]
    results: list[Result] = field(default_factory=list)
    stopped: str = ""
    again: list[str] = field(default_factory=list)
    requirements: Requirements | None = None

    @property
    def broken(self) -> set[str]:
        """The rules that were broken, also by a case that ended in trouble; known failures aside."""
        return {
            finding.rule
            for result in self.results
            if result.verdict in (FAILED, *TROUBLES)
            for finding in result.findings
        }

    @property
    def counts(self) -> dict[str, int]:
        """How many cases had each verdict."""
        return dict(Counter(result.verdict for result in self.results))

    @property
    def certification(self) -> Certification:
        """The overall result of the program."""
        verdicts = set(self.counts)
        if self.broken or UNEXPECTED in verdicts:
            return Certification(certification.FAILED)
        if verdicts & set(TROUBLES) or self.stopped:
            return Certification(certification.UNJUDGED)
        if self.requirements is None:
            return Certification(certification.SELECTION)
        return certification.certify(self.results, self.requirements, passed=PASSED)

    @property
    def exit_code(self) -> int:
        """0: certified, or no chosen case failed; 1: failed or incomplete; 3: the adapter was in trouble."""
        status = self.certification.status
        if status == certification.UNJUDGED:
            return TROUBLE
        # The file of known failures lets a run in CI pass; the program is not certified all the same.
        is_incomplete = status == certification.INCOMPLETE and KNOWN not in self.counts
        return RED if is_incomplete or status == certification.FAILED else GREEN

    def by_rule(self) -> dict[str, str]:
        """
        Return a verdict for each rule that a case is about: failed where a finding names it, else the worst.

        A rule with an unsupported case and others that passed has passed; `unsupported` lists such cases.
        """
        order = (UNSUPPORTED, PASSED, KNOWN, *TROUBLES, UNEXPECTED)
        found: dict[str, str] = {}
        for result in self.results:
            # The rules that a failed case was not found to break have still been looked at.
            verdict = PASSED if result.verdict == FAILED else result.verdict
            for rule in result.case.rules:
                found[rule] = max(found.get(rule, UNSUPPORTED), verdict, key=order.index)
        return {**found, **dict.fromkeys(sorted(self.broken), FAILED)}

    def unsupported(self) -> dict[str, list[str]]:
        """Return the names of the unsupported cases of each rule that has some."""
        found: dict[str, list[str]] = {}
        for result in self.results:
            if result.verdict == UNSUPPORTED:
                for rule in result.case.rules:
                    found.setdefault(rule, []).append(result.case.name)
        return found


def as_json(report: Report) -> dict[str, Any]:
    """Return a report as results.schema.json describes it."""
    return {
        "spec": SPEC["protocol"]["version"],
        "command": report.command,
        "adapter": report.hello,
        "counts": report.counts,
        "stopped": report.stopped or None,
        "certification": report.certification._asdict(),
        "rules": report.by_rule(),
        "unsupported": report.unsupported(),
        "cases": [_case(result) for result in report.results],
    }


def _case(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "name": case.name,
        "rules": list(case.rules),
        "level": case.level,
        "role": case.role,
        "verdict": result.verdict,
        "message": result.message,
        "seconds": round(result.seconds, 3),
        "findings": [finding._asdict() for finding in result.findings],
    }


def write_json(report: Report, path: str) -> None:
    """Write result.json."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(as_json(report), file, indent=1, ensure_ascii=False)
        file.write("\n")


def write_junit(report: Report, path: str) -> None:
    """Write what the test pages of CI services read."""
    counts = report.counts
    errors = sum(counts.get(trouble, 0) for trouble in TROUBLES)
    suite = ET.Element(
        "testsuite",
        name=report.hello.get("name", "adapter"),
        tests=str(len(report.results)),
        failures=str(counts.get(FAILED, 0) + counts.get(UNEXPECTED, 0)),
        errors=str(errors),
        skipped=str(counts.get(UNSUPPORTED, 0) + counts.get(KNOWN, 0)),
    )
    for result in report.results:
        _junit_case(suite, result)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _junit_case(suite: ET.Element, result: Result) -> None:
    case = result.case
    element = ET.SubElement(
        suite, "testcase", classname=f"{case.level}.{case.role}", name=case.name, time=f"{result.seconds:.3f}"
    )
    if result.verdict == PASSED:
        return
    tag = {FAILED: "failure", UNEXPECTED: "failure", UNSUPPORTED: "skipped", KNOWN: "skipped"}.get(
        result.verdict, "error"
    )
    text = "\n\n".join("\n".join(_finding(finding)) for finding in result.findings) or result.message
    child = ET.SubElement(element, tag, message=_without_controls(result.message or _names(result.findings)))
    child.text = _without_controls(text)


def _without_controls(text: str) -> str:
    """Return a text as XML allows it."""
    return "".join(c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in text)


def _names(findings: Iterable[Finding]) -> str:
    return ", ".join(sorted({finding.rule for finding in findings}))


_COLOURS = {certification.CERTIFIED: "brightgreen", certification.FAILED: "red"}


def badge(report: Report) -> str:
    """
    Return the verdict as an image for a README, in Markdown.

    shields.io draws it; the address has the whole text, and the image's own text is the same.
    """
    found = report.certification
    verdict = ", ".join(found.levels) if found.status == certification.CERTIFIED else found.status
    label = f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}"
    # A hyphen separates the parts there, and a doubled one is a hyphen.
    parts = (quote(text.replace("-", "--"), safe="") for text in (label, verdict))
    colour = _COLOURS.get(found.status, "lightgrey")
    return f"![{label}: {verdict}](https://img.shields.io/badge/{'-'.join(parts)}-{colour})"


def show(report: Report, out: IO[str] | None = None) -> None:
    """Print a report for people: one line where all is well."""
    out = out or sys.stdout
    for line in _lines(report):
        # A terminal of another encoding must not hide what failed.
        encoding = getattr(out, "encoding", None) or "utf-8"
        out.write(f"{line}\n".encode(encoding, "backslashreplace").decode(encoding))


def _lines(report: Report) -> Iterator[str]:
    for result in report.results:
        if result.verdict != PASSED:
            yield from described(report, result)
    hello = report.hello
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items()) or "no cases"
    if report.stopped:
        yield report.stopped
    found = report.certification
    name = f"{hello.get('name', 'the adapter')} {hello.get('version', '')}".strip()
    protocol = f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}"
    yield f"{name} {certification.STATUS_TEXTS[found.status](found)} ({protocol}): {counts}"
    yield from (f"  {line}" for line in (*found.reasons, *sorted(report.broken)))


def described(report: Report, result: Result) -> Iterator[str]:
    """Yield the lines about one case: its verdict, what is wrong, and how to play it again."""
    case = result.case
    yield f"{result.verdict.upper()} {case.name}" + (f": {result.message}" if result.message else "")
    seen: Counter[str] = Counter()
    for finding in result.findings:
        seen[finding.rule] += 1
        if seen[finding.rule] <= 2:
            yield from (f"  {line}" for line in _finding(finding))
    more = sum(count - 2 for count in seen.values() if count > 2)
    if more:
        yield f"  and {more} more like these"
    if result.verdict not in (UNSUPPORTED, KNOWN):
        options, command = " ".join(["", *map(shlex.quote, report.again)]), shlex.join(report.command)
        yield f"  again: lab-workbook certify --case {case.name}{options} -- {command}"
        if case.name.startswith("depth."):
            keeping = "--pin NAME --to FILE"
            yield f"   keep: lab-workbook certify --case {case.name} {keeping}{options} -- {command}"
        yield ""


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.rule}: {rules().get(finding.rule, '')}"
    yield f"  {finding.message}"
    for title, text in (("given", finding.logged), ("found", finding.written)):
        if text:
            yield f"  {title}: " + text.rstrip("\n").replace("\n", "\n" + " " * 11)
