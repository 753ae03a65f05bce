"""
What a recording says against its writer: every rule that its files, its times and its answers break.

Each function here looks at one thing and yields findings; `recording` is all of them, for the steps that a
right writer plays to the end.
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lab_workbook_conformance import answers, comparison, judges, notation, plays, series
from lab_workbook_conformance.bench import Recording
from lab_workbook_conformance.case import Finding, shown
from lab_workbook_conformance.constants import SPEC, rules

_LAYOUT = SPEC["layout"]


def recording(found: Recording, rule: str, *, integers: bool) -> Iterator[Finding]:
    """Judge steps that ought to have been played to their end; ``rule`` is blamed where no other is known."""
    yield from played(found, rule)
    yield from sound(found)
    if found.is_done:
        yield from kept(found, integers=integers)


_OUTCOMES = {
    "refused": "was refused",
    "failed": "failed",
    "unsupported": "was called unsupported, but needs no value and no place that a language may lack",
}


def played(found: Recording, rule: str) -> Iterator[Finding]:
    """Find that a step was refused, or went wrong, although it obeys all rules."""
    if found.is_done:
        return
    step = found.steps[found.said["step"]] if found.said.get("step", -1) in range(len(found.steps)) else "?"
    named = found.said.get("rule")
    blamed = named if named in rules() else rule
    message = f"a step that obeys all rules {_OUTCOMES[found.answer]}"
    yield Finding(blamed, message, shown(step), shown(found.said["message"]))


def refused(found: Recording, rule: str, *, may_name_none: bool = False) -> Iterator[Finding]:
    """Find that the last step was not refused by this rule."""
    last = len(found.steps) - 1
    step = shown(found.steps[last])
    if found.answer == "done":
        # What a close that follows makes of it does not matter.
        yield Finding(rule, "the last step should have been refused, and was played", step)
    elif found.answer != "refused":
        message = f"the last step should have been refused, and {_OUTCOMES[found.answer]}"
        yield Finding(rule, message, step, shown(found.said["message"]))
    elif found.said.get("step", last) != last:
        yield from played(found, rule)
    elif found.said["rule"] != rule and not (may_name_none and found.said["rule"] is None):
        said = f"{found.said['rule'] or 'no rule'}: {found.said['message']}"
        yield Finding(rule, f"the refusal does not name {rule}", step, shown(said))


def refusals(found: Recording, expected: Mapping[int, str]) -> Iterator[Finding]:
    """Find the steps of a script that goes on which should have been refused by these rules, and were not."""
    said = {each["step"]: each for each in found.refusals}
    for number, rule in expected.items():
        step = shown(found.steps[number])
        if number not in said:
            if number <= found.reached:
                ended = "was played" if number < found.reached else _OUTCOMES[found.answer]
                yield Finding(rule, f"the step should have been refused, and {ended}", step)
        elif said[number]["rule"] != rule:
            names = f"{said[number]['rule'] or 'no rule'}: {said[number]['message']}"
            yield Finding(rule, f"the refusal does not name {rule}", step, shown(names))


def unexpected(found: Recording, expected: Collection[int], rule: str) -> Iterator[Finding]:
    """Find the steps that obey all rules, and were refused in a script that goes on."""
    for each in found.refusals:
        if each["step"] not in expected:
            refused = found._replace(answer="refused", said=each)
            yield from played(refused, rule)


def traces(findings: Iterable[Finding], without: Iterable[Finding]) -> Iterator[Finding]:
    """Blame ``misuse.trace`` for the findings that are not there ``without`` the calls that were refused."""
    known = {finding.rule for finding in without}
    for finding in findings:
        if finding.rule in known:
            yield finding
        else:
            message = f"a refused call has left a trace: {finding.message} ({finding.rule})"
            yield finding._replace(rule="misuse.trace", message=message)


def sound(found: Recording) -> Iterator[Finding]:
    """Judge the files of each experiment, as they lie there."""
    # What a user saves under the name of a JSON or a series owes nothing to the rules of those.
    own = {
        step[1] for step in found.steps if step[0] in ("saveText", "saveFile") and isinstance(step[1], str)
    }
    for tag, files in found.experiments.items():
        for name, rule, why in judges.violations(files):
            if name in own and rule.startswith(("json.", "series.", "text.")):
                continue
            where = f"{tag}/{name}" if name else tag
            written = files.get(name, "\n".join(sorted(files)))
            message = f"{where}: {why}" if why else f"{where} breaks it"
            yield Finding(rule, message, _logged(found, name), shown(written))
        yield from _times(found, tag, files)


def kept(found: Recording, *, integers: bool) -> Iterator[Finding]:
    """Compare what is in the files with what the steps gave."""
    files = found.files
    for name, rule, why in plays.violations(notation.value(found.steps), files, integers=integers):
        written = files.get(name, "\n".join(sorted(files)))
        message = f"{name} does not hold what was given" + (f": {why}" if why else "")
        yield Finding(rule, message, _logged(found, name), shown(written))
    if _LAYOUT["begin"] not in files:
        yield Finding("begin.first", "there is no begin.json", "", "\n".join(sorted(files)))
    yield from _ended(found)


def _ended(found: Recording) -> Iterator[Finding]:
    """Judge the word for how it ended; a workbook that was closed and has no end.json is not finished."""
    if ["close"] not in found.steps:
        return
    end = document(found.files, "end")
    if end is None:
        yield Finding(
            "end.last", "the workbook is closed, and there is no end.json", "", "\n".join(sorted(found.files))
        )
    elif end.get("outcome") != SPEC["outcome"]["finished"]:
        yield Finding(
            "end.outcome", "the script closed its workbook", '["close"]', shown(str(end.get("outcome")))
        )


def _times(found: Recording, tag: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Judge whether each time lies within that of the run, and no row is older than the one before."""
    for key, rule, kind in (("started", "begin.document", "begin"), ("ended", "end.document", "end")):
        text = (document(files, kind) or {}).get(key)
        if isinstance(text, str) and series.is_date(text) and not _is_within(found, _seconds(text)):
            yield Finding(rule, f"`{key}` is not a time of the run", _window(found), text)
    if not judges.fresh_tag(tag) and not _is_given(found, tag):
        minute = calendar.timegm(time.strptime(tag[:12], SPEC["tag"]["time_format"]))
        if not found.window[0] // 60 * 60 <= minute <= found.window[1]:
            yield Finding("tag.shape", "its minute is not one of the run", _window(found), tag)
    for name, data in files.items():
        if answers.kind(name) == "series" and not name.startswith(_LAYOUT["reserved"]):
            yield from _dates(found, name, data)


def _dates(found: Recording, name: str, data: bytes) -> Iterator[Finding]:
    if not any(step[0] == "newTimeSeriesLog" and f"{step[1]}.csv" == name for step in found.steps):
        return
    dates = [row[-1] for row in series.raw_rows(data)[1:] if series.is_date(row[-1])]
    wrong = [date for date in dates if not _is_within(found, _seconds(date))]
    if wrong:
        yield Finding("series.date", f"a date in {name} is not a time of the run", _window(found), wrong[0])
    if dates != sorted(dates):
        yield Finding("series.date", f"the dates in {name} go back", _window(found), shown(dates))


def fresh_tag(found: Recording) -> Iterator[Finding]:
    """Judge the tag that the writer made, and whether it says which."""
    if found.is_done:
        yield from (
            Finding(rule, "a tag that the writer made", "", found.tag) for rule in judges.fresh_tag(found.tag)
        )
        if found.said["tag"] not in found.experiments:
            there = ", ".join(found.experiments) or "nothing"
            yield Finding(
                "layout.place", "no experiment lies under the tag that it tells", found.said["tag"], there
            )


def document(files: Mapping[str, bytes], kind: str) -> dict[str, Any] | None:
    """Return the begin.json or end.json of an experiment; None where it is not there, or no object."""
    try:
        value = json.loads(files[_LAYOUT[kind]])
    except (KeyError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def lost(found: Recording, expected: Mapping[str, int]) -> Iterator[Finding]:
    """Judge what end.json counts as lost."""
    counts = (document(found.files, "end") or {}).get("lost")
    if found.is_done and isinstance(counts, dict):
        for what, count in expected.items():
            if not comparison.is_same(count, counts.get(what, 0)):
                yield Finding(
                    "end.lost",
                    f"it counts {counts.get(what, 0)} {what}, not {count}",
                    shown(found.steps),
                    str(counts),
                )


def _logged(found: Recording, name: str) -> str:
    """Return the steps that a file comes from."""
    own = [
        step
        for step in found.steps
        if len(step) > 1 and isinstance(step[1], str) and name.startswith(step[1])
    ]
    return "\n".join(map(shown, own[:20])) if name else shown(found.steps)


def _is_given(found: Recording, tag: str) -> bool:
    return any(step[0] == "newExperiment" and step[1].get("tag") == tag for step in found.steps)


def _seconds(date: str) -> int:
    return calendar.timegm(time.strptime(date, SPEC["series"]["date_format"]))


def _is_within(found: Recording, seconds: int) -> bool:
    return found.window[0] <= seconds <= found.window[1]


def _window(found: Recording) -> str:
    first, last = (time.strftime(SPEC["series"]["date_format"], time.gmtime(at)) for at in found.window)
    return f"it ran from {first} to {last}"
